import type { EventBody, ReleaseStatus, WaitingOn } from '@dankai/core'
import {
  renderEvent,
  renderShare,
  renderTime,
  renderWaitingOn,
  stepsOf,
  type Wording,
  wordingOf,
} from '@dankai/insight'
import type {
  CompiledPlan,
  Condition,
  Place,
  ScenarioExpectation,
  ScenarioMoment,
  ScenarioNever,
  Step,
} from '@dankai/plan'
import { shareOf } from './drawing/exposure-curve.ts'
import { renderMoment, renderRelative, resolveMoment } from './moment.ts'
import { newestAt, type Trace, type TraceEvent } from './trace.ts'
import { compare } from './world/good-values.ts'

/**
 * Matches what a scenario expects against what a simulated release did.
 *
 * `at` means at that time, less than one bucket late: what is measured is known only when its bucket ends, so the
 * tolerance is the `every` of the slowest metric the event speaks of. Ten seconds are always forgiven, no more than
 * that: a plan whose hold is a minute longer must fail.
 * `by` means at that time or earlier; of an exposure, that it is so at that time.
 * `during` means somewhere between the two; of an exposure, a phase or a wait, all the time between them.
 * Without a time: at any time. `never` holds for the whole run, or for its `during`.
 */
export interface Failure {
  readonly place: Place
  /** In the message grammar, with file, line and column in front. */
  readonly message: string
}

export function checkExpectations(trace: Trace, expectations: readonly ScenarioExpectation[]): readonly Failure[] {
  return expectations.flatMap(expected => {
    const found = checkExpectation(trace, expected)
    return found === null ? [] : [describeFailure(trace, expected, found)]
  })
}

/** What was found instead; null when the expectation is met. */
interface Found {
  readonly what: string
  /** ScenarioMoment the reader should look at. */
  readonly at: number | null
  readonly next: string
}

const leastToleranceMs = 10_000

function checkExpectation(trace: Trace, expected: ScenarioExpectation): Found | null {
  if (expected.outcome !== null) return checkOutcome(trace, expected.outcome)
  const span = spanOf(trace, expected)
  if ('what' in span) return span
  if (expected.count !== null) return checkCount(trace, expected.count, expected.is ?? 0, span)
  if (expected.never !== null) return checkNever(trace, expected.never, expected.because, span)
  if (expected.event !== null) return checkEvent(trace, expected, expected.event, span)
  return checkState(trace, expected, span)
}

// ── Times ───────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Span {
  readonly kind: 'at' | 'by' | 'during' | 'ever'
  readonly from: number
  readonly to: number
}

function spanOf(trace: Trace, expected: ScenarioExpectation): Span | Found {
  const resolve = (moment: ScenarioMoment): number | Found =>
    resolveMoment(moment, trace.anchors) ?? neverReached(trace, moment)
  if (expected.at !== null) return spanFrom('at', resolve(expected.at), resolve(expected.at))
  if (expected.by !== null) return spanFrom('by', trace.start, resolve(expected.by))
  if (expected.during !== null) return spanFrom('during', resolve(expected.during[0]), resolve(expected.during[1]))
  return { kind: 'ever', from: trace.start, to: trace.end }
}

function spanFrom(kind: Span['kind'], from: number | Found, to: number | Found): Span | Found {
  if (typeof from !== 'number') return from
  return typeof to === 'number' ? { kind, from, to } : to
}

function neverReached(trace: Trace, moment: ScenarioMoment): Found {
  const name = moment.kind === 'anchor' ? moment.anchor : ''
  const what =
    name === 'rollback'
      ? `no rollback (${trace.outcome})`
      : `phase "${name}" never exposed; it ended ${trace.outcome} at ${renderRelative(trace.end, trace.anchors)}`
  return { what, at: trace.end, next: 'Make the script lead there, or count from another moment' }
}

