/**
 * Sets of UTF-16 code units for `text-pattern.ts`, as ECMAScript defines them for a regular expression without flags, or
 * with the flag `i`: then two units are the same when their upper case is the same single unit.
 */

/** First and last unit, both within. */
export type UnitRange = readonly [first: number, last: number]

export interface CharacterSet {
  /** Answers for the units 0 to 127. */
  readonly ascii: Uint8Array
  /** First and last units by turns, rising; for all others. */
  readonly bounds: Uint16Array
  readonly negated: boolean
}

const unitMax = 0xffff

export const digits: readonly UnitRange[] = [[48, 57]]

export const wordUnits: readonly UnitRange[] = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
]

/** White space and line ends of ECMAScript. */
export const spaces: readonly UnitRange[] = [
  [9, 13],
  [32, 32],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]

export const lineEnds: readonly UnitRange[] = [
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
]

export const isWordUnit = (unit: number): boolean => wordUnits.some(([first, last]) => unit >= first && unit <= last)

/** Every unit that is in none of the ranges. */
export function complement(ranges: readonly UnitRange[]): readonly UnitRange[] {
  const gaps: UnitRange[] = []
  let next = 0
  for (const [first, last] of merged(ranges)) {
    if (first > next) gaps.push([next, first - 1])
    next = last + 1
  }
  return next > unitMax ? gaps : [...gaps, [next, unitMax]]
}

export function characterSet(ranges: readonly UnitRange[], negated: boolean, ignoreCase: boolean): CharacterSet {
  const sorted = merged(ignoreCase ? folded(ranges) : ranges)
  const ascii = new Uint8Array(128)
  for (const [first, last] of sorted) ascii.fill(1, Math.min(first, 128), Math.min(last + 1, 128))
  return { ascii, bounds: Uint16Array.from(sorted.flat()), negated }
}

export function hasUnit(set: CharacterSet, unit: number): boolean {
  const isIn = unit < 128 ? set.ascii[unit] === 1 : isWithin(set.bounds, unit)
  return isIn !== set.negated
}

function isWithin(bounds: Uint16Array, unit: number): boolean {
  let low = 0
  let high = bounds.length / 2 - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    if (unit < bounds[middle * 2]!) high = middle - 1
    else if (unit > bounds[middle * 2 + 1]!) low = middle + 1
    else return true
  }
  return false
}

function merged(ranges: readonly UnitRange[]): UnitRange[] {
  const result: [number, number][] = []
  for (const [first, last] of ranges.toSorted((one, other) => one[0] - other[0])) {
    const before = result.at(-1)
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else result.push([first, last])
  }
  return result
}

/** What stands for a unit when case is ignored. */
export function foldUnit(unit: number): number {
  return foldTable()[unit]!
}

function folded(ranges: readonly UnitRange[]): UnitRange[] {
  const fold = foldTable()
  const isIn = new Uint8Array(unitMax + 1)
  for (const [first, last] of ranges) for (let unit = first; unit <= last; unit++) isIn[fold[unit]!] = 1
  const result: UnitRange[] = []
  for (let unit = 0; unit <= unitMax; unit++) {
    if (isIn[unit] === 0) continue
    const first = unit
    while (isIn[unit + 1] === 1) unit++
    result.push([first, unit])
  }
  return result
}

let table: Uint16Array | null = null

/** Made when the first pattern that ignores case is compiled: 128 kB that most programs never need. */
function foldTable(): Uint16Array {
  table ??= Uint16Array.from({ length: unitMax + 1 }, (_, unit) => upperUnit(unit))
  return table
}

/** ECMAScript's Canonicalize: no unit beyond ASCII stands for one of ASCII, and none for several. */
function upperUnit(unit: number): number {
  const upper = String.fromCharCode(unit).toUpperCase()
  const code = upper.charCodeAt(0)
  return upper.length !== 1 || (unit >= 128 && code < 128) ? unit : code
}
