/**
 * Numbers as people write them, read exactly. `5.01%` is 501 / 10000 and not 5.01 / 100, which would be another
 * floating-point number and would make "exactly 5 in 100" miss its limit.
 */

const unitMs = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
} as const
export type DurationUnit = keyof typeof unitMs

/** Ten years: longer than any release, short enough for exact milliseconds and for timers. */
export const longestDurationMs = 520 * unitMs.w

/** JSON Schema and shape checks share this form. */
export const durationPattern = '^(\\d{1,12}(ms|s|m|h|d|w))+$'

/** `90s`, `5m`, `2h`, also `2m30s`; null when it is not a duration. */
export function readDurationMs(text: string): number | null {
  if (text.length > 40 || !new RegExp(durationPattern, 'u').test(text)) return null
  let total = 0
  let smallest = Number.POSITIVE_INFINITY
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|s|m|h|d|w)/gu)) {
    const ms = unitMs[unit as DurationUnit]
    // `5m2h` is more likely a slip than an intention.
    if (ms >= smallest) return null
    smallest = ms
    total += Number(amount) * ms
  }
  return total <= longestDurationMs ? total : null
}

/** One unit where one is enough (`90s`, `7d`), else several (`1s500ms`); reads back to the same duration. */
export function printDuration(ms: number): string {
  if (ms === 0) return '0s'
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    // A deadline of a day is written 24h in every document.
    const isNatural = unit !== 'd' || ms >= 2 * unitMs.d
    if (ms % unitMs[unit] === 0 && ms >= unitMs[unit] && isNatural) return `${ms / unitMs[unit]}${unit}`
  }
  if (ms < unitMs.s) return `${ms}ms`
  const parts: string[] = []
  let rest = ms
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const amount = Math.floor(rest / unitMs[unit])
    if (amount > 0) parts.push(`${amount}${unit}`)
    rest -= amount * unitMs[unit]
  }
  return parts.join('')
}

const decimalForm = /^(\d{1,15})(?:\.(\d{1,12}))?$/u

/** A decimal text moved by powers of ten without arithmetic: shiftDecimal("5.01", -2) reads "0.0501". */
export function shiftDecimal(text: string, places: number): number | null {
  const match = decimalForm.exec(text)
  if (!match) return null
  return Number(`${match[1]}.${match[2] ?? '0'}e${places}`)
}

/** A decimal text times a whole factor, rounded once: scaleDecimal("1.5", 60000) is 90000. */
export function scaleDecimal(text: string, factor: number): number | null {
  const match = decimalForm.exec(text)
  if (!match) return null
  const fraction = match[2] ?? ''
  const scaled = BigInt(`${match[1]}${fraction}`) * BigInt(factor)
  const divisor = 10n ** BigInt(fraction.length)
  return scaled % divisor === 0n ? Number(scaled / divisor) : Number(scaled) / Number(divisor)
}

export function timeUnitMs(unit: string): number | null {
  return Object.hasOwn(unitMs, unit) ? unitMs[unit as DurationUnit] : null
}

export const percentPattern = '^\\d{1,3}(\\.\\d{1,10})?%$'

/** `5%` as a share of 0 … 1; null when it is not a percentage or above 100 %. */
export function readShare(text: string): number | null {
  if (!new RegExp(percentPattern, 'u').test(text)) return null
  const share = shiftDecimal(text.slice(0, -1), -2)
  return share !== null && share <= 1 ? share : null
}

/** A fraction as a percentage without floating-point dust: 0.07 is "7%", not "7.000000000000001%". */
export function printShare(share: number): string {
  return `${printNumber(share, 2)}%`
}

/** A number moved by powers of ten and printed as a plain decimal. */
export function printNumber(value: number, places = 0): string {
  const [mantissa = '0', exponent = '0'] = String(value).split('e')
  const [whole = '0', fraction = ''] = mantissa.replace('-', '').split('.')
  const digits = whole + fraction
  const point = whole.length + Number(exponent) + places
  const padded = digits
    .padStart(digits.length + Math.max(0, 1 - point), '0')
    .padEnd(Math.max(point, digits.length), '0')
  const at = Math.max(point, 1)
  const left = padded.slice(0, at).replace(/^0+(?=\d)/u, '')
  const right = padded.slice(at).replace(/0+$/u, '')
  return `${value < 0 ? '-' : ''}${left}${right === '' ? '' : `.${right}`}`
}