/** Bucket of the slowest metric an event speaks of. */
function bucketOf(plan: CompiledPlan, body: EventBody): number {
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

// ── Outcome and counts ──────────────────────────────────────────────────────────────────────────────────────────────

const outcomeSpellings: Readonly<Record<string, Trace['outcome']>> = {
  completed: 'completed',
  'rolled back': 'rolled back',
  rolledBack: 'rolled back',
  'rollback incomplete': 'rollback incomplete',
  contained: 'contained',
  running: 'running',
}

function checkOutcome(trace: Trace, outcome: string): Found | null {
  if (outcomeSpellings[outcome] === trace.outcome) return null
  const next = trace.horizonReached
    ? 'The simulation ran out of time: give the scenario a longer "lasts", or make the release end'
    : lookAtState
  return { what: trace.outcome, at: trace.end, next }
}

function checkCount(trace: Trace, text: string, wanted: number, span: Span): Found | null {
  const inSpan = (at: number): boolean =>
    span.from <= at && at <= Math.max(span.to, span.kind === 'ever' ? trace.end : 0)
  const events = trace.events.filter(({ at, body }) => body.type === text && inSpan(at)).length
  const effects = trace.effects.filter(effect => inSpan(effect.at) && beginsWith(effect.text, text)).length
  const found = events + effects
  if (found === wanted) return null
  const seen = [...new Set(trace.effects.map(effect => effect.text))].slice(0, 8)
  const list = seen.length === 0 ? 'no effect at all' : seen.map(each => `"${each}"`).join(', ')
  return { what: `${found} of it; performed were ${list}`, at: null, next: 'Compare the text with what was performed' }
}

/** The whole text, or its beginning up to a word: `run npm test` does not count `run npm test-e2e`. */
function beginsWith(text: string, beginning: string): boolean {
  if (!text.startsWith(beginning)) return false
  const after = text[beginning.length]
  return after === undefined || !/[\w-]/.test(after)
}

// ── Events ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function checkEvent(trace: Trace, expected: ScenarioExpectation, type: string, span: Span): Found | null {
  const alike = trace.events.filter(({ body }) => body.type === type)
  const because = alike.filter(({ body }) => expected.because === null || isBecause(trace, body, expected.because))
  const inTime = because.filter(event => isInTime(trace.plan, event, span))
  if (inTime.some(event => isStateAround(trace, expected, event.at))) return null
  const [event] = inTime
  if (event) return { what: describeState(trace, expected, event.at), at: event.at, next: lookAtState }
  const other = alike.find(each => isInTime(trace.plan, each, span))
  const nearest = because.length === 0 ? (other ?? nearestTo(alike, span)) : nearestTo(because, span)
  if (nearest === undefined)
    return { what: `no such event; ${describeNearby(trace, span)}`, at: span.to, next: lookAtState }
  const when = describeTime(trace, nearest.at, anchorOf(expected))
  return {
    what: `${nearest.body.type} at ${when}: ${renderEvent(nearest, wordingOf(trace.plan, 'en'))}`,
    at: span.to,
    next: nearest === other ? lookAtCause : lookAtTime,
  }
}

/** The anchor an expectation counts from. */
function anchorOf({ at, by, during }: ScenarioExpectation): string | null {
  const moment = at ?? by ?? during?.[0]
  return moment?.kind === 'anchor' ? moment.anchor : null
}

const lookAtCause = 'Correct the cause, or find in the plan what made it happen'
const lookAtTime = 'Correct the time, or find in the plan what moved it'
const lookAtState =
  'Follow the story of the run with "dankai simulate", then change the plan, the script or the expectation'

function isInTime(plan: CompiledPlan, event: TraceEvent, span: Span): boolean {
  if (span.kind === 'at') {
    const lateMs = event.at - span.from
    return lateMs >= 0 && (lateMs <= leastToleranceMs || lateMs < bucketOf(plan, event.body))
  }
  return span.from <= event.at && event.at <= span.to
}

/** The cause may be a rule, a metric, a signal, a sentence of a condition or the reason somebody gave. */
export function isBecause(trace: Trace, body: EventBody, because: string): boolean {
  const texts = Object.values(body).flatMap((value: unknown) =>
    typeof value === 'string' ? [value] : Array.isArray(value) ? value.filter(each => typeof each === 'string') : [],
  )
  const rule = 'rule' in body && body.rule !== null ? trace.plan.rules.find(each => each.id === body.rule) : undefined
  const step = 'step' in body ? namesOfStep(trace.plan, body.step) : []
  return [...texts, ...(rule ? [rule.name] : []), ...step].some(text => text.includes(because))
}

