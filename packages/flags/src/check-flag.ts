/**
 * Is this JSON a flag? The server refuses what has problems; an evaluator that meets it all the same serves the off
 * variant with PARSE_ERROR.
 */
import { type ConditionSurroundings, checkCondition } from './check-condition.ts'
import {
  checkList,
  checkRecord,
  checkShare,
  checkTexts,
  type Fields,
  isFields,
  isText,
  type Report,
  shown,
  textLengthMax,
} from './check-value.ts'
import { segmentsAskedFor } from './compile-condition.ts'
import {
  bucketAlgorithms,
  completeFlag,
  type FlagDefinition,
  type FlagSegment,
  flagKinds,
  weightTotal,
} from './flag-definition.ts'
import { PatternSteps, stepsExpected } from './pattern-steps.ts'
import { checkReferences } from './reference-check.ts'

export interface FlagProblem {
  /** Where in the flag: `exposure.cohorts[0].share`. */
  readonly path: string
  readonly message: string
}

/** Generous for people, small for a stream that thousands of clients read. */
const limits = {
  variants: 100,
  prerequisites: 100,
  targets: 100,
  keys: 10_000,
  rules: 100,
  conditions: 50,
  parts: 100,
  cohorts: 100,
  strata: 1_000,
  attributes: 20,
  values: 10_000,
  segments: 1_000,
  segmentRules: 100,
  /** Lookups of one segment in others, all together. */
  segmentCost: 1_000,
  /** From three pings, below which every network would lower the flag now and then, to a week. */
  leaseMs: { least: 10_000, most: 604_800_000 },
}

const isLease = (found: unknown): boolean =>
  Number.isSafeInteger(found) && Number(found) >= limits.leaseMs.least && Number(found) <= limits.leaseMs.most

export function checkFlag(given: unknown): FlagProblem[] {
  if (!isFields(given)) return [problem('', '', given, 'an object')]
  const flag: Fields = isFields(given.variants) ? { ...completeFlag(given as never) } : given
  const problems: FlagProblem[] = []
  const key = typeof flag.key === 'string' ? flag.key : ''
  const report: Report = (path, found, expected) => problems.push(problem(key, path, found, expected))
  checkHead(flag, report)
  const variants = checkVariants(flag, report)
  if (variants === null) return problems
  const patterns = new PatternSteps()
  const names: Names = { variants, segments: isFields(flag.segments) ? flag.segments : {}, patterns }
  checkPrerequisites(flag, report)
  checkTargets(flag, names, report)
  checkRules(flag, names, report)
  checkExposure(flag, names, report)
  checkServe('otherwise', flag.otherwise, flag, names, report)
  checkSegments(flag, names, report)
  if (problems.length > 0) return problems
  const excess = patterns.excessOf(flag as unknown as FlagDefinition)
  if (excess !== null) report(excess.path, excess.steps, stepsExpected)
  return problems
}

/** What other parts of the flag may name. */
interface Names extends ConditionSurroundings {
  readonly variants: Fields
}

function problem(key: string, path: string, found: unknown, expected: string): FlagProblem {
  const where = path === '' ? '' : ` ${path}:`
  return { path, message: `Cannot accept flag "${key}":${where} found ${shown(found)}, expected ${expected}.` }
}

function checkHead(flag: Fields, report: Report): void {
  for (const name of ['key', 'seed'])
    if (!isText(flag[name])) report(name, flag[name], `a text of 1 to ${textLengthMax} characters`)
  if (!Number.isSafeInteger(flag.version)) report('version', flag.version, 'an integer')
  const { otherBuckets = [] } = flag
  if (!Array.isArray(otherBuckets) || !otherBuckets.every(client => bucketAlgorithms.includes(client)))
    report('otherBuckets', otherBuckets, `some of ${bucketAlgorithms.join(', ')}`)
  if (flag.leaseMs !== undefined && !isLease(flag.leaseMs))
    report('leaseMs', flag.leaseMs, `${limits.leaseMs.least} to ${limits.leaseMs.most} milliseconds`)
  checkWord(flag, 'kind', flagKinds, report)
  checkWord(flag, 'algorithm', bucketAlgorithms, report)
  for (const name of ['on', 'killed']) if (typeof flag[name] !== 'boolean') report(name, flag[name], 'true or false')
}

function checkWord(flag: Fields, name: string, words: readonly string[], report: Report): void {
  if (!words.includes(flag[name] as string)) report(name, flag[name], `one of ${words.join(', ')}`)
}

/** Null when there are none to name. */
function checkVariants(flag: Fields, report: Report): Fields | null {
  const { variants } = flag
  if (!isFields(variants) || Object.keys(variants).length > limits.variants) {
    report('variants', variants, `an object of at most ${limits.variants} variants`)
    return null
  }
  for (const name of ['onVariant', 'offVariant']) checkVariant(name, flag[name], variants, report)
  return variants
}

function checkVariant(path: string, variant: unknown, variants: Fields, report: Report): void {
  const known = typeof variant === 'string' && Object.hasOwn(variants, variant) && variants[variant] !== undefined
  if (!known) report(path, variant, 'the name of a variant')
}

function checkPrerequisites(flag: Fields, report: Report): void {
  checkList('prerequisites', flag.prerequisites, limits.prerequisites, report, (path, { flag: other, variants }) => {
    if (!isText(other) || other === flag.key) report(`${path}.flag`, other, 'the key of another flag')
    checkTexts(`${path}.variants`, variants, limits.variants, 'names of variants', report)
  })
}

