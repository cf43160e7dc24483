import { isDeepStrictEqual } from 'node:util'
import { foldEvents, type ReleaseState } from '@dankai/core'
import type { CompiledPlan, Step } from '@dankai/plan'
import { shareOf } from './drawing/exposure-curve.ts'
import type { Trace, TraceEvent } from './trace.ts'

/**
 * What must be true of every release in every world, whatever the plan says and whatever goes wrong. Each law looks at
 * the log and at what users really had; an answer is the sentence that says how it was broken.
 */
export interface Law {
  readonly name: string
  readonly broken: (trace: Trace) => string | null
}

export const laws: readonly Law[] = [
  { name: 'exposure never rises after a rollback began', broken: risesAfterRollback },
  {
    name: 'exposure is never raised while a now-rule is fired, or while paused, halted or without data',
    broken: raisesWhileStopped,
  },
  { name: 'no gate is skipped', broken: skipsGate },
  { name: 'no phase is promoted before its covered hold is over', broken: promotesEarly },
  { name: 'phases are entered one after the other', broken: jumpsPhases },
  { name: 'after a rollback every hand reaches its floor', broken: staysExposed },
  { name: 'nothing follows the end but follow-ups and the record', broken: movesAfterEnd },
  { name: 'the same log gives the same state', broken: foldsDifferently },
  { name: 'the log stays small', broken: growsWithoutBound },
]

// ── Exposure ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What somebody else does to a hand is drift, not a raise; it is lowered again, which another law sees to. */
function risesAfterRollback(trace: Trace): string | null {
  const started = trace.anchors.rollback
  if (started === undefined) return null
  let before = 0
  for (const { at, exposure, cause } of trace.exposures) {
    const share = shareOf(exposure)
    if (at > started && cause === 'dankai' && share > before) return `${before} to ${share} at ${describe(trace, at)}`
    before = share
  }
  return null
}

function raisesWhileStopped(trace: Trace): string | null {
  const fired = new Set<string>()
  const missing = new Set<string>()
  let stopped: string | null = null
  for (const { at, body } of trace.events) {
    if (body.type === 'TriggerFired' && isNowRule(trace.plan, body.rule)) fired.add(body.rule)
    if (body.type === 'TriggerCleared') fired.delete(body.rule)
    if (body.type === 'DataMissing') missing.add(body.metric)
    if (body.type === 'DataRestored') missing.delete(body.metric)
    if (body.type === 'Paused' || body.type === 'Halted') stopped = body.type
    if (body.type === 'Resumed') stopped = null
    if (body.type !== 'ExposureChanged' || body.direction !== 'raise') continue
    const because = [...fired, ...missing][0] ?? stopped
    if (because !== null) return `raised at ${describe(trace, at)} despite ${because}`
  }
  return null
}

function isNowRule(plan: CompiledPlan, id: string): boolean {
  return plan.rules.find(rule => rule.id === id)?.consequence.kind === 'now'
}

function staysExposed(trace: Trace): string | null {
  if (trace.anchors.rollback === undefined) return null
  const last = trace.exposures.at(-1)
  if (!last || last.cause === 'drift') return null
  const floor = trace.plan.hands[0]?.canLower === false ? highest(trace) : 0
  const share = shareOf(last.exposure)
  return share > floor ? `${share} at the end, floor ${floor}` : null
}

function highest(trace: Trace): number {
  return trace.exposures.reduce((most, { exposure }) => Math.max(most, exposure.share), 0)
}

// ── Going forward ───────────────────────────────────────────────────────────────────────────────────────────────────

function skipsGate(trace: Trace): string | null {
  const ended = new Set<string>()
  for (const { at, body } of trace.events) {
    if (body.type === 'StepEnded' && (body.outcome === 'done' || body.outcome === 'skipped')) ended.add(body.step)
    if (body.type !== 'PhaseEntered') continue
    const gates = [...(body.phase === 0 ? trace.plan.before : []), ...(trace.plan.phases[body.phase]?.before ?? [])]
    const open = gates.flatMap(step => leavesOf(step, trace.state)).find(step => !ended.has(step.id))
    if (open) return `"${open.name}" before ${body.name} at ${describe(trace, at)}`
  }
  return null
}

function leavesOf(step: Step, state: ReleaseState): readonly Step[] {
  if (step.optional || !step.when.every(({ label, present }) => state.labels.includes(label) === present)) return []
  const { action } = step
  if (action.verb === 'do') return action.steps.flatMap(child => leavesOf(child, state))
  return action.verb === 'checklist' ? action.items.flatMap(child => leavesOf(child, state)) : [step]
}

