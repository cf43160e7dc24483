/** One strategy of Unleash as rules of ours; what keeps it from being carried over is thrown as `NotCarriedOver`. */
import type { Condition, FlagSegment } from '@dankai/flags'
import { type Fields, fieldsOf, listOf, textOf, textsIn } from '../given-json.ts'
import { conditionProblem, freeName } from '../sound-part.ts'
import { attributeOf, importConstraint } from './import-constraint.ts'

export class NotCarriedOver extends Error {}

export interface ImportedStrategy {
  /** Any of these lists of conditions. */
  readonly alternatives: readonly (readonly Condition[])[]
  readonly share: number
  /** Null: the targeting key. */
  readonly by: string | null
  readonly seed: string
  /** What `stickiness` says when there is one for variants to inherit. */
  readonly stickiness: string
  readonly groupId: string | null
}

export interface StrategySurroundings {
  readonly feature: string
  readonly segments: ReadonlyMap<unknown, Fields>
  /** Filled with the segments that conditions name. */
  readonly taken: Record<string, FlagSegment>
  readonly note: (why: string) => void
}

export function importStrategy(given: Fields, around: StrategySurroundings): ImportedStrategy {
  const base = baseOf(given, around)
  const conditions = conditionsOf(given, around)
  return { ...base, alternatives: base.alternatives.map(list => [...conditions, ...list]) }
}

const everybody: ImportedStrategy['alternatives'] = [[]]
const nobody: ImportedStrategy['alternatives'] = []

function baseOf(given: Fields, around: StrategySurroundings): ImportedStrategy {
  const name = textOf(given['name']) ?? ''
  const parameters = fieldsOf(given['parameters'])
  const groupId = textOf(parameters['groupId'])
  const plain = { alternatives: everybody, share: 1, by: null, seed: around.feature, stickiness: 'default', groupId }
  switch (name) {
    case 'default':
      return plain
    case 'flexibleRollout': {
      const stickiness = textOf(parameters['stickiness']) || 'default'
      const share = percentOf(parameters['rollout'])
      // Without a group its client deals users by the user alone.
      const seed = groupId ?? ''
      const by = byOf(stickiness, share < 1, around)
      // Everybody at 100 % still needs the attribute that the rollout goes by, unless it falls back to another.
      const present: Condition[] = stickiness === 'default' || share < 1 ? [] : [isThere(attributeOf(stickiness))]
      return { ...plain, alternatives: [present], share, by, seed, stickiness }
    }
    case 'gradualRolloutUserId':
      return { ...plain, share: percentOf(parameters['percentage']), seed: groupId ?? '' }
    case 'gradualRolloutSessionId':
      return { ...plain, share: percentOf(parameters['percentage']), by: 'sessionId', seed: groupId ?? '' }
    case 'userWithId':
      return { ...plain, alternatives: listed('targetingKey', 'is', parameters['userIds']) }
    case 'remoteAddress':
      return { ...plain, alternatives: listed('remoteAddress', 'cidr', parameters['IPs']) }
    default:
      throw new NotCarriedOver(`the strategy "${name}" has no equivalent`)
  }
}

export function byOf(stickiness: string, isPart: boolean, { note }: Pick<StrategySurroundings, 'note'>): string | null {
  if (stickiness === 'random') throw new NotCarriedOver('a random place at every evaluation has no equivalent')
  if (stickiness === 'default') {
    if (isPart)
      note('stickiness "default": whoever has no userId is out, instead of being dealt by session or at random')
    return null
  }
  const attribute = attributeOf(stickiness)
  return attribute === 'targetingKey' ? null : attribute
}

const isThere = (attribute: string): Condition => ({ attribute, operator: 'exists', values: [], negated: false })

function percentOf(given: unknown): number {
  const percent = Number(given)
  return Number.isFinite(percent) ? Math.min(100, Math.max(0, Math.floor(percent))) / 100 : 0
}

function listed(attribute: string, operator: 'is' | 'cidr', given: unknown): ImportedStrategy['alternatives'] {
  const values = (textOf(given) ?? '').split(/\s*,\s*/).filter(value => value !== '')
  if (operator === 'is') return values.length === 0 ? nobody : [[condition(attribute, 'is', values)]]
  const ranges = values.filter(value => conditionProblem(condition(attribute, 'cidr', [value])) === null)
  return ranges.length === 0 ? nobody : [[condition(attribute, 'cidr', ranges)]]
}

const condition = (attribute: string, operator: 'is' | 'cidr', values: readonly string[]): Condition => ({
  attribute,
  operator,
  values,
  negated: false,
})

class Nobody extends Error {}

function conditionsOf(given: Fields, around: StrategySurroundings): readonly Condition[] {
  return [
    ...listOf(given['constraints']).flatMap(constraint => conditionOf(fieldsOf(constraint), around)),
    ...listOf(given['segments']).flatMap(id => segmentCondition(id, around)),
  ]
}

function conditionOf(given: Fields, { note }: StrategySurroundings): readonly Condition[] {
  const imported = importConstraint(given)
  if (imported.kind === 'problem') throw new NotCarriedOver(imported.why)
  if (imported.kind === 'never') throw new Nobody()
  if (imported.kind === 'always') return []
  const { operator } = imported.condition
  if (operator === 'before' || operator === 'after')
    note('a date is compared with the attribute currentTime, which clients of other protocols have to send')
  return [imported.condition]
}

function segmentCondition(id: unknown, around: StrategySurroundings): readonly Condition[] {
  const segment = around.segments.get(id)
  if (segment === undefined) throw new NotCarriedOver(`the segment ${textOf(id) ?? ''} is not in the export`)
  const conditions = conditionsOf({ constraints: segment['constraints'] }, around)
  if (conditions.length === 0) return []
  const name = segmentName(textOf(segment['name']) || `segment-${textOf(id)}`, conditions, around.taken)
  around.taken[name] = { include: {}, rules: [conditions] }
  return [{ attribute: '', operator: 'inSegment', values: [name], negated: false }]
}

function segmentName(
  name: string,
  conditions: readonly Condition[],
  taken: Readonly<Record<string, FlagSegment>>,
): string {
  const isSame = JSON.stringify(taken[name]?.rules) === JSON.stringify([conditions])
  return isSame ? name : freeName(taken, name)
}

/** Null when nobody is let in by it. */
export function importStrategyIfAny(given: Fields, around: StrategySurroundings): ImportedStrategy | null {
  try {
    const strategy = importStrategy(given, around)
    return strategy.alternatives.length === 0 || strategy.share === 0 ? null : strategy
  } catch (problem) {
    if (problem instanceof Nobody) return null
    throw problem
  }
}

export const overrideCondition = (override: Fields): Condition => ({
  attribute: attributeOf(textOf(override['contextName']) ?? ''),
  operator: 'is',
  values: textsIn(override['values']),
  negated: false,
})