function nearestTo(events: readonly TraceEvent[], span: Span): TraceEvent | undefined {
  const distance = ({ at }: TraceEvent): number => (at < span.from ? span.from - at : Math.max(0, at - span.to))
  return events.toSorted((a, b) => distance(a) - distance(b))[0]
}

// ── States: exposure, waitingOn, phase ──────────────────────────────────────────────────────────────────────────────

function checkState(trace: Trace, expected: ScenarioExpectation, span: Span): Found | null {
  const isMet =
    span.kind === 'ever'
      ? statesIn(trace, span.from, span.to).some(at => isState(trace, expected, at))
      : span.kind === 'during'
        ? statesIn(trace, span.from, span.to).every(at => isState(trace, expected, at))
        : isStateAround(trace, expected, span.to)
  if (isMet) return null
  const at =
    span.kind === 'during'
      ? (statesIn(trace, span.from, span.to).find(each => !isState(trace, expected, each)) ?? span.to)
      : span.to
  return { what: describeState(trace, expected, at), at, next: lookAtState }
}

/** At a moment, or up to the least tolerance later: a release needs an instant to say what it waits for. */
function isStateAround(trace: Trace, expected: ScenarioExpectation, at: number): boolean {
  return statesIn(trace, at, at + leastToleranceMs).some(each => isState(trace, expected, each))
}

/** Moments in a span at which something may read differently: its beginning and every change in it. */
function statesIn(trace: Trace, from: number, to: number): readonly number[] {
  const changes = [...trace.statuses, ...trace.exposures].map(sample => sample.at).filter(at => from < at && at <= to)
  return [from, ...changes]
}

function isState(trace: Trace, expected: ScenarioExpectation, at: number): boolean {
  return (
    (expected.exposure === null || shareAt(trace, at) === expected.exposure) &&
    (expected.phase === null || statusAt(trace, at)?.phase?.name === expected.phase) &&
    (expected.waitingOn === null || waitsFor(trace, at, expected.waitingOn))
  )
}

/** What users really have. */
function shareAt(trace: Trace, at: number): number {
  const sample = newestAt(trace.exposures, at)
  return sample === undefined ? 0 : shareOf(sample.exposure)
}

function statusAt(trace: Trace, at: number): ReleaseStatus | undefined {
  return newestAt(trace.statuses, at)?.status
}

function waitsFor(trace: Trace, at: number, text: string): boolean {
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

function namesOfStep(plan: CompiledPlan, id: string): readonly string[] {
  return stepsOf(plan)
    .filter(step => step.id === id || contains(step, id))
    .map(step => step.name)
}

function contains(step: Step, id: string): boolean {
  const { action } = step
  const children = action.verb === 'do' ? action.steps : action.verb === 'checklist' ? action.items : []
  return children.some(child => child.id === id || contains(child, id))
}

// ── ScenarioNever ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function checkNever(trace: Trace, never: ScenarioNever, because: string | null, span: Span): Found | null {
  const until = span.kind === 'ever' ? trace.end : span.to
  const at = firstMoment(trace, never, because, span.from, until)
  if (at === null) return null
  const event =
    never.kind === 'event' ? trace.events.find(each => each.at === at && each.body.type === never.event) : undefined
  const what = event
    ? `${event.body.type} at ${describeTime(trace, at)}: ${renderEvent(event, wordingOf(trace.plan, 'en'))}`
    : describeState(trace, null, at)
  return { what, at, next: lookAtState }
}

function firstMoment(
  trace: Trace,
  never: ScenarioNever,
  because: string | null,
  from: number,
  to: number,
): number | null {
  if (never.kind === 'event') {
    const event = trace.events.find(
      ({ at, body }) =>
        from <= at && at <= to && body.type === never.event && (because === null || isBecause(trace, body, because)),
    )
    return event?.at ?? null
  }
  const isSo = (at: number): boolean =>
    never.kind === 'exposure' ? compare(shareAt(trace, at), never.op, never.share) : waitsFor(trace, at, never.text)
  return (
    statesIn(trace, from, to)
      .toSorted((a, b) => a - b)
      .find(isSo) ?? null
  )
}

// ── Messages ────────────────────────────────────────────────────────────────────────────────────────────────────────

