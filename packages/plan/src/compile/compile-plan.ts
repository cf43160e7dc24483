/**
 * One plan and one strategy to the compiled plan a release pins.
 *
 * 1. Every name is resolved, every document embedded; a running release depends on no file.
 * 2. Ids depend on places in the plan only, so the same plan compiles to the same data.
 * 3. The result is returned also when there are problems, so that notes and later checks can look at it; whoever asked
 *    gets it only when there are none.
 */
import type { CompiledPlan, FlagSet, Moment, Notice, Phase, Review, Segment } from '../compiled-plan.ts'
import { moments } from '../compiled-plan.ts'
import { conditionWords } from '../condition-grammar.ts'
import { releaseTypes } from '../language/release-types.ts'
import type { PlanDocument } from '../plan-documents.ts'
import type { Located, ProblemLog } from '../problem.ts'
import { refuse } from '../problem.ts'
import { readDurationMs } from '../quantity.ts'
import type { MapNode, YamlNode } from '../yaml-node.ts'
import { entriesOf, getText, getValue, itemsOf, textOf, textsOf } from '../yaml-node.ts'
import { compileCalendar, readCalendarLabels } from './compile-calendar.ts'
import { compileEscalation } from './compile-escalation.ts'
import { compileFlagValues } from './compile-flag-set.ts'
import { compileHands } from './compile-hand.ts'
import type { CompiledMetric } from './compile-metric.ts'
import { compileMetric, readEvery } from './compile-metric.ts'
import { compilePhases } from './compile-phase.ts'
import { compileAlert, compileRule } from './compile-rule.ts'
import { compileSegment } from './compile-segment.ts'
import type { StepUse } from './compile-step.ts'
import { compileRecipients, compileStep, compileSteps } from './compile-step.ts'
import { readMetricHeads, refuseWord } from './metric-head.ts'
import type { PlanParts } from './plan-parts.ts'
import { checkPlaces, getSingle, listedParts, namedParts, readPlanParts } from './plan-parts.ts'
import { readBaseline, readEvidence } from './policy-text.ts'
import type { DocumentIndex, PlanScope } from './scope.ts'
import { checkName, findDocument } from './scope.ts'

export interface PlanCompilation {
  readonly plan: CompiledPlan
  readonly scope: PlanScope
  readonly parts: PlanParts
}

export interface CompileSettings {
  readonly documents: DocumentIndex
  readonly roles: ReadonlySet<string> | null
}

export function compileReleasePlan(
  document: PlanDocument,
  strategy: string | null,
  settings: CompileSettings,
  log: ProblemLog,
): PlanCompilation {
  const parts = readPlanParts(document.root, strategy)
  checkPlaces(parts, log)
  const scope = readScope(parts, settings, log)
  checkConditionNames(parts, scope)
  const gate: StepUse = { onFail: 'stop' }
  const back: StepUse = { onFail: 'goOn' }
  const metrics = compileMetrics(parts, scope)
  const phases = compilePhases(itemsOf(getSingle(parts, 'phases')), listedParts(parts, 'promoteWhen'), scope)
  const steps = (key: string, use: StepUse) =>
    listedParts(parts, key).flatMap(({ node, id }) => compileStep(node, id, use, scope) ?? [])
  const plan: CompiledPlan = {
    format: 1,
    name: document.name,
    title: getText(document.root, 'title'),
    service: getText(document.root, 'service') ?? document.name,
    strategy,
    labels: [...scope.labels].sort(),
    calendar: compileNamed(document.root, 'calendar', 'Calendar', scope, found => compileCalendar(found, log)),
    escalation: compileNamed(document.root, 'escalation', 'Escalation', scope, compileEscalation),
    channels: Object.fromEntries(namedParts(parts, 'channels').map(({ key, value }) => [key, textOf(value) ?? ''])),
    metrics: Object.fromEntries(metrics.map(({ metric }) => [metric.name, metric])),
    signals: Object.fromEntries(namedParts(parts, 'signals').map(({ key, value }) => [key, textOf(value) ?? ''])),
    hands: compileHands(getSingle(parts, 'exposure'), scope),
    evidence: readEvidence(textOf(getSingle(parts, 'evidence'))),
    before: steps('before', gate),
    phases: phases.phases,
    rules: [
      ...listedParts(parts, 'rollbackWhen').flatMap(({ node, id }) => compileRule(node, id, null, scope) ?? []),
      ...phases.rules,
    ],
    alerts: [
      ...listedParts(parts, 'alerts').flatMap(({ node, id }) => compileAlert(node, id, null, scope) ?? []),
      ...phases.alerts,
      ...metrics.flatMap(({ alerts }) => alerts),
    ],
    rollback: steps('rollback', back),
    followUp: steps('followUp', back),
    runbooks: compileStepSets(parts, 'runbooks', back, scope),
    checks: compileStepSets(parts, 'checks', gate, scope),
    flagSets: Object.fromEntries(scope.flagSets),
    segments: embedSegments(phases.phases, scope),
    notices: compileNotices(parts, scope),
    reviews: listedParts(parts, 'review').flatMap(({ node }) => compileReview(node, scope) ?? []),
  }
  checkRequiredKeys(parts, log)
  return { plan, scope, parts }
}

