import type { EventBody, ReleaseStatus, WaitingOn } from '@dankai/core'
import { renderWaitingOn, stepsOf, wordingOf } from '@dankai/insight'
import type { CompiledPlan, Condition, Step } from '@dankai/plan'
import { shareOf } from './drawing/exposure-curve.ts'
import { newestAt, type Trace } from './trace.ts'

/** What a trace says of a moment: what users had, what the release said of itself, and why something happened. */

/** Moments in a span at which something may read differently: its beginning and every change in it. */
export function statesIn(trace: Trace, from: number, to: number): readonly number[] {
  const changes = [...trace.statuses, ...trace.exposures].map(sample => sample.at).filter(at => from < at && at <= to)
  return [from, ...changes]
}

/** What users really have. */
export function shareAt(trace: Trace, at: number): number {
  const sample = newestAt(trace.exposures, at)
  return sample === undefined ? 0 : shareOf(sample.exposure)
}

export function statusAt(trace: Trace, at: number): ReleaseStatus | undefined {
  return newestAt(trace.statuses, at)?.status
}

export function waitsFor(trace: Trace, at: number, text: string): boolean {
  const waits = statusAt(trace, at)?.waitingOn ?? []
  return waits.some(waiting => textsOf(trace.plan, waiting).some(each => each.startsWith(text)))
}

/** English and Japanese; a step also by the name of the group it stands in, which is the name people know. */
function textsOf(plan: CompiledPlan, waiting: WaitingOn): readonly string[] {
  const names = 'step' in waiting && 'name' in waiting ? namesOfStep(plan, waiting.step) : []
  const variants = [waiting, ...names.map(name => ({ ...waiting, name }))]
  return variants.flatMap(each => [
    renderWaitingOn(each, wordingOf(plan, 'en')),
    renderWaitingOn(each, wordingOf(plan, 'ja')),
  ])
}

export function namesOfStep(plan: CompiledPlan, id: string): readonly string[] {
  return stepsOf(plan)
    .filter(step => step.id === id || contains(step, id))
    .map(step => step.name)
}

function contains(step: Step, id: string): boolean {
  const { action } = step
  const children = action.verb === 'do' ? action.steps : action.verb === 'checklist' ? action.items : []
  return children.some(child => child.id === id || contains(child, id))
}

// ── Causes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The cause may be a rule, a metric, a signal, a sentence of a condition or the reason somebody gave. */
export function isBecause(trace: Trace, body: EventBody, because: string): boolean {
  const texts = Object.values(body).flatMap((value: unknown) =>
    typeof value === 'string' ? [value] : Array.isArray(value) ? value.filter(each => typeof each === 'string') : [],
  )
  const rule = 'rule' in body && body.rule !== null ? trace.plan.rules.find(each => each.id === body.rule) : undefined
  const step = 'step' in body ? namesOfStep(trace.plan, body.step) : []
  return [...texts, ...(rule ? [rule.name] : []), ...step].some(text => text.includes(because))
}

/** Bucket of the slowest metric an event speaks of. */
export function bucketOf(plan: CompiledPlan, body: EventBody): number {
  return Math.max(0, ...metricsOf(plan, body).map(name => plan.metrics[name]?.everyMs ?? 0))
}

function metricsOf(plan: CompiledPlan, body: EventBody): readonly string[] {
  if ('metric' in body) return [body.metric]
  if ('rule' in body && body.rule !== null) {
    const rule = plan.rules.find(each => each.id === body.rule)
    return rule ? rule.anyOf.flatMap(metricsOfCondition) : []
  }
  if (body.type === 'AlertRaised' || body.type === 'AlertCleared') {
    const alert = plan.alerts.find(each => each.id === body.alert)
    return alert ? alert.anyOf.flatMap(metricsOfCondition) : []
  }
  if (body.type === 'PhasePromoted' || body.type === 'HoldEnded') return criterionMetrics(plan, body.phase)
  if (body.type === 'PhaseEntered') return criterionMetrics(plan, body.phase - 1)
  if (body.type === 'Completed') return criterionMetrics(plan, plan.phases.length - 1)
  return []
}

function criterionMetrics(plan: CompiledPlan, phase: number): readonly string[] {
  const criteria = plan.phases[phase]?.promoteWhen ?? []
  return criteria.flatMap(criterion => (criterion.kind === 'condition' ? metricsOfCondition(criterion.condition) : []))
}

function metricsOfCondition(condition: Condition): readonly string[] {
  if (condition.kind === 'all' || condition.kind === 'any') return condition.of.flatMap(metricsOfCondition)
  return 'metric' in condition ? [condition.metric] : []
}
