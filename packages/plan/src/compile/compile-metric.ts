/** Metrics in two passes: heads first, so that conditions anywhere can be read; then the whole, with its levels. */
import type { AlertRule, Baseline, Condition, MeasureSource, Metric, MetricUnit, Series } from '../compiled-plan.ts'
import { conditionWords } from '../condition-grammar.ts'
import { findChosenKeys } from '../language/check-shape.ts'
import { levelNames, metric as metricDeclaration, quantileForm } from '../language/metric.ts'
import type { ProblemLog } from '../problem.ts'
import { quote, refuse } from '../problem.ts'
import { readDurationMs } from '../quantity.ts'
import type { Entry, MapNode, YamlNode } from '../yaml-node.ts'
import { getText, getValue, textOf, textsOf } from '../yaml-node.ts'
import { readBaseline } from './policy-text.ts'
import { compileCondition } from './resolve-condition.ts'
import type { MetricHead, PlanScope } from './scope.ts'
import { checkName, checkRecipients } from './scope.ts'

/** Samples arrive every ten seconds unless said otherwise; every third missing one counts as a gap. */
const everyMsByDefault = 10_000
/** Under this many samples a ratio or a quantile says more about chance than about the release. */
const minSamplesByDefault = 20

export function readMetricHeads(entries: readonly Entry[], log: ProblemLog): ReadonlyMap<string, MetricHead> {
  const heads = new Map<string, MetricHead>()
  const byName = new Map(entries.map(entry => [entry.key, entry.value]))
  for (const { key, keyPlace, value } of entries) {
    if (conditionWords.has(key)) refuseWord(key, { place: keyPlace, path: value.path }, log)
    const head = readHead(value, byName, [key], log)
    if (head) heads.set(key, head)
  }
  return heads
}

export function refuseWord(name: string, at: { place: Entry['keyPlace']; path: string }, log: ProblemLog): void {
  const en = {
    cannot: `use the name ${quote(name)} in ${at.path}`,
    found: 'a word of the condition grammar',
    expected: 'another name',
    next: `Rename it, for example ${name}_value`,
  }
  const ja = {
    cannot: `${at.path} で名前 ${quote(name)} を使えません`,
    found: '条件の文法の語があります',
    expected: '別の名前',
    next: `${name}_value のように名前を変えてください`,
  }
  log.add('reserved-name', at, refuse(en, ja))
}

type MetricNodes = ReadonlyMap<string, YamlNode>

function readHead(node: YamlNode, byName: MetricNodes, path: readonly string[], log: ProblemLog): MetricHead | null {
  if (node.kind !== 'map') return null
  const [measure] = findChosenKeys(node, metricDeclaration)
  if (measure === undefined) return null
  if (measure === 'highest') return readHighestHead(node, byName, path, log)
  const better = getText(node, 'better') === 'higher' ? 'higher' : 'lower'
  return { unit: readUnit(node, measure), better, measure }
}

function readUnit(node: MapNode, measure: string): MetricUnit {
  const unit = getText(node, 'unit')
  if (measure === 'ratio' || unit === '%') return 'percent'
  if (unit === 'ms') return 'time'
  return unit === 'USD' ? 'money' : 'number'
}

/** The highest of others has their unit and their good side, which must agree. */
function readHighestHead(
  node: MapNode,
  byName: MetricNodes,
  path: readonly string[],
  log: ProblemLog,
): MetricHead | null {
  const list = getValue(node, 'highest') ?? node
  const heads: MetricHead[] = []
  for (const name of textsOf(list)) {
    const other = byName.get(name)
    if (path.includes(name)) return refuseCircle(list, [...path, name], log)
    if (other === undefined) {
      refuseMember(list, name, byName, log)
      continue
    }
    const head = readHead(other, byName, [...path, name], log)
    if (head) heads.push(head)
  }
  const [first] = heads
  if (!first) return null
  const differs = heads.some(head => head.unit !== first.unit || head.better !== first.better)
  if (differs) refuseMixture(list, log)
  return { unit: first.unit, better: first.better, measure: 'highest' }
}

function refuseMember(list: YamlNode, name: string, byName: MetricNodes, log: ProblemLog): void {
  checkName({ log } as PlanScope, 'unknown-metric', { en: 'metric', ja: '指標' }, name, byName, list)
}

function refuseCircle(list: YamlNode, path: readonly string[], log: ProblemLog): null {
  const loop = path.join(' → ')
  const en = {
    cannot: `read ${quote(list.path)}`,
    found: `a metric inside itself (${loop})`,
    expected: 'no circle',
    next: 'Take one of them out',
  }
  const ja = {
    cannot: `${quote(list.path)} を読めません`,
    found: `自分自身を含む指標 (${loop}) があります`,
    expected: '循環のない形',
    next: 'どれか 1 つを外してください',
  }
  log.add('cycle', list, refuse(en, ja))
  return null
}

