const DAY_MS = 86_400_000

/** A calendar day as YYYY-MM-DD; days compare as text. */
export type Day = string

export function dayOf(epochMs: number): Day {
  return new Date(epochMs).toISOString().slice(0, 10)
}

export function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) && dayOf(Date.parse(text)) === text
}

export function daysBetween(from: Day, to: Day): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS)
}

export function daysAfter(day: Day, days: number): Day {
  return dayOf(Date.parse(day) + days * DAY_MS)
}

export function isWeekend(day: Day): boolean {
  const weekday = new Date(day).getUTCDay()
  return weekday === 0 || weekday === 6
}
