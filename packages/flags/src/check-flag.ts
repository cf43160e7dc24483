/**
 * Is this JSON a flag? The server refuses what has problems; an evaluator that meets it all the same serves the off
 * variant with PARSE_ERROR.
 */
import { bucketAlgorithms, flagKinds } from './flag-definition.ts'

export interface FlagProblem {
  /** Where in the flag: `exposure.cohorts[0].share`. */
  readonly path: string
  readonly message: string
}

/** Generous for people, small for a stream that thousands of clients read. */
const limits = { variants: 100, allow: 10_000, cohorts: 100, strata: 1_000, attributes: 20, values: 10_000 }
const textLengthMax = 256

type Fields = Readonly<Record<string, unknown>>
type Report = (path: string, found: unknown, expected: string) => void

export function checkFlag(flag: unknown): FlagProblem[] {
  if (!isFields(flag)) return [problem('', '', flag, 'an object')]
  const problems: FlagProblem[] = []
  const key = typeof flag.key === 'string' ? flag.key : ''
  const report: Report = (path, found, expected) => problems.push(problem(key, path, found, expected))
  checkHead(flag, report)
  checkVariants(flag, report)
  checkExposure(flag, report)
  checkSegments(flag, report)
  return problems
}

function problem(key: string, path: string, found: unknown, expected: string): FlagProblem {
  const where = path === '' ? '' : ` ${path}:`
  return { path, message: `Cannot accept flag "${key}":${where} found ${shown(found)}, expected ${expected}.` }
}

function checkHead(flag: Fields, report: Report): void {
  if (!isText(flag.key)) report('key', flag.key, `a text of 1 to ${textLengthMax} characters`)
  if (!isText(flag.seed)) report('seed', flag.seed, `a text of 1 to ${textLengthMax} characters`)
  if (!Number.isSafeInteger(flag.version)) report('version', flag.version, 'an integer')
  checkWord(flag, 'kind', flagKinds, report)
  checkWord(flag, 'algorithm', bucketAlgorithms, report)
  for (const name of ['on', 'killed']) if (typeof flag[name] !== 'boolean') report(name, flag[name], 'true or false')
  if (!isTexts(flag.allow, limits.allow)) report('allow', flag.allow, `at most ${limits.allow} targeting keys`)
}

function checkWord(flag: Fields, name: string, words: readonly string[], report: Report): void {
  if (!words.includes(flag[name] as string)) report(name, flag[name], `one of ${words.join(', ')}`)
}

function checkVariants(flag: Fields, report: Report): void {
  const { variants } = flag
  if (!isFields(variants) || Object.keys(variants).length > limits.variants) {
    report('variants', variants, `an object of at most ${limits.variants} variants`)
    return
  }
  for (const name of ['onVariant', 'offVariant']) {
    const variant = flag[name]
    const known = typeof variant === 'string' && Object.hasOwn(variants, variant) && variants[variant] !== undefined
    if (!known) report(name, variant, 'the name of a variant')
  }
}

function checkExposure(flag: Fields, report: Report): void {
  const { exposure, segments } = flag
  if (!isFields(exposure)) {
    report('exposure', exposure, 'an object')
    return
  }
  checkShare('exposure.share', exposure.share, report)
  if (typeof exposure.shadow !== 'boolean') report('exposure.shadow', exposure.shadow, 'true or false')
  checkList('exposure.cohorts', exposure.cohorts, limits.cohorts, report, (path, cohort) =>
    checkCohort(path, cohort, isFields(segments) ? segments : {}, report),
  )
}

function checkCohort(path: string, cohort: Fields, segments: Fields, report: Report): void {
  const { segment, share, mix } = cohort
  const known = typeof segment === 'string' && Object.hasOwn(segments, segment)
  if (!known) report(`${path}.segment`, segment, 'the name of a segment in segments')
  checkShare(`${path}.share`, share, report)
  if (mix === null || mix === undefined) return
  checkList(`${path}.mix`, mix, limits.strata, report, (place, stratum) => {
    checkShare(`${place}.share`, stratum.share, report)
    checkAttributes(`${place}.where`, stratum.where, report)
  })
}

function checkSegments(flag: Fields, report: Report): void {
  const { segments } = flag
  if (!isFields(segments)) {
    report('segments', segments, 'an object')
    return
  }
  for (const [name, segment] of Object.entries(segments)) {
    const path = `segments.${name}`
    if (!isFields(segment)) report(path, segment, 'an object')
    else checkAttributes(`${path}.include`, segment.include, report)
  }
}

function checkAttributes(path: string, attributes: unknown, report: Report): void {
  if (!isFields(attributes) || Object.keys(attributes).length > limits.attributes) {
    report(path, attributes, `an object of at most ${limits.attributes} attributes`)
    return
  }
  for (const [attribute, values] of Object.entries(attributes)) {
    if (!isTexts(values, limits.values)) report(`${path}.${attribute}`, values, `at most ${limits.values} texts`)
  }
}

function checkList(
  path: string,
  list: unknown,
  lengthMax: number,
  report: Report,
  checkItem: (path: string, item: Fields) => void,
): void {
  if (!Array.isArray(list) || list.length > lengthMax) {
    report(path, list, `a list of at most ${lengthMax}`)
    return
  }
  for (const [index, item] of list.entries()) {
    if (isFields(item)) checkItem(`${path}[${index}]`, item)
    else report(`${path}[${index}]`, item, 'an object')
  }
}

function checkShare(path: string, share: unknown, report: Report): void {
  if (typeof share !== 'number' || !(share >= 0 && share <= 1)) report(path, share, 'a number from 0 to 1')
}

const isFields = (found: unknown): found is Fields =>
  typeof found === 'object' && found !== null && !Array.isArray(found)

const isText = (found: unknown): boolean =>
  typeof found === 'string' && found.length > 0 && found.length <= textLengthMax

const isTexts = (found: unknown, lengthMax: number): boolean =>
  Array.isArray(found) && found.length <= lengthMax && found.every(text => typeof text === 'string')

function shown(found: unknown): string {
  if (typeof found === 'string') return JSON.stringify(found.slice(0, 60))
  if (Array.isArray(found)) return `a list of ${found.length}`
  if (typeof found === 'object' && found !== null) return 'an object'
  return found === undefined ? 'nothing' : String(found)
}
