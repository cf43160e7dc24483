/** A metric in whole, with its levels and the alerts they raise. */
import type { AlertRule, Baseline, Condition, Metric } from '../compiled-plan.ts'
import { levelNames } from '../language/metric.ts'
import { refuse } from '../problem.ts'
import { readDurationMs } from '../quantity.ts'
import type { Entry, MapNode, YamlNode } from '../yaml-node.ts'
import { getText, getValue, textOf, textsOf } from '../yaml-node.ts'
import { compileMeasure } from './compile-measure.ts'
import { readBaseline } from './policy-text.ts'
import { compileCondition } from './resolve-condition.ts'
import type { MetricHead, PlanScope } from './scope.ts'
import { checkRecipients } from './scope.ts'

/** Samples arrive every ten seconds unless said otherwise; every third missing one counts as a gap. */
const everyMsByDefault = 10_000
/** Under this many samples a ratio or a quantile says more about chance than about the release. */
const minSamplesByDefault = 20

export interface CompiledMetric {
  readonly metric: Metric
  readonly alerts: readonly AlertRule[]
}

export function compileMetric(
  entry: Entry,
  planBaseline: Baseline,
  every: ReadonlyMap<string, number | null>,
  scope: PlanScope,
): CompiledMetric | null {
  const { key: name, value: node } = entry
  const head = scope.metrics.get(name)
  const measure = node.kind === 'map' ? compileMeasure(node, scope) : null
  if (!head || node.kind !== 'map' || measure === null) return null
  const ownBaseline = getText(node, 'baseline')
  const metric: Metric = {
    name,
    title: getText(node, 'title'),
    measure,
    source: getText(node, 'source') ?? 'dankai',
    unit: head.unit,
    better: head.better,
    everyMs: every.get(name) ?? null,
    baseline: ownBaseline === null ? planBaseline : readBaseline(ownBaseline),
    minSamples: Number(getText(node, 'minSamples') ?? minSamplesByDefault),
    levels: compileLevels(node, name, head, scope),
  }
  return { metric, alerts: compileLevelAlerts(node, metric, scope) }
}

/** Null = whenever one arrives. The highest of several comes as often as the most frequent of them. */
export function readEvery(entries: readonly Entry[]): ReadonlyMap<string, number | null> {
  const byName = new Map(entries.map(entry => [entry.key, entry.value]))
  const known = new Map<string, number | null>()
  const read = (name: string): number | null => {
    if (known.has(name)) return known.get(name) ?? null
    // Held first: a metric inside itself is refused elsewhere and must not be followed here.
    known.set(name, everyMsByDefault)
    known.set(name, readOwnEvery(byName.get(name) ?? null, read))
    return known.get(name) ?? null
  }
  return new Map(entries.map(entry => [entry.key, read(entry.key)]))
}

function readOwnEvery(node: YamlNode | null, read: (name: string) => number | null): number | null {
  const written = getText(node, 'every')
  if (written === 'sample') return null
  if (written !== null) return readDurationMs(written) ?? everyMsByDefault
  const members = textsOf(getValue(node, 'highest'))
  const times = members.flatMap(member => read(member) ?? [])
  if (members.length === 0) return everyMsByDefault
  return times.length === 0 ? null : Math.min(...times)
}

function compileLevels(node: MapNode, name: string, head: MetricHead, scope: PlanScope): Metric['levels'] {
  const levels: [string, Condition][] = []
  for (const level of levelNames) {
    const value = getValue(node, level)
    const written = textOf(value)
    if (value === null || written === null) continue
    const at = { place: value.place, path: value.path, id: `metrics.${name}.${level}`, use: 'level' } as const
    const condition = compileCondition(`${name} ${written}`, at, scope)
    if (condition === null) continue
    checkLevelDirection(condition, level, head, value, scope)
    levels.push([level, condition])
  }
  return Object.fromEntries(levels)
}

/** A target on the bad side is reached by failing; a warning on the good side never ends. */
function checkLevelDirection(
  condition: Condition,
  level: string,
  head: MetricHead,
  at: YamlNode,
  scope: PlanScope,
): void {
  if (condition.kind !== 'metric' || condition.op === '=') return
  const isGoodLevel = level === 'target' || level === 'excellent'
  const expectsBelow = isGoodLevel === (head.better === 'lower')
  if (condition.op.startsWith('<') === expectsBelow) return
  const expected = expectsBelow ? ['"<"', '"<="'] : ['">"', '">="']
  const other = head.better === 'higher' ? 'lower' : 'higher'
  scope.log.add(
    'level-direction',
    at,
    refuse(
      {
        cannot: `accept level "${level}" of metric "${condition.metric}"`,
        found: `"${condition.op}" on a metric whose better is "${head.better}"`,
        expected: expected.join(' or '),
        next: `Turn the comparison round, or set better: ${other}`,
      },
      {
        cannot: `指標 "${condition.metric}" の水準 "${level}" は受け付けられません`,
        found: `better が "${head.better}" の指標に "${condition.op}" があります`,
        expected: expected.join(' か '),
        next: `比較の向きを逆にするか、better: ${other} としてください`,
      },
    ),
  )
}

const severityOf = { warn: 'warning', critical: 'critical' } as const

function compileLevelAlerts(node: MapNode, metric: Metric, scope: PlanScope): readonly AlertRule[] {
  const channels = getValue(node, 'alert')
  if (channels === null) return []
  const to = checkRecipients(scope, textsOf(channels), channels)
  return (['warn', 'critical'] as const).flatMap(level => {
    const condition = metric.levels[level]
    if (!condition) return []
    const id = `metrics.${metric.name}.${level}.alert`
    const rule: AlertRule = {
      id,
      name: condition.text,
      severity: severityOf[level],
      phase: null,
      anyOf: [condition],
      to,
      respondWithinMs: null,
      runbook: null,
      place: node.place,
    }
    return [rule]
  })
}