function checkTargets(flag: Fields, { variants }: Names, report: Report): void {
  checkList('targets', flag.targets, limits.targets, report, (path, { variant, keys }) => {
    checkVariant(`${path}.variant`, variant, variants, report)
    checkTexts(`${path}.keys`, keys, limits.keys, 'targeting keys', report)
  })
}

function checkRules(flag: Fields, names: Names, report: Report): void {
  const ids = new Set<unknown>()
  checkList('rules', flag.rules, limits.rules, report, (path, rule) => {
    if (!isText(rule.id) || ids.has(rule.id)) report(`${path}.id`, rule.id, 'a text that no other rule has')
    ids.add(rule.id)
    checkConditions(`${path}.when`, rule.when, names, report)
    checkShare(`${path}.share`, rule.share, report)
    checkBucketSource(path, rule, report)
    checkServe(`${path}.serve`, rule.serve, flag, names, report)
  })
}

function checkConditions(path: string, conditions: unknown, names: Names, report: Report): void {
  checkList(path, conditions, limits.conditions, report, (place, condition) =>
    checkCondition(place, condition, names, limits.values, report),
  )
}

/** An empty seed is one: some clients bucket by the attribute alone. */
function checkBucketSource(path: string, { by, seed }: Fields, report: Report): void {
  if (by !== null && !isText(by)) report(`${path}.by`, by, 'the name of an attribute, or null')
  if (seed !== null && seed !== '' && !isText(seed))
    report(`${path}.seed`, seed, `a text of at most ${textLengthMax} characters, or null`)
}

function checkServe(path: string, serve: unknown, flag: Fields, names: Names, report: Report): void {
  if (!isFields(serve)) {
    report(path, serve, 'an object with variant or split')
    return
  }
  if (serve.split === undefined) {
    checkVariant(`${path}.variant`, serve.variant, names.variants, report)
    return
  }
  if (serve.variant !== undefined) report(`${path}.variant`, serve.variant, 'nothing beside split')
  if (typeof serve.experiment !== 'boolean') report(`${path}.experiment`, serve.experiment, 'true or false')
  checkBucketSource(path, serve, report)
  checkParts(`${path}.split`, serve.split, flag, names, report)
}

function checkParts(path: string, split: unknown, { algorithm }: Fields, { variants }: Names, report: Report): void {
  // Unleash knows thousandths; a part between them could not be served alike through its client.
  const unit = algorithm === 'unleash' ? 100 : 1
  let sum = 0
  checkList(path, split, limits.parts, report, (place, { variant, weight, tracked }) => {
    checkVariant(`${place}.variant`, variant, variants, report)
    const isWeight = Number.isSafeInteger(weight) && (weight as number) >= 0 && (weight as number) % unit === 0
    if (isWeight) sum += weight as number
    else report(`${place}.weight`, weight, unit === 1 ? 'a whole number from 0' : `a multiple of ${unit} from 0`)
    if (tracked !== undefined && typeof tracked !== 'boolean') report(`${place}.tracked`, tracked, 'true or false')
  })
  if (Array.isArray(split) && sum !== weightTotal) report(path, sum, `weights that sum to ${weightTotal}`)
}

function checkExposure(flag: Fields, names: Names, report: Report): void {
  const { exposure } = flag
  if (!isFields(exposure)) {
    report('exposure', exposure, 'an object')
    return
  }
  checkShare('exposure.share', exposure.share, report)
  if (typeof exposure.shadow !== 'boolean') report('exposure.shadow', exposure.shadow, 'true or false')
  checkList('exposure.cohorts', exposure.cohorts, limits.cohorts, report, (path, cohort) =>
    checkCohort(path, cohort, names, report),
  )
}

function checkCohort(path: string, cohort: Fields, { segments }: Names, report: Report): void {
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

function checkSegments(flag: Fields, names: Names, report: Report): void {
  if (!checkRecord('segments', flag.segments, limits.segments, 'segments', report)) return
  const entries = Object.entries(names.segments)
  if (entries.length === 0) return
  let sound = true
  const note: Report = (path, found, expected) => {
    sound = false
    report(path, found, expected)
  }
  for (const [name, segment] of entries) checkSegment(`segments.${name}`, segment, names, note)
  if (!sound) return
  const asked = new Map(entries.map(([name, segment]) => [name, segmentsAskedFor(segment as FlagSegment)]))
  const { circular, costly } = checkReferences(asked, limits.segmentCost)
  for (const name of circular) report(`segments.${name}`, 'itself', 'no segment that asks for itself')
  for (const name of costly) report(`segments.${name}`, 'more', `at most ${limits.segmentCost} segments asked for`)
}

function checkSegment(path: string, segment: unknown, names: Names, report: Report): void {
  if (!isFields(segment)) {
    report(path, segment, 'an object')
    return
  }
  checkAttributes(`${path}.include`, segment.include, report)
  for (const name of ['keys', 'excludedKeys'])
    if (segment[name] !== undefined) checkTexts(`${path}.${name}`, segment[name], limits.keys, 'targeting keys', report)
  const { rules } = segment
  if (rules === undefined) return
  if (!Array.isArray(rules) || rules.length > limits.segmentRules) {
    report(`${path}.rules`, rules, `a list of at most ${limits.segmentRules}`)
    return
  }
  for (const [index, rule] of rules.entries()) checkConditions(`${path}.rules[${index}]`, rule, names, report)
}

function checkAttributes(path: string, attributes: unknown, report: Report): void {
  if (!checkRecord(path, attributes, limits.attributes, 'attributes', report)) return
  for (const [attribute, values] of Object.entries(attributes as Fields))
    checkTexts(`${path}.${attribute}`, values, limits.values, 'texts', report)
}
