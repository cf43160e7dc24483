import type { Command, Event, HandReading, ReleaseState, ReleaseStatus } from '@dankai/core'
import type { Commit, NewRelease, SeriesSample } from '@dankai/engine'
import type { FlagExposure } from '@dankai/flags'
import type { CompiledPlan, Exposure, Hand } from '@dankai/plan'

/** Releases for tests of the store, which looks at very little of what it keeps. */
export const scope = { project: 'shop', environment: 'production' }

export function exposureOf(share: number): Exposure {
  return { share, cohorts: [], shadow: false }
}

export function flagExposureOf(share: number): FlagExposure {
  return { share, cohorts: [], shadow: false }
}

export function handOf(id: string): Hand {
  return { id, kind: id.split(':')[0]!, role: 'splitter', canLower: true, options: {} }
}

export function planOf(name: string, hands: readonly string[]): CompiledPlan {
  return {
    format: 1,
    name,
    title: `${name} (段階)`,
    service: 'trips',
    strategy: null,
    labels: [],
    calendar: null,
    escalation: null,
    channels: {},
    metrics: {},
    signals: {},
    hands: hands.map(handOf),
    evidence: { kind: 'shownSafe' },
    before: [],
    phases: [],
    rules: [],
    alerts: [],
    rollback: [],
    followUp: [],
    runbooks: {},
    checks: {},
    flagSets: {},
    segments: {},
    notices: {},
    reviews: [],
  } as unknown as CompiledPlan
}

export function stateOf(plan: string, at: number): ReleaseState {
  return {
    seq: 1,
    at,
    startedAt: at,
    plan,
    planDigest: 'digest',
    revision: 1,
    strategy: null,
    semantics: 1,
    version: '1.0.0',
    startedBy: 'yuki',
    labels: [],
    exemption: null,
    lifecycle: { kind: 'starting' },
    exposure: {
      desired: exposureOf(0),
      previous: exposureOf(0),
      generation: 1,
      changedAt: at,
      reached: false,
      failed: null,
      highest: 0,
    },
    // A key order that sorting would change: what is read back must be what was written, byte for byte.
    steps: { zeta: stepOf(at), alpha: stepOf(at) },
    rules: {},
    decisions: {},
    signals: {},
    alerts: {},
    verdicts: {},
    paused: null,
    halted: null,
    missing: {},
    uncovered: [],
    drift: {},
    wayBack: null,
    runbooks: {},
  }
}

function stepOf(at: number): ReleaseState['steps'][string] {
  return { run: 1, status: 'running', startedAt: at, endedAt: null, detail: null, answers: [], failures: 0 }
}

export function statusOf(state: ReleaseState): ReleaseStatus {
  const { kind } = state.lifecycle
  const { desired } = state.exposure
  return {
    stage: kind,
    phase: null,
    desired,
    exposure: desired.share,
    waitingOn: [],
    reasons: [],
    next: null,
    criteria: [],
  }
}

export function newRelease(
  at: number,
  { plan = 'triptrip-api', hands = ['flag:booking'], commands = [] as readonly Command[], version = '1.0.0' } = {},
): NewRelease {
  const state = { ...stateOf(plan, at), version }
  const started: Event = {
    seq: 1,
    at,
    body: {
      type: 'ReleaseStarted',
      plan,
      planDigest: 'digest',
      strategy: null,
      semantics: 1,
      version,
      labels: [],
      hands,
      by: 'yuki',
      exemption: null,
    },
  }
  const events = [started, ...commands.map((command, index) => stepStarted(index + 2, at, command))]
  const final = { ...state, seq: events.length }
  return {
    ...scope,
    plan: planOf(plan, hands),
    planDigest: 'digest',
    version,
    events,
    state: final,
    status: statusOf(final),
    wakeAt: at,
  }
}

export function stepStarted(seq: number, at: number, command: Command | null): Event {
  return { seq, at, body: { type: 'StepStarted', step: command?.slot.split('#')[0] ?? 'step', run: 1, command } }
}

export function pausedEvent(seq: number, at: number): Event {
  return { seq, at, body: { type: 'Paused', by: 'yuki', why: null } }
}

export function commandOf(slot: string, given: Partial<Command> = {}): Command {
  return {
    slot,
    effect: { kind: 'run', command: 'smoke', at: null },
    effectClass: 'set',
    lane: 'raise',
    timeoutMs: 10_000,
    attempts: 3,
    expiresAt: null,
    ...given,
  }
}

/** A commit after a claim that adds events and whatever else is given. */
export function commitOf(
  from: { readonly id: string; readonly fence: number; readonly state: ReleaseState },
  given: Partial<Commit> & { readonly now?: number; readonly eventCount?: number } = {},
): Commit {
  const { now = from.state.at, eventCount = 0, ...rest } = given
  const events = Array.from({ length: eventCount }, (_, index) => pausedEvent(from.state.seq + index + 1, now))
  const state = { ...from.state, seq: from.state.seq + events.length, at: now }
  return {
    releaseId: from.id,
    fence: from.fence,
    expectedSeq: from.state.seq,
    events,
    state,
    status: statusOf(state),
    wakeAt: now + 10_000,
    decidedAt: now,
    desired: null,
    commands: [],
    superseded: [],
    folded: [],
    evidence: null,
    plan: null,
    ended: false,
    ...rest,
  }
}

export function readingOf(generation: number, at: number, given: Partial<HandReading> = {}): HandReading {
  return { generation, share: 0, reached: true, floor: 0, readings: 1, at, problem: null, ...given }
}

export function sampleOf(at: number, given: Partial<SeriesSample> = {}): SeriesSample {
  const head = {
    series: 'http_requests',
    labels: { status: '200' },
    track: 'canary',
    start: at,
    lengthMs: 10_000,
  } as const
  return { ...head, count: 10, sum: 10, last: null, quantiles: null, ...given }
}