function readScope(parts: PlanParts, settings: CompileSettings, log: ProblemLog): PlanScope {
  const names = (key: string) => new Set(namedParts(parts, key).map(entry => entry.key))
  const flagSets = new Map<string, FlagSet>(
    namedParts(parts, 'flags').map(({ key, value }) => [key, compileFlagValues(value, log)]),
  )
  return {
    log,
    metrics: readMetricHeads(namedParts(parts, 'metrics'), log),
    signals: names('signals'),
    checks: names('checks'),
    flagSets,
    runbooks: names('runbooks'),
    channels: names('channels'),
    labels: readLabels(parts, settings.documents),
    documents: settings.documents,
    roles: settings.roles,
    usedRoles: new Map(),
    budget: { steps: 0, conditions: 0 },
  }
}

/** Labels of the plan, of its calendar, and every release type it, its strategies or the documents know. */
function readLabels(parts: PlanParts, documents: DocumentIndex): ReadonlySet<string> {
  const strategies = entriesOf(getValue(parts.root, 'strategies'))
  const calendar = documents.get('Calendar')?.get(getText(parts.root, 'calendar') ?? '')
  return new Set([
    ...parts.of('labels').flatMap(({ node }) => textsOf(node)),
    ...strategies.flatMap(({ value }) => textsOf(getValue(value, 'types'))),
    ...(calendar ? readCalendarLabels(calendar) : []),
    ...releaseTypes,
  ])
}

function checkConditionNames(parts: PlanParts, scope: PlanScope): void {
  const seen = new Map<string, string>()
  for (const key of ['metrics', 'signals', 'checks']) {
    for (const { key: name, keyPlace, value } of namedParts(parts, key)) {
      const at: Located = { place: keyPlace, path: value.path }
      if (key !== 'metrics' && conditionWords.has(name)) refuseWord(name, at, scope.log)
      const first = seen.get(name)
      if (first !== undefined) refuseSharedName(name, first, key, at, scope.log)
      seen.set(name, key)
    }
  }
}

function refuseSharedName(name: string, first: string, second: string, at: Located, log: ProblemLog): void {
  const en = {
    cannot: `use the name "${name}" in ${second}`,
    found: `it also in ${first}`,
    expected: 'one thing of a name in conditions',
    next: 'Rename one of them',
  }
  const ja = {
    cannot: `${second} で名前 "${name}" を使えません`,
    found: `${first} にもあります`,
    expected: '条件の中で 1 つのものを指す名前',
    next: 'どちらかの名前を変えてください',
  }
  log.add('duplicate-name', at, refuse(en, ja))
}