/**
 * A person may promote over holds, and only a person ends an open one; nobody and nothing else may. What counts is what was known when the hold was found
 * over: a gap that shows itself later stops the release by itself.
 */
function promotesEarly(trace: Trace): string | null {
  let reachedAt: number | null = null
  const held = new Set<number>()
  let uncovered: UncoveredSpan[] = []
  for (const event of trace.events) {
    const { at, body } = event
    if (body.type === 'PhaseEntered') [reachedAt, uncovered] = [null, uncovered.filter(span => span.to === null)]
    if (body.type === 'ExposureReached') reachedAt ??= at
    uncovered = withSpan(uncovered, event)
    const isOpen = body.type === 'PhasePromoted' && trace.plan.phases[body.phase]?.holdMs === null
    if (body.type === 'PhasePromoted' && body.by === null && (isOpen || !held.has(body.phase)))
      return `${body.name} without its hold at ${describe(trace, at)}`
    if (body.type !== 'HoldEnded') continue
    held.add(body.phase)
    const holdMs = trace.plan.phases[body.phase]?.holdMs ?? 0
    const covered = reachedAt === null ? 0 : at - reachedAt - lostBetween(uncovered, reachedAt, at)
    if (covered < holdMs) return `${body.phase} after ${covered} of ${holdMs} ms at ${describe(trace, at)}`
  }
  return null
}

type UncoveredSpan = { readonly from: number; readonly to: number | null; readonly why: string }

function withSpan(spans: readonly UncoveredSpan[], { at, body }: TraceEvent): UncoveredSpan[] {
  const close = (why: string, to: number): UncoveredSpan[] =>
    spans.map(span => (span.why === why && span.to === null ? { ...span, to } : span))
  switch (body.type) {
    case 'DataMissing':
      return [...spans, { from: body.since, to: null, why: body.metric }]
    case 'DataRestored':
      return close(body.metric, body.until)
    case 'Paused':
      return [...spans, { from: at, to: null, why: 'paused' }]
    case 'Resumed':
      return close('paused', at)
    case 'CoverageRestored':
      return [...spans, { from: body.since, to: body.until, why: 'coverage' }]
    default:
      return [...spans]
  }
}

/** Milliseconds of [from, to) in any of the spans. */
function lostBetween(spans: readonly UncoveredSpan[], from: number, to: number): number {
  let lost = 0
  let reach = from
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const start = Math.max(span.from, reach)
    const end = Math.min(span.to ?? to, to)
    if (end <= start) continue
    lost += end - start
    reach = end
  }
  return lost
}

function jumpsPhases(trace: Trace): string | null {
  let expected = 0
  for (const { at, body } of trace.events) {
    if (body.type !== 'PhaseEntered') continue
    if (body.phase !== expected) return `${body.name} at ${describe(trace, at)}, expected phase ${expected}`
    expected += 1
  }
  return null
}

// ── The log ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const forward: ReadonlySet<TraceEvent['body']['type']> = new Set(['PhaseEntered', 'PhasePromoted', 'RollbackStarted'])

function movesAfterEnd(trace: Trace): string | null {
  const end = trace.events.findIndex(
    ({ body }) => body.type === 'Completed' || body.type === 'RolledBack' || body.type === 'Contained',
  )
  if (end < 0) return null
  const moved = trace.events
    .slice(end + 1)
    .find(({ body }) => forward.has(body.type) || (body.type === 'ExposureChanged' && body.direction === 'raise'))
  return moved ? `${moved.body.type} at ${describe(trace, moved.at)}` : null
}

function foldsDifferently({ plan, events, state }: Trace): string | null {
  const folded = foldEvents(plan, events)
  const same = isDeepStrictEqual(plain({ ...folded, at: 0 }), plain({ ...state, at: 0 }))
  return same ? null : `seq ${state.seq}`
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

/** The bound of a quiet four-week release; a troubled one stays below it too, or something repeats itself. */
const eventsAtMost = 5_000

function growsWithoutBound(trace: Trace): string | null {
  return trace.events.length <= eventsAtMost ? null : `${trace.events.length} events`
}

function describe(trace: Trace, at: number): string {
  return `${new Date(at).toISOString()} (start + ${(at - trace.start) / 1000}s)`
}