function describeFailure(trace: Trace, expected: ScenarioExpectation, found: Found): Failure {
  const { file, line, column } = expected.place
  const wording = wordingOf(trace.plan, 'en')
  const wanted = describeExpected(expected, wording)
  const waiting = found.at === null ? '' : describeWaiting(trace, found.at)
  return {
    place: expected.place,
    message: `${file}:${line}:${column}: Cannot meet "${wanted}": found ${found.what}${waiting}, expected ${describeTolerance(expected)}. ${found.next}.`,
  }
}

function describeExpected(expected: ScenarioExpectation, wording: Wording): string {
  const { at, by, during, never } = expected
  const parts = [
    at === null ? null : `at ${renderMoment(at, wording)}`,
    by === null ? null : `by ${renderMoment(by, wording)}`,
    during === null ? null : `during ${renderMoment(during[0], wording)} to ${renderMoment(during[1], wording)}`,
    expected.event === null ? null : `event ${expected.event}`,
    never === null ? null : `never ${describeNever(never)}`,
    expected.because === null ? null : `because ${expected.because}`,
    expected.exposure === null ? null : `exposure ${renderShare(expected.exposure)}`,
    expected.phase === null ? null : `phase ${expected.phase}`,
    expected.waitingOn === null ? null : `waitingOn ${expected.waitingOn}`,
    expected.outcome === null ? null : `outcome ${expected.outcome}`,
    expected.count === null ? null : `count ${expected.count} is ${expected.is ?? 0}`,
  ]
  return parts.filter(part => part !== null).join(', ')
}

function describeNever(never: ScenarioNever): string {
  if (never.kind === 'event') return never.event
  return never.kind === 'waitingOn' ? `waitingOn ${never.text}` : `exposure ${never.op} ${renderShare(never.share)}`
}

function describeTolerance(expected: ScenarioExpectation): string {
  if (expected.never !== null) return 'it never to happen'
  if (expected.outcome !== null) return `outcome ${expected.outcome}`
  if (expected.count !== null) return `exactly ${expected.is ?? 0}`
  if (expected.at !== null) return 'it then, less than one bucket late'
  if (expected.by !== null) return 'it then or earlier'
  return expected.during === null ? 'it at some time' : 'it in that time'
}

/** Counted from the moment the expectation counts from, where it names one: then the difference is plain to see. */
function describeTime(trace: Trace, at: number, from: string | null = null): string {
  const anchor = from === null ? undefined : trace.anchors[from]
  const isAfter = from !== null && anchor !== undefined && at >= anchor
  const relative = renderRelative(at, isAfter ? { [from]: anchor } : trace.anchors)
  const time = renderTime(at, wordingOf(trace.plan, 'en'))
  return relative === '' ? time : `${relative} (${time})`
}

function describeWaiting(trace: Trace, at: number): string {
  const waits = (statusAt(trace, at)?.waitingOn ?? [])
    .slice(0, 3)
    .map(waiting => renderWaitingOn(asOf(waiting, at), wordingOf(trace.plan, 'en')))
  return waits.length === 0 ? '' : `, waiting on ${waits.join('; ')}`
}

/** A hold goes on between two samples; how much of it is over follows from its end. */
function asOf(waiting: WaitingOn, at: number): WaitingOn {
  if (waiting.kind !== 'hold' || waiting.until === null) return waiting
  return { ...waiting, coveredMs: Math.max(0, waiting.holdMs - (waiting.until - at)) }
}

function describeState(trace: Trace, expected: ScenarioExpectation | null, at: number): string {
  const status = statusAt(trace, at)
  const phase = expected?.phase == null || status?.phase == null ? '' : `, phase ${status.phase.name}`
  return `exposure ${renderShare(shareAt(trace, at))}${phase} at ${describeTime(trace, at, expected === null ? null : anchorOf(expected))}`
}

/** The events around a moment: what happened instead. */
function describeNearby(trace: Trace, span: Span): string {
  const before = trace.events.filter(({ at }) => at <= span.to).slice(-2)
  const after = trace.events.filter(({ at }) => at > span.to).slice(0, 1)
  const list = [...before, ...after].map(event => `${event.body.type} at ${describeTime(trace, event.at)}`)
  return list.length === 0 ? 'the log is empty' : `near it ${list.join(', ')}`
}
