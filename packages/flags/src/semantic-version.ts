/**
 * Versions and their precedence by Semantic Versioning 2.0.0: build metadata counts for nothing, a pre-release comes
 * before its release, numeric identifiers before others.
 *
 * Programs in the field name themselves `2.14` or `2` as well: missing parts are zeros. A definition names all three.
 */
export interface SemanticVersion {
  readonly major: number
  readonly minor: number
  readonly patch: number
  /** Empty for a release. */
  readonly preRelease: readonly string[]
}

/** Longer texts are no versions, and longer numbers would lose digits. */
const textLengthMax = 256
const digitsMax = 15

/** Null when it is not a full version of three parts. */
export function parseSemanticVersion(text: string): SemanticVersion | null {
  const end = readNumbers(text)
  if (end < 0 || parts !== 3) return null
  const preRelease = preReleaseAt(text, end)
  return preRelease === null ? null : { major: numbers[0]!, minor: numbers[1]!, patch: numbers[2]!, preRelease }
}

/** Below 0, 0 or above 0 as `text` comes before, with or after `version`; NaN when it is no version. */
export function compareSemanticVersion(text: string, version: SemanticVersion): number {
  const end = readNumbers(text)
  if (end < 0) return Number.NaN
  const difference = numbers[0]! - version.major || numbers[1]! - version.minor || numbers[2]! - version.patch
  if (end === text.length && (difference !== 0 || version.preRelease.length === 0)) return difference
  const preRelease = preReleaseAt(text, end)
  if (preRelease === null) return Number.NaN
  return difference || comparePreReleases(preRelease, version.preRelease)
}

/** Filled by `readNumbers` and read before anything else runs, so that comparing allocates nothing. */
const numbers = [0, 0, 0]
let parts = 0

/** Reads one to three numbers; where they end, or -1 when the text does not begin with them. */
function readNumbers(text: string): number {
  if (text.length > textLengthMax) return -1
  numbers[1] = 0
  numbers[2] = 0
  let index = 0
  for (parts = 0; parts < 3; parts++) {
    const start = index
    let number = 0
    for (; index < text.length; index++) {
      const digit = text.charCodeAt(index) - 48
      if (digit < 0 || digit > 9) break
      number = number * 10 + digit
    }
    const digits = index - start
    if (digits === 0 || digits > digitsMax || (digits > 1 && text.charCodeAt(start) === 48)) return -1
    numbers[parts] = number
    if (text.charCodeAt(index) !== 46 || parts === 2) break
    index++
  }
  parts++
  return index
}

const identifiers = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*'
const suffix = new RegExp(`^(?:-(${identifiers}))?(?:\\+${identifiers})?$`)

/** Null when what follows the numbers is neither a pre-release nor build metadata. */
function preReleaseAt(text: string, start: number): readonly string[] | null {
  const found = suffix.exec(text.slice(start))
  if (found === null) return null
  const preRelease = found[1]?.split('.') ?? []
  return preRelease.some(identifier => /^0\d+$/.test(identifier)) ? null : preRelease
}

function comparePreReleases(one: readonly string[], other: readonly string[]): number {
  if (one.length === 0 || other.length === 0) return other.length - one.length
  const shared = Math.min(one.length, other.length)
  for (let index = 0; index < shared; index++) {
    const difference = compareIdentifiers(one[index]!, other[index]!)
    if (difference !== 0) return difference
  }
  return one.length - other.length
}

/** Numbers by size, and before texts; texts by their characters. A longer number without leading zeros is larger. */
function compareIdentifiers(one: string, other: string): number {
  const isNumber = /^\d+$/.test(one)
  if (isNumber !== /^\d+$/.test(other)) return isNumber ? -1 : 1
  if (isNumber && one.length !== other.length) return one.length - other.length
  return one === other ? 0 : one < other ? -1 : 1
}
