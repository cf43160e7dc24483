/** Of every metric what a condition needs to know, before any condition is read. */
import type { MetricUnit } from '../compiled-plan.ts'
import { conditionWords } from '../condition-grammar.ts'
import { findChosenKeys } from '../language/check-shape.ts'
import { metric as metricDeclaration } from '../language/metric.ts'
import type { Located, ProblemLog } from '../problem.ts'
import { quote, refuse } from '../problem.ts'
import type { Entry, MapNode, YamlNode } from '../yaml-node.ts'
import { getText, getValue, textsOf } from '../yaml-node.ts'
import type { MetricHead } from './scope.ts'
import { reportUnknown } from './scope.ts'

export function readMetricHeads(entries: readonly Entry[], log: ProblemLog): ReadonlyMap<string, MetricHead> {
  const reading: HeadReading = {
    byName: new Map(entries.map(entry => [entry.key, entry.value])),
    known: new Map(),
    log,
  }
  const heads = new Map<string, MetricHead>()
  for (const { key, keyPlace, value } of entries) {
    if (conditionWords.has(key)) refuseWord(key, { place: keyPlace, path: value.path }, log)
    const head = readHead(key, [], reading)
    if (head) heads.set(key, head)
  }
  return heads
}

interface HeadReading {
  readonly byName: ReadonlyMap<string, YamlNode>
  /** What was read once is not read again: metrics of metrics would multiply. */
  readonly known: Map<string, MetricHead | null>
  readonly log: ProblemLog
}

export function refuseWord(name: string, at: Located, log: ProblemLog): void {
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

function readHead(name: string, inside: readonly string[], reading: HeadReading): MetricHead | null {
  const known = reading.known.get(name)
  if (known !== undefined) return known
  const node = reading.byName.get(name)
  const [measure] = node?.kind === 'map' ? findChosenKeys(node, metricDeclaration) : []
  const head =
    node?.kind === 'map' && measure !== undefined ? readNode(node, measure, [...inside, name], reading) : null
  reading.known.set(name, head)
  return head
}

function readNode(node: MapNode, measure: string, inside: readonly string[], reading: HeadReading): MetricHead | null {
  if (measure === 'highest') return readHighest(node, inside, reading)
  return { unit: readUnit(node, measure), better: getText(node, 'better') === 'higher' ? 'higher' : 'lower', measure }
}

function readUnit(node: MapNode, measure: string): MetricUnit {
  const unit = getText(node, 'unit')
  if (measure === 'ratio' || unit === '%') return 'percent'
  if (unit === 'ms') return 'time'
  return unit === 'USD' ? 'money' : 'number'
}

/** The highest of others has their unit and their good side, which must agree. */
function readHighest(node: MapNode, inside: readonly string[], reading: HeadReading): MetricHead | null {
  const list = getValue(node, 'highest') ?? node
  const heads: MetricHead[] = []
  for (const name of textsOf(list)) {
    if (inside.includes(name)) return refuseCircle(list, [...inside, name], reading.log)
    if (!reading.byName.has(name))
      reportUnknown(reading.log, 'unknown-metric', { en: 'metric', ja: '指標' }, name, reading.byName.keys(), list)
    const head = readHead(name, inside, reading)
    if (head) heads.push(head)
  }
  const [first] = heads
  if (!first) return null
  const differs = heads.some(head => head.unit !== first.unit || head.better !== first.better)
  if (differs) refuseMixture(list, reading.log)
  return { unit: first.unit, better: first.better, measure: 'highest' }
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
