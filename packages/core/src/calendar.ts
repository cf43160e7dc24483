import type { Calendar, CalendarEntry, Weekday, WeeklyWindow } from '@dankai/plan'

/**
 * When a release may start or rise. Going back never asks.
 *
 * Rules, in order: a blocked entry or a maintenance window wins over everything but an exemption; a caution entry asks
 * for its label and for more than one phase, unless the release is exempt; an `open` window of the release type must be
 * open; with a train, the first raise waits for the release day from its time on. Everything is judged in the
 * calendar's time zone.
 */
export interface CalendarQuestion {
  readonly now: number
  /** Labels of the release; release types are labels. */
  readonly labels: readonly string[]
  readonly hasExemption: boolean
  readonly isFirstRaise: boolean
  readonly phases: number
}

export type CalendarAnswer =
  | { readonly open: true }
  /** `until`: when this entry ends, epoch milliseconds; asked again then. null: only a person can change it. */
  | { readonly open: false; readonly entry: string; readonly until: number | null }

const dayMs = 86_400_000
const weekdays: readonly Weekday[] = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

export function askCalendar(calendar: Calendar, question: CalendarQuestion): CalendarAnswer {
  const local = localTime(calendar.timezone, question.now)
  const closing = [...calendar.blocked, ...calendar.maintenance]
  const blocked = closing.find(entry => covers(entry, local) && !isLifted(calendar, entry, question))
  if (blocked) return closed(blocked.name, endOfEntry(blocked, local, question.now))
  const caution = calendar.caution.find(entry => covers(entry, local) && !passesCaution(calendar, entry, question))
  if (caution) return closed(caution.name, endOfEntry(caution, local, question.now))
  const window = openWindowOf(calendar, question.labels)
  if (window !== null && window !== 'any' && !inWindow(window, local)) {
    return closed(`open ${window.weekday}`, nextStart(window, local, question.now))
  }
  return isExempt(calendar, question) ? { open: true } : askTrain(calendar, question, local)
}

function askTrain(calendar: Calendar, question: CalendarQuestion, local: LocalTime): CalendarAnswer {
  const { train } = calendar
  if (train === null || calendar.startOn !== 'train' || !question.isFirstRaise) return { open: true }
  const window = { weekday: train.release, fromMs: train.atMs, toMs: dayMs }
  return inWindow(window, local)
    ? { open: true }
    : closed(`train ${train.release}`, nextStart(window, local, question.now))
}

function closed(entry: string, until: number | null): CalendarAnswer {
  return { open: false, entry, until }
}

function isExempt(calendar: Calendar, question: CalendarQuestion): boolean {
  const { exempt } = calendar
  return (
    exempt?.types.some(type => question.labels.includes(type)) === true &&
    (exempt.needs === 'nothing' || question.hasExemption)
  )
}

function isLifted(calendar: Calendar, entry: CalendarEntry, question: CalendarQuestion): boolean {
  if (isExempt(calendar, question)) return true
  if (entry.except.some(type => question.labels.includes(type))) return true
  return question.hasExemption && entry.reasons.some(reason => question.labels.includes(reason))
}

function passesCaution(calendar: Calendar, entry: CalendarEntry, question: CalendarQuestion): boolean {
  if (isExempt(calendar, question)) return true
  const hasLabel = entry.needs === null || question.labels.includes(entry.needs)
  return hasLabel && question.phases > 1
}

function openWindowOf(calendar: Calendar, labels: readonly string[]): WeeklyWindow | 'any' | null {
  for (const [type, window] of Object.entries(calendar.open)) if (labels.includes(type)) return window
  return null
}

// ── Local time ──────────────────────────────────────────────────────────────────────────────────────────────────────

interface LocalTime {
  /** Days since 1970-01-01 of the local date. */
  readonly day: number
  readonly month: number
  readonly date: number
  readonly weekday: Weekday
  readonly msOfDay: number
}

/** Offset of a zone at an instant, from the platform's zone data; the same instant always gives the same answer. */
export function localTime(timezone: string, at: number): LocalTime {
  const parts = Object.fromEntries(
    formatterOf(timezone)
      .formatToParts(at)
      .map(part => [part.type, part.value]),
  )
  const number = (name: string): number => Number(parts[name] ?? 0)
  const day = daysFromCivil(number('year'), number('month'), number('day'))
  const msOfDay = ((number('hour') * 60 + number('minute')) * 60 + number('second')) * 1000 + (at % 1000)
  return { day, month: number('month'), date: number('day'), weekday: weekdays[(day + 4) % 7] ?? 'Sun', msOfDay }
}

const formatters = new Map<string, Intl.DateTimeFormat>()

function formatterOf(timezone: string): Intl.DateTimeFormat {
  const known = formatters.get(timezone)
  if (known) return known
  const formatter = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  formatters.set(timezone, formatter)
  return formatter
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms"). */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

function inWindow(window: WeeklyWindow, local: LocalTime): boolean {
  return local.weekday === window.weekday && local.msOfDay >= window.fromMs && local.msOfDay < window.toMs
}

function covers(entry: CalendarEntry, local: LocalTime): boolean {
  if (entry.when.kind === 'weekly') return inWindow(entry.when, local)
  const today = local.month * 100 + local.date
  const from = monthDay(entry.when.from)
  const to = monthDay(entry.when.to)
  return from <= to ? today >= from && today <= to : today >= from || today <= to
}

function monthDay(text: string): number {
  const [month = '1', day = '1'] = text.split('-')
  return Number(month) * 100 + Number(day)
}

/** First midnight after a yearly range, or the end of a weekly window. Zone changes inside the range shift it by theirs. */
function endOfEntry(entry: CalendarEntry, local: LocalTime, now: number): number {
  const midnight = now - local.msOfDay
  if (entry.when.kind === 'weekly') return midnight + entry.when.toMs
  let days = 1
  while (days < 366 && covers(entry, shiftDays(local, days))) days += 1
  return midnight + days * dayMs
}

function nextStart(window: WeeklyWindow, local: LocalTime, now: number): number {
  const midnight = now - local.msOfDay
  const ahead = (weekdays.indexOf(window.weekday) - weekdays.indexOf(local.weekday) + 7) % 7
  const days = ahead === 0 && local.msOfDay >= window.fromMs ? 7 : ahead
  return midnight + days * dayMs + window.fromMs
}

function shiftDays(local: LocalTime, days: number): LocalTime {
  const { month, date } = civilFromDays(local.day + days)
  return { ...local, day: local.day + days, month, date }
}

/** Inverse of daysFromCivil. */
function civilFromDays(day: number): { month: number; date: number } {
  const shifted = day + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const date = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1
  return { month: shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9, date }
}
