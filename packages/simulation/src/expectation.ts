import { renderEvent, wordingOf } from '@dankai/insight'
import type { CompiledPlan, ScenarioExpectation, ScenarioMoment, ScenarioNever } from '@dankai/plan'
import {
  anchorOf,
  describeFailure,
  describeNearby,
  describeState,
  describeTime,
  type Failure,
  type Found,
} from './failure-text.ts'
import { renderRelative, resolveMoment } from './moment.ts'
import type { Trace, TraceEvent } from './trace.ts'
import { bucketOf, isBecause, shareAt, statesIn, statusAt, waitsFor } from './trace-reading.ts'
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
export function checkExpectations(trace: Trace, expectations: readonly ScenarioExpectation[]): readonly Failure[] {
  return expectations.flatMap(expected => {
    const found = checkExpectation(trace, expected)
    return found === null ? [] : [describeFailure(trace, expected, found)]
  })
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
    return { what: `no such event; ${describeNearby(trace, span.to)}`, at: span.to, next: lookAtState }
  const when = describeTime(trace, nearest.at, anchorOf(expected))
  return {
    what: `${nearest.body.type} at ${when}: ${renderEvent(nearest, wordingOf(trace.plan, 'en'))}`,
    at: span.to,
    next: nearest === other ? lookAtCause : lookAtTime,
  }
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

function isState(trace: Trace, expected: ScenarioExpectation, at: number): boolean {
  return (
    (expected.exposure === null || shareAt(trace, at) === expected.exposure) &&
    (expected.phase === null || statusAt(trace, at)?.phase?.name === expected.phase) &&
    (expected.waitingOn === null || waitsFor(trace, at, expected.waitingOn))
  )
}

// ── Never ───────────────────────────────────────────────────────────────────────────────────────────────────────────

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
