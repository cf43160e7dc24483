import { type FlagRule, type FlagSegment, type Serve, weightTotal } from '@dankai/flags'
import { conditionsOfRule } from '../conditions-of-rule.ts'
import { all } from '../expression.ts'
import { type Fields, fieldsOf, listOf, textOf } from '../given-json.ts'
import { attributeNamed, conditionsOf, NotCarriedOver } from './read-condition.ts'
import type { VariantNames } from './variant-names.ts'

export interface RuleSurroundings {
  readonly key: string
  readonly names: VariantNames
  readonly savedGroups: Fields
  readonly segments: Record<string, FlagSegment>
  readonly note: (place: string, why: string) => unknown
}

/** None when the rule can serve nobody. */
export function importRule(rule: Fields, around: RuleSurroundings): readonly FlagRule[] {
  const { key, names, savedGroups, segments, note } = around
  const condition = rule['condition'] === undefined ? all<never>([]) : conditionsOf(rule['condition'], savedGroups)
  const when = conditionsOfRule(condition, segments, 'condition')
  if (when === 'too many') throw new NotCarriedOver('a condition with too many ways of meeting it')
  const by = byOf(rule)
  const seed = textOf(rule['seed']) ?? textOf(rule['key']) ?? key
  const isExperiment = Array.isArray(rule['variations'])
  if (!isExperiment && rule['force'] === undefined) throw new NotCarriedOver('it serves nothing')
  const parts = isExperiment ? experimentParts(rule, names, note) : null
  const serve: Serve =
    parts === null ? { variant: names.nameOf(rule['force']) } : { split: parts.split, by, seed, experiment: true }
  const share = (parts?.coverage ?? shareOf(rule['coverage'])) * placeShare(rule, note)
  if (parts !== null || share < 1) note('', "GrowthBook's hash is not Dankai's: users are dealt anew")
  noteRest(rule, note)
  return when === null ? [] : [{ id: isExperiment ? 'experiment' : 'rule', when, share, by, seed, serve }]
}

function byOf(rule: Fields): string | null {
  const attribute = attributeNamed(textOf(rule['hashAttribute']) || 'id')
  return attribute === 'targetingKey' ? null : attribute
}

function shareOf(coverage: unknown): number {
  if (coverage === undefined || coverage === null) return 1
  const share = Number(coverage)
  return Number.isFinite(share) ? Math.min(1, Math.max(0, share)) : 0
}

function experimentParts(rule: Fields, names: VariantNames, note: RuleSurroundings['note']) {
  const variations = listOf(rule['variations'])
  if (variations.length === 0) throw new NotCarriedOver('an experiment without variations')
  const meta = listOf(rule['meta']).map(fieldsOf)
  const ranges = listOf(rule['ranges']).map(range => listOf(range).map(Number))
  const hasRanges = ranges.length === variations.length
  if (hasRanges) note('.ranges', 'only the size of each range is kept, not its place')
  const given = hasRanges
    ? ranges.map(([from = 0, to = 0]) => Math.max(0, to - from))
    : listOf(rule['weights']).map(Number)
  const isUsable = given.length === variations.length && given.every(weight => weight >= 0)
  const weights = isUsable ? given : variations.map(() => 1 / variations.length)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  if (!isUsable && rule['weights'] !== undefined)
    note('.weights', 'they are not one for each variation; all are the same')
  if (!(total > 0)) throw new NotCarriedOver('weights that sum to nothing')
  let left = weightTotal
  const split = variations.map((value, index) => {
    const isLast = index === variations.length - 1
    const weight = isLast ? left : Math.min(left, Math.round((weights[index]! / total) * weightTotal))
    left -= weight
    const suggested = textOf(meta[index]?.['name']) ?? textOf(meta[index]?.['key'])
    return { variant: names.nameOf(value, suggested), weight }
  })
  return { split, coverage: hasRanges ? Math.min(1, total) : shareOf(rule['coverage']) }
}

/** The part of all users that a namespace has. Experiments that share it would no longer exclude each other. */
function placeShare(rule: Fields, note: RuleSurroundings['note']): number {
  const [name, from, to] = listOf(rule['namespace'])
  let share = 1
  if (name !== undefined) {
    note('.namespace', `the namespace "${String(name)}" has no equivalent: its size is kept, but it excludes nobody`)
    share *= sizeOf(from, to)
  }
  for (const [index, filter] of listOf(rule['filters']).entries()) {
    note(`.filters[${index}]`, 'a filter has no equivalent: its size is kept, but it excludes nobody')
    share *= Math.min(
      1,
      listOf(fieldsOf(filter)['ranges']).reduce((sum: number, range) => sum + sizeOf(...listOf(range)), 0),
    )
  }
  return share
}

function sizeOf(from?: unknown, to?: unknown): number {
  const size = Number(to) - Number(from)
  return Number.isFinite(size) ? Math.min(1, Math.max(0, size)) : 0
}

const withoutEquivalent: Readonly<Record<string, string>> = {
  fallbackAttribute: 'an attribute to fall back to has no equivalent',
  tracks: 'tracking calls of a rule have no equivalent',
  bucketVersion: 'buckets that stick over changes have no equivalent; shares that only grow keep users by themselves',
  minBucketVersion: 'blocking users of earlier buckets has no equivalent',
  url: 'a rule for pages of one address has no equivalent',
}

function noteRest(rule: Fields, note: RuleSurroundings['note']): void {
  for (const [name, why] of Object.entries(withoutEquivalent))
    if (rule[name] !== undefined && rule[name] !== null && rule[name] !== 0) note(`.${name}`, why)
}
