import type { WaitingOn } from '@dankai/core'
import { renderShare, renderTime, renderWaitingOn, type Wording, wordingOf } from '@dankai/insight'
import type { Place, ScenarioExpectation, ScenarioNever } from '@dankai/plan'
import { renderMoment, renderRelative } from './moment.ts'
import type { Trace } from './trace.ts'
import { shareAt, statusAt } from './trace-reading.ts'

export interface Failure {
  readonly place: Place
  /** In the message grammar, with file, line and column in front. */
  readonly message: string
}

/** What was found instead; null when the expectation is met. */
export interface Found {
  readonly what: string
  /** Moment the reader should look at. */
  readonly at: number | null
  readonly next: string
}

/** The anchor an expectation counts from. */
export function anchorOf({ at, by, during }: ScenarioExpectation): string | null {
  const moment = at ?? by ?? during?.[0]
  return moment?.kind === 'anchor' ? moment.anchor : null
}

export function describeFailure(trace: Trace, expected: ScenarioExpectation, found: Found): Failure {
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
export function describeTime(trace: Trace, at: number, from: string | null = null): string {
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

export function describeState(trace: Trace, expected: ScenarioExpectation | null, at: number): string {
  const status = statusAt(trace, at)
  const phase = expected?.phase == null || status?.phase == null ? '' : `, phase ${status.phase.name}`
  return `exposure ${renderShare(shareAt(trace, at))}${phase} at ${describeTime(trace, at, expected === null ? null : anchorOf(expected))}`
}

/** The events around a moment: what happened instead. */
export function describeNearby(trace: Trace, moment: number): string {
  const before = trace.events.filter(({ at }) => at <= moment).slice(-2)
  const after = trace.events.filter(({ at }) => at > moment).slice(0, 1)
  const list = [...before, ...after].map(event => `${event.body.type} at ${describeTime(trace, event.at)}`)
  return list.length === 0 ? 'the log is empty' : `near it ${list.join(', ')}`
}