function refuseMixture(list: YamlNode, log: ProblemLog): void {
  const en = {
    cannot: `read ${quote(list.path)}`,
    found: 'metrics of different units or directions',
    expected: 'one unit and one better',
    next: 'Make two metrics of it',
  }
  const ja = {
    cannot: `${quote(list.path)} を読めません`,
    found: '単位か向きの違う指標があります',
    expected: '同じ単位と同じ better',
    next: '2 つの指標に分けてください',
  }
  log.add('highest', list, refuse(en, ja))
}

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
  const read = (name: string, depth: number): number | null => {
    const node = byName.get(name)
    const written = getText(node, 'every')
    if (written === 'sample') return null
    if (written !== null) return readDurationMs(written) ?? everyMsByDefault
    const members = depth > byName.size ? [] : textsOf(getValue(node, 'highest'))
    const times = members.flatMap(member => read(member, depth + 1) ?? [])
    if (members.length > 0) return times.length === 0 ? null : Math.min(...times)
    return everyMsByDefault
  }
  return new Map(entries.map(entry => [entry.key, read(entry.key, 0)]))
}

function compileMeasure(node: MapNode, scope: PlanScope): MeasureSource | null {
  const [measure] = findChosenKeys(node, metricDeclaration)
  const value = measure === undefined ? null : getValue(node, measure)
  if (measure === undefined || value === null) return null
  if (measure === 'highest') return { kind: 'highest', of: textsOf(value) }
  const text = textOf(value)
  if (text === null) return null
  const isForeign = !isOwnSource(getText(node, 'source'))
  if (measure === 'query') return { kind: 'query', text }
  if (measure === 'ratio') return compileRatio(text, value, isForeign, scope)
  const series = readSeries(text, value, isForeign, scope)
  if (series === null) return null
  if (measure === 'mean' || measure === 'count' || measure === 'last') return { kind: measure, series }
  const [, whole = '', fraction = ''] = new RegExp(quantileForm, 'u').exec(measure) ?? []
  return { kind: 'quantile', quantile: Number(`0.${whole.padStart(2, '0')}${fraction.slice(1)}`), series }
}

/** Series with label filters are our own form; other sources have languages of their own. */
function isOwnSource(source: string | null): boolean {
  return source === null || source === 'dankai' || source === 'people' || source === 'shadow'
}

function compileRatio(text: string, at: YamlNode, isForeign: boolean, scope: PlanScope): MeasureSource | null {
  const parts = text.split(' / ')
  const [over = '', under = ''] = parts
  if (parts.length === 2 && over.trim() !== '' && under.trim() !== '') {
    const numerator = readSeries(over.trim(), at, isForeign, scope)
    const denominator = readSeries(under.trim(), at, isForeign, scope)
    return numerator && denominator && { kind: 'ratio', numerator, denominator }
  }
  const en = {
    cannot: `read ratio ${quote(text)} in ${at.path}`,
    found: `${parts.length - 1} times " / "`,
    expected: 'two series with " / " between them',
    next: 'Write for example ratio: errors / requests',
  }
  const ja = {
    cannot: `${at.path} の比 ${quote(text)} を読めません`,
    found: `" / " が ${parts.length - 1} 個あります`,
    expected: '" / " で結んだ 2 つの系列',
    next: 'ratio: errors / requests のように書いてください',
  }
  scope.log.add('series', at, refuse(en, ja))
  return null
}

function readSeries(text: string, at: YamlNode, isForeign: boolean, scope: PlanScope): Series | null {
  if (isForeign) return { name: text, labels: {} }
  const match = /^([A-Za-z_][\w.:-]*)(?:\(([^()]*)\))?$/u.exec(text)
  const labels = match?.[2] === undefined ? [] : match[2].split(',').map(part => part.trim())
  const pairs = labels.map(label => /^([A-Za-z_]\w*)\s*=\s*([^=\s]+)$/u.exec(label))
  if (match && pairs.every(pair => pair !== null)) {
    return { name: match[1] ?? '', labels: Object.fromEntries(pairs.map(pair => [pair?.[1] ?? '', pair?.[2] ?? ''])) }
  }
  const en = {
    cannot: `read series ${quote(text)} in ${at.path}`,
    found: 'something else',
    expected: 'a name, or a name with labels in parentheses',
    next: 'Write for example http_requests(status=5xx)',
  }
  const ja = {
    cannot: `${at.path} の系列 ${quote(text)} を読めません`,
    found: '別の形のものがあります',
    expected: '名前、または括弧内にラベルを付けた名前',
    next: 'http_requests(status=5xx) のように書いてください',
  }
  scope.log.add('series', at, refuse(en, ja))
  return null
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
