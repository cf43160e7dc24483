/** Scenarios against the plan they test: phases, metrics, units, strategies and what a line must say to mean anything. */
import { suggestName } from '../did-you-mean.ts'
import { scriptEntry } from '../language/scenarios.ts'
import { readMoment } from '../moment.ts'
import type { PlanDocument } from '../plan-documents.ts'
import type { Localized, ProblemLog } from '../problem.ts'
import { quote, refuse } from '../problem.ts'
import { readMetricKey, readScriptValue } from '../scenario.ts'
import type { YamlNode } from '../yaml-node.ts'
import { entriesOf, getText, getValue, itemsOf, textOf } from '../yaml-node.ts'
import { listStrategies } from './choose-strategy.ts'
import { readMetricHeads } from './metric-head.ts'
import type { DocumentIndex, MetricHead } from './scope.ts'
import { reportUnknown } from './scope.ts'

interface TestedPlan {
  readonly log: ProblemLog
  readonly anchors: ReadonlySet<string>
  readonly metrics: ReadonlyMap<string, MetricHead>
  readonly strategies: readonly string[]
}

export function checkScenarios(document: PlanDocument, documents: DocumentIndex, log: ProblemLog): void {
  const value = getValue(document.root, 'plan')
  const name = textOf(value)
  if (value === null || name === null) return
  const plans = documents.get('ReleasePlan') ?? new Map<string, PlanDocument>()
  const plan = plans.get(name)
  if (!plan) return reportUnknown(log, 'unknown-releaseplan', { en: 'plan', ja: '計画' }, name, plans.keys(), value)
  const tested = readTestedPlan(plan, log)
  checkStrategy(document.root, tested)
  for (const scenario of itemsOf(getValue(document.root, 'scenarios'))) checkScenario(scenario, tested)
}

function readTestedPlan({ root }: PlanDocument, log: ProblemLog): TestedPlan {
  const parts = [root, ...entriesOf(getValue(root, 'strategies')).map(({ value }) => value)]
  const phases = parts.flatMap(part => itemsOf(getValue(part, 'phases')))
  const metrics = parts.flatMap(part => entriesOf(getValue(part, 'metrics')))
  // The plan's own mistakes are reported with the plan.
  const silent: ProblemLog = { add: () => undefined, list: () => [], isFull: () => false }
  return {
    log,
    anchors: new Set(['start', 'rollback', ...phases.flatMap(phase => getText(phase, 'name') ?? [])]),
    metrics: readMetricHeads(metrics, silent),
    strategies: listStrategies(root),
  }
}

function checkStrategy(node: YamlNode, { strategies, log }: TestedPlan): void {
  const value = getValue(node, 'strategy')
  const name = textOf(value)
  if (value === null || name === null || strategies.includes(name)) return
  reportUnknown(log, 'unknown-strategy', { en: 'strategy', ja: '戦略' }, name, strategies, value)
}

function checkScenario(node: YamlNode, tested: TestedPlan): void {
  checkStrategy(node, tested)
  for (const entry of itemsOf(getValue(node, 'script'))) {
    checkMoment(getValue(entry, 'at'), tested)
    checkMetricKeys(entry, tested)
    checkMeaning(entry, tested)
  }
  for (const expected of itemsOf(getValue(node, 'expect'))) {
    for (const key of ['at', 'by']) checkMoment(getValue(expected, key), tested)
    for (const moment of itemsOf(getValue(expected, 'during'))) checkMoment(moment, tested)
    checkExpectation(expected, tested)
  }
}

function checkMoment(node: YamlNode | null, { anchors, log }: TestedPlan): void {
  const moment = readMoment(textOf(node) ?? '')
  if (node === null || moment?.kind !== 'anchor' || anchors.has(moment.anchor)) return
  reportUnknown(log, 'unknown-phase', { en: 'phase', ja: '段階' }, moment.anchor, anchors, node)
}

/** Every key that is no word of the script must be a metric; which words are known is said with the nearest of both. */
function checkMetricKeys(entry: YamlNode, tested: TestedPlan): void {
  const words = Object.keys(scriptEntry.keys)
  for (const { key, keyPlace, value } of entriesOf(entry)) {
    if (words.includes(key)) continue
    const at = { place: keyPlace, path: value.path }
    const named = readMetricKey(key)
    if (named !== null && tested.metrics.has(named.metric)) {
      checkMetricValue(named.metric, value, tested)
      continue
    }
    const next = suggestName(named?.metric ?? key, [...tested.metrics.keys(), ...words], { en: 'metric', ja: '指標' })
    tested.log.add('unknown-metric', at, describeKey(key, at.path, next))
  }
}

