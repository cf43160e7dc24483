import { wayOf, ways } from './comparison.ts'

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
  const found = /^(\d{1,15})\.(\d{1,15})\.(\d{1,15})(?![\d.])/.exec(text)
  if (found === null || text.length > textLengthMax) return null
  const [major, minor, patch] = [Number(found[1]), Number(found[2]), Number(found[3])]
  const preRelease = preReleaseAt(text, found[0].length)
  const version = { major, minor, patch, preRelease: preRelease ?? [] }
  return preRelease === null || wayToVersion(text, version) !== ways.same ? null : version
}

/** A version so short has numbers of nine digits at most, which engines keep in registers. */
const plainLengthMax = 13

/**
 * Whether `text` comes before, with or after `version`, as one of `ways`; 0 when it is no version. Three numbers and no
 * more, which is what nearly all are, take one short pass that becomes part of its caller; the rest is read with care.
 */
export function wayToVersion(text: string, version: SemanticVersion): number {
  const dot = 46
  const zero = 48
  const none = -1
  let major = 0
  let minor = 0
  let number = none
  let dots = text.length > plainLengthMax ? none : 0
  for (let index = 0; index < text.length && dots !== none; index++) {
    const unit = text.charCodeAt(index)
    const digit = unit - zero
    // No number but 0 itself begins with 0.
    if (digit >= 0 && digit <= 9 && number !== 0) number = number === none ? digit : number * 10 + digit
    else if (unit === dot && number !== none) {
      major = minor
      minor = number
      number = none
      dots++
    } else dots = none
  }
  const difference = major - version.major || minor - version.minor || number - version.patch
  const isPlain = dots === 2 && number !== none && (difference !== 0 || version.preRelease.length === 0)
  return isPlain ? wayOf(difference) : wayToAnyVersion(text, version)
}

/** Also with parts missing, a pre-release or build metadata. */
function wayToAnyVersion(text: string, version: SemanticVersion): number {
  const length = text.length <= textLengthMax ? text.length : 0
  let part = 0
  let number = 0
  let digits = 0
  let difference = 0
  let index = 0
  for (; index < length; index++) {
    const unit = text.charCodeAt(index)
    const digit = unit - 48
    if (digit >= 0 && digit <= 9) {
      // No number but 0 itself begins with 0.
      if (digits > 0 && number === 0) return 0
      number = number * 10 + digit
      digits++
    } else if (unit === 46 && part < 2 && digits > 0 && digits <= digitsMax) {
      if (difference === 0) difference = number - partOf(version, part)
      part++
      number = 0
      digits = 0
    } else break
  }
  if (digits === 0 || digits > digitsMax) return 0
  for (; difference === 0 && part < 3; part++) {
    difference = number - partOf(version, part)
    number = 0
  }
  if (index === length && (difference !== 0 || version.preRelease.length === 0)) return wayOf(difference)
  const preRelease = preReleaseAt(text, index)
  return preRelease === null ? 0 : wayOf(difference || comparePreReleases(preRelease, version.preRelease))
}

function partOf({ major, minor, patch }: SemanticVersion, part: number): number {
  return part === 0 ? major : part === 1 ? minor : patch
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
