/**
 * Keys of flags in source text.
 *
 * 1. A key counts where it stands as a whole: `new-search` is not found in `new-search-box`.
 * 2. A key that is a plain word (`search`) counts in quotes only, because code is full of words.
 * 3. A call that evaluates a flag with a key in quotes says that the key should be one.
 */
export interface KeyPlace {
  readonly key: string
  /** 1-based. */
  readonly line: number
  readonly isKnown: boolean
}

const token = /[A-Za-z0-9][A-Za-z0-9._:/-]*/g
const plainWord = /^[A-Za-z][a-z0-9]*$/
/** Parts of one long name, such as `flags.new-search`, are looked at together and alone. */
const partsMax = 8

/** The calls of Dankai's SDK, OpenFeature, LaunchDarkly and Unleash that take a key first. */
const evaluation =
  /\b(?:isEnabled|getVariation|getVariant|getExperimentVariant|variation|variationDetail|(?:bool|string|number|int|json|double)Variation(?:Detail)?|(?:get)?(?:Boolean|String|Number|Object)(?:Value|Details)|useFlag|useVariant|use(?:Boolean|String|Number|Object)Flag(?:Value|Details)|evaluateFlag|resolve(?:Boolean|String|Number|Object)Evaluation)\s*(?:<[^<>()]*>)?\(\s*(['"`])([A-Za-z0-9][A-Za-z0-9._:/-]{0,255})\1/g

export function findKeys(text: string, known: ReadonlySet<string>): readonly KeyPlace[] {
  return text.split('\n').flatMap((line, index) => keysInLine(line, index + 1, known))
}

function keysInLine(text: string, line: number, known: ReadonlySet<string>): readonly KeyPlace[] {
  const found = new Map<string, KeyPlace>()
  for (const match of text.matchAll(token))
    for (const key of knownIn(match[0], known))
      if (!plainWord.test(key) || isQuoted(text, match.index, match[0])) found.set(key, { key, line, isKnown: true })
  for (const [, , key = ''] of text.matchAll(evaluation))
    if (!found.has(key)) found.set(key, { key, line, isKnown: known.has(key) })
  return [...found.values()]
}

function isQuoted(text: string, at: number, word: string): boolean {
  const before = text[at - 1] ?? ''
  return /['"`]/.test(before) && text[at + word.length] === before
}

/** The word itself, or what its parts between ". : /" add up to. */
function knownIn(word: string, known: ReadonlySet<string>): readonly string[] {
  const whole = word.replace(/[._:/-]+$/, '')
  if (known.has(whole)) return [whole]
  const borders = [...whole.matchAll(/[.:/]/g)].map(({ index }) => index)
  if (borders.length === 0 || borders.length > partsMax) return []
  const starts = [0, ...borders.map(border => border + 1)]
  const ends = [...borders, whole.length]
  return starts.flatMap(start =>
    ends.flatMap(end => (end > start && known.has(whole.slice(start, end)) ? [whole.slice(start, end)] : [])),
  )
}