function describeKey(key: string, path: string, next: Localized): Localized {
  return refuse(
    {
      cannot: `set ${quote(key)} in ${path}`,
      found: 'no such name',
      expected: 'a metric of the plan or a word of the script',
      next: next.en,
    },
    {
      cannot: `${path} で ${quote(key)} を設定できません`,
      found: 'その名前はありません',
      expected: '計画の指標か台本の語',
      next: next.ja,
    },
  )
}

const unitExamples = { percent: '5%', time: '500ms', money: '10USD', number: '10' } as const

function checkMetricValue(name: string, value: YamlNode, { metrics, log }: TestedPlan): void {
  const head = metrics.get(name)
  const read = readScriptValue(textOf(value) ?? '')
  if (!head || read === 'no data' || read?.unit === head.unit) return
  const example = unitExamples[head.unit]
  const written = textOf(value) ?? ''
  log.add(
    'script-value',
    value,
    refuse(
      {
        cannot: `set ${quote(name)} in ${value.path}`,
        found: quote(written),
        expected: `"no data" or a value such as ${example}`,
        next: `Write ${name}: ${example}`,
      },
      {
        cannot: `${value.path} で ${quote(name)} を設定できません`,
        found: `${quote(written)} があります`,
        expected: `"no data" か ${example} のような値`,
        next: `${name}: ${example} のように書いてください`,
      },
    ),
  )
}

/** Keys that mean nothing without another one. */
const needed: readonly (readonly [string, readonly string[]])[] = [
  ['person', ['does']],
  ['does', ['person']],
  ['why', ['does']],
  ['step', ['fails', 'succeeds', 'ambiguous', 'hangs', 'takes', 'answers']],
  ['hand', ['fails', 'unreadable', 'drifts']],
  ['fails', ['step', 'hand']],
  ['drifts', ['hand']],
  ['crash', ['restart']],
  ['restart', ['crash']],
]

function checkMeaning(entry: YamlNode, { log }: TestedPlan): void {
  for (const [key, others] of needed) {
    const value = getValue(entry, key)
    if (value === null || others.some(other => getValue(entry, other) !== null)) continue
    const en = {
      cannot: `use ${quote(key)} in ${value.path}`,
      found: 'it alone',
      expected: `it with ${others.join(' or ')}`,
      next: `Add ${others[0]}`,
    }
    const ja = {
      cannot: `${value.path} で ${quote(key)} を使えません`,
      found: 'それだけがあります',
      expected: `${others.join(' か ')} と一緒に書くこと`,
      next: `${others[0]} を加えてください`,
    }
    log.add('script-meaning', value, refuse(en, ja))
  }
}

function checkExpectation(node: YamlNode, { log }: TestedPlan): void {
  const facts = ['event', 'exposure', 'waitingOn', 'never', 'outcome', 'phase', 'count', 'because']
  const says = facts.some(fact => getValue(node, fact) !== null)
  const countsBoth = (getValue(node, 'count') === null) === (getValue(node, 'is') === null)
  if (node.kind !== 'map' || (says && countsBoth)) return
  const expected = says
    ? { en: '"count" and "is" together', ja: '"count" と "is" の両方' }
    : { en: `one of ${facts.join(', ')}`, ja: `${facts.join('、')} のどれか` }
  const found = says
    ? { en: 'one of "count" and "is"', ja: '"count" と "is" の片方だけがあります' }
    : { en: 'nothing to see', ja: '見るものがありません' }
  const next = says
    ? { en: 'Add the other', ja: 'もう片方を加えてください' }
    : { en: 'Add what must be seen', ja: '見えるべきものを加えてください' }
  log.add(
    'expectation',
    node,
    refuse(
      { cannot: `check ${quote(node.path)}`, found: found.en, expected: expected.en, next: next.en },
      { cannot: `${quote(node.path)} を確かめられません`, found: found.ja, expected: expected.ja, next: next.ja },
    ),
  )
}
