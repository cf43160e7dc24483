/**
 * Moments as epoch milliseconds, from a number or from RFC 3339: `2026-03-01T09:00:00+09:00`, or `2026-03-01` for the
 * first moment of that day in UTC. NaN for everything else.
 */
const pattern =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2})))?$/

const textLengthMax = 40
const dayMs = 86_400_000

export function readMoment(found: unknown): number {
  if (typeof found === 'number') return Number.isFinite(found) ? found : Number.NaN
  if (typeof found !== 'string' || found.length > textLengthMax) return Number.NaN
  const match = pattern.exec(found)
  return match === null ? Number.NaN : momentOf(match)
}

function momentOf(match: RegExpExecArray): number {
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map(index => Number(match[index] ?? 0)) as Six
  const isDate = month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)
  // The second 60 is a leap second; it is taken as the first of the next minute.
  if (!isDate || hour > 23 || minute > 59 || second > 60) return Number.NaN
  const [offsetHours, offsetMinutes] = [Number(match[9] ?? 0), Number(match[10] ?? 0)]
  if (offsetHours > 23 || offsetMinutes > 59) return Number.NaN
  const offset = (match[8] === '-' ? -1 : 1) * (offsetHours * 60 + offsetMinutes)
  const fractionMs = Number(`0.${match[7] ?? 0}`) * 1_000
  return daysBefore(year, month, day) * dayMs + ((hour * 60 + minute - offset) * 60 + second) * 1_000 + fractionMs
}

type Six = [number, number, number, number, number, number]

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0

const daysIn = (year: number, month: number): number =>
  month === 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31

/** Days from 1970-01-01, by the Gregorian calendar. The year begins in March, so that a leap day is its last. */
function daysBefore(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1
  const era = Math.floor(marchYear / 400)
  const yearOfEra = marchYear - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}