function compileMetrics(parts: PlanParts, scope: PlanScope): readonly CompiledMetric[] {
  const entries = namedParts(parts, 'metrics')
  const baseline = readBaseline(getText(parts.root, 'baseline'))
  const every = readEvery(entries)
  return entries.flatMap(entry => compileMetric(entry, baseline, every, scope) ?? [])
}

function compileNamed<T>(
  root: MapNode,
  key: string,
  kind: string,
  scope: PlanScope,
  compile: (found: PlanDocument) => T,
): T | null {
  const value = getValue(root, key)
  const name = textOf(value)
  const found = value === null || name === null ? null : findDocument(scope, kind, name, value)
  return found && compile(found)
}

function compileStepSets(parts: PlanParts, key: string, use: StepUse, scope: PlanScope): CompiledPlan['runbooks'] {
  return Object.fromEntries(
    namedParts(parts, key).map(entry => [entry.key, compileSteps(itemsOf(entry.value), entry.id, use, scope)]),
  )
}

function embedSegments(phases: readonly Phase[], scope: PlanScope): Readonly<Record<string, Segment>> {
  const names = new Set(phases.flatMap(({ exposure }) => exposure.cohorts.map(({ segment }) => segment)))
  const known = scope.documents.get('Segment')
  return Object.fromEntries(
    [...names].flatMap(name => {
      const document = known?.get(name)
      return document ? [[name, compileSegment(document)]] : []
    }),
  )
}

function compileNotices(parts: PlanParts, scope: PlanScope): CompiledPlan['notices'] {
  const notices = moments.flatMap((moment): [Moment, readonly Notice[]][] => {
    const items = parts.of('notify').flatMap(({ node }) => itemsOf(getValue(node, moment)))
    const compiled = items.flatMap(item => compileNotice(item, scope) ?? [])
    return compiled.length === 0 ? [] : [[moment, compiled]]
  })
  return Object.fromEntries(notices)
}

function compileNotice(node: YamlNode, scope: PlanScope): Notice | null {
  const send = getValue(node, 'send')
  const template = textOf(send)
  if (send === null || template === null) return null
  const to = compileRecipients(template, send, getValue(node, 'to'), scope)
  return to && { template, to, priority: getText(node, 'priority') }
}

function compileReview(node: YamlNode, scope: PlanScope): Review | null {
  const value = getValue(node, 'template')
  const template = textOf(value)
  if (value === null || template === null) return null
  findDocument(scope, 'Template', template, value)
  const compare = getValue(node, 'compare')
  const words = { en: 'metric', ja: '指標' }
  return {
    afterMs: readDurationMs(getText(node, 'after') ?? '') ?? 0,
    template,
    compare: textsOf(compare).filter(name =>
      checkName(scope, 'unknown-metric', words, name, scope.metrics, compare ?? node),
    ),
    confirm: textsOf(getValue(node, 'confirm')),
  }
}

const requiredSomewhere = {
  exposure: { en: 'the hands that move it', ja: '公開を動かす手' },
  phases: { en: 'the phases in order', ja: '順に並べた段階' },
} as const

/** `exposure` and `phases` may stand in the plan or in each strategy, so the declaration cannot require them. */
function checkRequiredKeys({ root, strategy, of }: PlanParts, log: ProblemLog): void {
  const at = getValue(getValue(root, 'strategies'), strategy ?? '') ?? root
  const where =
    strategy === null ? { en: 'plan', ja: '計画' } : { en: `strategy "${strategy}"`, ja: `戦略 "${strategy}" ` }
  for (const [key, what] of Object.entries(requiredSomewhere)) {
    if (of(key).some(({ node }) => itemsOf(node).length > 0)) continue
    const en = {
      cannot: `compile ${where.en}`,
      found: `no ${key}`,
      expected: what.en,
      next: `Add ${key} to the plan, or to each strategy`,
    }
    const ja = {
      cannot: `${where.ja}を組み立てられません`,
      found: `${key} がありません`,
      expected: what.ja,
      next: `${key} を計画か各戦略に加えてください`,
    }
    log.add('missing-key', at, refuse(en, ja))
  }
}
