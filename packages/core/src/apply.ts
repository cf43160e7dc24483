import type { CompiledPlan } from '@dankai/plan'
import { closeSpan, openSpan } from './coverage.ts'
import type { Event, EventBody, ExposureChanged, ReleaseStarted } from './event.ts'
import { levelOf, nobody } from './exposure.ts'
import { indexOf } from './plan-index.ts'
import type { Lifecycle, ReleaseState, StepState } from './state.ts'

/**
 * The fold of the log: apply(state, event) -> state. It never decides: what an event says happened.
 * Replaying the same log gives the same state, whatever the version of `decide` that wrote it.
 */
export function apply(plan: CompiledPlan, state: ReleaseState, event: Event): ReleaseState {
  const next = applyBody(plan, state, event.body, event.at)
  return { ...next, seq: event.seq, at: event.at }
}

/** State right after ReleaseStarted. */
export function beginState(started: ReleaseStarted, at: number): ReleaseState {
  return {
    seq: 1,
    at,
    startedAt: at,
    plan: started.plan,
    planDigest: started.planDigest,
    revision: 1,
    strategy: started.strategy,
    semantics: started.semantics,
    version: started.version,
    startedBy: started.by,
    labels: started.labels,
    exemption: started.exemption,
    lifecycle: { kind: 'starting' },
    exposure: {
      desired: nobody,
      previous: nobody,
      generation: 0,
      changedAt: at,
      reached: true,
      failed: null,
      highest: 0,
    },
    steps: {},
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

/** State of a whole log. The first event must be ReleaseStarted. */
export function foldEvents(plan: CompiledPlan, events: readonly Event[]): ReleaseState {
  const [first, ...rest] = events
  if (first?.body.type !== 'ReleaseStarted') {
    throw new Error(`Cannot fold a log: found "${first?.body.type ?? 'nothing'}" first, expected "ReleaseStarted".`)
  }
  return rest.reduce((state, event) => apply(plan, state, event), beginState(first.body, first.at))
}

function applyBody(plan: CompiledPlan, state: ReleaseState, body: EventBody, at: number): ReleaseState {
  switch (body.type) {
    case 'ReleaseStarted':
      return beginState(body, at)
    case 'StepStarted':
      return withStep(state, body.step, before => ({
        run: body.run,
        status: 'running',
        startedAt: before?.status === 'running' ? before.startedAt : at,
        endedAt: null,
        detail: null,
        failures: before?.failures ?? 0,
        answers: [],
      }))
    case 'StepEnded':
      return applyStepEnded(plan, state, body, at)
    case 'RunbookStepFailed':
      return withStep(state, body.step, before => ({
        ...stepOr(before, at),
        status: 'stuck',
        detail: body.detail,
        endedAt: at,
      }))
    case 'StepRetried':
      return withStep(state, body.step, before => ({
        ...stepOr(before, at),
        status: 'idle',
        endedAt: null,
        failures: 0,
        startedAt: at,
      }))
    case 'GateOpened':
      return withStep(state, body.step, before => ({ ...stepOr(before, at), status: 'asking' }))
    case 'GateReminded':
      return withStep(state, body.step, before => ({ ...stepOr(before, at), reminded: body.times }))
    case 'GateAnswered':
      return body.answer === 'rejected'
        ? withStep(state, body.step, before => ({
            ...stepOr(before, at),
            status: 'stuck',
            detail: body.why ?? 'rejected',
            endedAt: at,
          }))
        : withStep(state, body.step, before => ({
            ...stepOr(before, at),
            answers: [...stepOr(before, at).answers, { by: body.by, at }],
          }))
    case 'PhaseEntered':
      return enterPhase(state, body.phase, at)
    case 'ExposureChanged':
      return applyExposureChanged(state, body, at)
    case 'ExposureReached':
      return reachExposure(state, at)
    case 'ExposureFailed':
      return { ...state, exposure: { ...state.exposure, failed: { hand: body.hand, detail: body.detail, at } } }
    case 'HoldEnded':
      return withRunning(state, running => ({ ...running, heldAt: at }))
    case 'PhasePromoted':
      return { ...withRunning(state, running => ({ ...running, promotedAt: at })), verdicts: {} }
    case 'VerdictChanged':
      return { ...state, verdicts: { ...state.verdicts, [body.criterion]: verdictKey(body) } }
    case 'TriggerPending':
      return withRule(state, body.rule, { status: 'pending', since: body.since, text: body.name, rollbackAt: null })
    case 'TriggerFired':
      return applyFired(plan, state, body.rule, body.text, at)
    case 'TriggerCleared':
      return { ...state, rules: without(state.rules, body.rule) }
    case 'DecisionAsked':
      return {
        ...state,
        decisions: {
          ...state.decisions,
          [body.rule]: { because: body.because, askedAt: at, deadline: body.deadline, otherwise: body.otherwise },
        },
      }
    case 'DecisionAnswered':
      return { ...answerRule(state, body.rule), decisions: without(state.decisions, body.rule) }
    case 'DataMissing':
      return {
        ...state,
        missing: { ...state.missing, [body.metric]: body.since },
        uncovered: openSpan(state.uncovered, body.since, `data:${body.metric}`),
      }
    case 'DataRestored':
      return {
        ...state,
        missing: without(state.missing, body.metric),
        uncovered: closeSpan(state.uncovered, body.until, `data:${body.metric}`),
      }
    case 'CoverageLost':
      return { ...state, uncovered: openSpan(state.uncovered, body.since, 'coverage') }
    case 'CoverageRestored':
      return extendDeadlines(
        { ...state, uncovered: closeSpan(state.uncovered, body.until, 'coverage') },
        body.until - body.since,
      )
    case 'DriftSeen':
      return { ...state, drift: { ...state.drift, [body.hand]: body.observed ?? -1 } }
    case 'DriftEnded':
      return { ...state, drift: without(state.drift, body.hand) }
    case 'SignalReported': {
      const before = state.signals[body.signal]
      return {
        ...state,
        signals: {
          ...state.signals,
          [body.signal]: { since: before?.since ?? at, by: body.by, times: [...(before?.times ?? []), at].slice(-100) },
        },
      }
    }
    case 'SignalWithdrawn':
      return { ...state, signals: without(state.signals, body.signal) }
    case 'Paused':
      return { ...state, paused: { by: body.by, since: at }, uncovered: openSpan(state.uncovered, at, 'pause') }
    case 'Resumed':
      return { ...state, paused: null, halted: null, uncovered: closeSpan(state.uncovered, at, 'pause') }
    case 'Halted':
      return { ...state, halted: { because: body.because, rule: body.rule } }
    case 'AlertRaised':
      return { ...state, alerts: { ...state.alerts, [body.alert]: at } }
    case 'AlertCleared':
      return { ...state, alerts: without(state.alerts, body.alert) }
    case 'ActionTaken':
      return body.action === 'cancel' && body.subject !== null ? answerRule(state, body.subject) : state
    case 'PlanAmended':
      return { ...state, revision: body.revision, planDigest: body.planDigest, verdicts: {} }
    case 'RunbookStarted':
      return {
        ...idleSteps(state, `runbooks.${body.runbook}.`),
        runbooks: { ...state.runbooks, [body.runbook]: { startedAt: at, by: body.by } },
      }
    case 'RollbackStarted':
      return {
        ...state,
        lifecycle: {
          kind: 'rollingBack',
          startedAt: at,
          because: body.because,
          rule: body.rule,
          by: body.by,
          runbook: body.runbook,
          floorReachedAt: null,
          fromPhase: state.lifecycle.kind === 'running' ? state.lifecycle.phase : null,
        },
        decisions: {},
        paused: null,
      }
    case 'FollowUpOpened':
      return state
    case 'RolledBack':
      return { ...state, lifecycle: rolledBack(state.lifecycle, body.complete, at) }
    case 'Contained':
      return { ...state, lifecycle: { kind: 'contained', at, because: becauseOf(state.lifecycle) } }
    case 'Completed':
      return { ...state, lifecycle: { kind: 'completed', at }, rules: {}, decisions: {} }
  }
}

/** Announced verdicts are compared by this key. */
export function verdictKey(verdict: { readonly met: string; readonly verdict: string | null }): string {
  return `${verdict.met}/${verdict.verdict ?? '-'}`
}

function becauseOf(lifecycle: Lifecycle): string {
  return 'because' in lifecycle ? lifecycle.because : ''
}

function withRunning(
  state: ReleaseState,
  change: (running: Extract<Lifecycle, { kind: 'running' }>) => Lifecycle,
): ReleaseState {
  return state.lifecycle.kind === 'running' ? { ...state, lifecycle: change(state.lifecycle) } : state
}

function withStep(
  state: ReleaseState,
  step: string,
  change: (before: StepState | undefined) => StepState,
): ReleaseState {
  return { ...state, steps: { ...state.steps, [step]: change(state.steps[step]) } }
}

function stepOr(before: StepState | undefined, at: number): StepState {
  return before ?? { run: 0, status: 'idle', startedAt: at, endedAt: null, detail: null, failures: 0, answers: [] }
}

function withRule(state: ReleaseState, rule: string, next: ReleaseState['rules'][string]): ReleaseState {
  return { ...state, rules: { ...state.rules, [rule]: next } }
}

function answerRule(state: ReleaseState, rule: string): ReleaseState {
  const before = state.rules[rule]
  return before === undefined ? state : withRule(state, rule, { ...before, status: 'answered', rollbackAt: null })
}

function without<T>(record: Readonly<Record<string, T>>, key: string): Readonly<Record<string, T>> {
  const { [key]: _, ...rest } = record
  return rest
}

function applyStepEnded(
  plan: CompiledPlan,
  state: ReleaseState,
  body: Extract<EventBody, { type: 'StepEnded' }>,
  at: number,
): ReleaseState {
  const isDone = body.outcome === 'done'
  const next = withStep(state, body.step, before => ({
    ...stepOr(before, at),
    status: isDone ? 'done' : body.outcome === 'skipped' ? 'skipped' : 'failed',
    endedAt: at,
    detail: body.detail,
    failures: isDone ? 0 : stepOr(before, at).failures + 1,
  }))
  const wayBack = isDone ? (indexOf(plan).steps.get(body.step)?.irreversible ?? null) : null
  return wayBack === null ? next : { ...next, wayBack }
}

function rolledBack(before: Lifecycle, complete: boolean, at: number): Lifecycle {
  const hasStart = before.kind === 'rollingBack' || before.kind === 'rolledBack'
  return {
    kind: 'rolledBack',
    at,
    complete,
    because: becauseOf(before),
    startedAt: hasStart ? before.startedAt : at,
    runbook: hasStart ? before.runbook : null,
  }
}

/** Steps that are worked on again become idle; their run numbers go on, so command slots stay unique. */
function idleSteps(state: ReleaseState, prefix: string): ReleaseState {
  const steps = Object.fromEntries(
    Object.entries(state.steps).map(([id, step]) => [
      id,
      id.startsWith(prefix) ? { ...step, status: 'idle' as const } : step,
    ]),
  )
  return { ...state, steps }
}

function enterPhase(state: ReleaseState, phase: number, at: number): ReleaseState {
  return {
    // Check sets run in every phase.
    ...idleSteps(state, 'checks.'),
    lifecycle: { kind: 'running', phase, enteredAt: at, reachedAt: null, heldAt: null, promotedAt: null },
    verdicts: {},
    // Only what is still open goes on into the new phase.
    uncovered: state.uncovered.filter(span => span.to === null),
  }
}

function applyExposureChanged(state: ReleaseState, body: ExposureChanged, at: number): ReleaseState {
  return {
    ...state,
    exposure: {
      desired: body.exposure,
      previous: state.exposure.desired,
      generation: body.generation,
      changedAt: at,
      reached: false,
      failed: null,
      highest: Math.max(state.exposure.highest, levelOf(body.exposure)),
    },
  }
}

function reachExposure(state: ReleaseState, at: number): ReleaseState {
  const exposure = { ...state.exposure, reached: true, failed: null }
  if (state.lifecycle.kind === 'running') {
    return { ...state, exposure, lifecycle: { ...state.lifecycle, reachedAt: state.lifecycle.reachedAt ?? at } }
  }
  if (state.lifecycle.kind === 'rollingBack') {
    return { ...state, exposure, lifecycle: { ...state.lifecycle, floorReachedAt: at } }
  }
  return { ...state, exposure }
}

function applyFired(plan: CompiledPlan, state: ReleaseState, ruleId: string, text: string, at: number): ReleaseState {
  const rule = indexOf(plan).rules.get(ruleId)
  const rollbackAt =
    rule?.consequence.kind === 'within' ? at + Math.max(0, rule.consequence.ms - indexOf(plan).loweringTakesMs) : null
  return withRule(state, ruleId, { status: 'fired', since: at, text, rollbackAt })
}

/** A gap in deciding lengthens what people were given, unless silence means rollback. */
function extendDeadlines(state: ReleaseState, gapMs: number): ReleaseState {
  const decisions = Object.fromEntries(
    Object.entries(state.decisions).map(([rule, open]) => [
      rule,
      open.otherwise === 'continue' ? { ...open, deadline: open.deadline + gapMs } : open,
    ]),
  )
  return { ...state, decisions }
}
