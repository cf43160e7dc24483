import type { CompiledPlan, Condition, Criterion, Phase } from '@dankai/plan'
import { verdictKey } from './apply.ts'
import { askCalendar } from './calendar.ts'
import { commandOf, flagValues } from './command-for.ts'
import { coveredMs } from './coverage.ts'
import type { CriterionStatus } from './decision.ts'
import { sameExposure } from './exposure.ts'
import { comparesWithBaseline, type Judgement, judge } from './judge.ts'
import { indexOf, metricsOf } from './plan-index.ts'
import { durationText, metStoppingRule, startRollback } from './rules.ts'
import { workInOrder, workOn, workTogether } from './steps.ts'
import type { Turn } from './turn.ts'

/**
 * The forward path: gates ▶ calendar ▶ raise ▶ hold ▶ criteria ▶ promoted ▶ gates of the next phase …
 *
 * Invariants
 *  1. A phase is entered only when every gate before it is done, the calendar is open and nothing forbids raising.
 *  2. The hold counts covered time from confirmed exposure; criteria are judged from its end on.
 *  3. Nothing unknown promotes: a criterion must answer `yes`.
 */

/** A raise that no hand could finish in this time puts everyone back (semantics D). */
const raiseDeadlineMs = 300_000

export function advance(turn: Turn): void {
  const { lifecycle } = turn.state
  if (lifecycle.kind === 'starting') return prepare(turn, 0, turn.state.startedAt)
  if (lifecycle.kind !== 'running') return
  if (lifecycle.promotedAt !== null) return prepareNext(turn, lifecycle.phase + 1, lifecycle.promotedAt)
  if (lifecycle.reachedAt === null) return raise(turn)
  holdPhase(turn, lifecycle.phase, lifecycle.reachedAt)
}

// ── Gates and raising ───────────────────────────────────────────────────────────────────────────────────────────────

function prepare(turn: Turn, index: number, since: number): void {
  const phase = turn.plan.phases[index]
  if (phase === undefined) return
  const gates = index === 0 ? [...turn.plan.before, ...phase.before] : phase.before
  const progress = workInOrder(turn, gates, { kind: 'gate', startedAt: since, deadline: null })
  if (progress !== 'done') return
  if (forbidsRaising(turn) || !calendarIsOpen(turn, index)) return
  enter(turn, phase)
}

function prepareNext(turn: Turn, index: number, promotedAt: number): void {
  if (index < turn.plan.phases.length) return prepare(turn, index, promotedAt)
  turn.emit({ type: 'Completed', by: null })
}

/** Everything that stops a raise apart from gates and calendar, told as what it waits for. */
function forbidsRaising(turn: Turn): boolean {
  const { state } = turn
  const rule = metStoppingRule(turn)
  if (rule !== null) turn.wait({ kind: 'rule', rule: rule.id, name: rule.name })
  if (state.paused !== null) turn.wait({ kind: 'resume', by: state.paused.by })
  if (state.halted !== null) turn.wait({ kind: 'halted', because: state.halted.because })
  for (const [metric, since] of Object.entries(state.missing)) turn.wait({ kind: 'data', metric, since })
  for (const hand of Object.keys(state.drift)) turn.wait({ kind: 'drift', hand })
  const hasQuestion = Object.keys(state.decisions).length > 0 || hasLatchedRule(turn)
  return (
    rule !== null ||
    state.paused !== null ||
    state.halted !== null ||
    Object.keys(state.missing).length > 0 ||
    Object.keys(state.drift).length > 0 ||
    hasQuestion
  )
}

function hasLatchedRule(turn: Turn): boolean {
  return Object.values(turn.state.rules).some(rule => rule.rollbackAt !== null)
}

function calendarIsOpen(turn: Turn, index: number): boolean {
  const { calendar } = turn.plan
  if (calendar === null) return true
  const answer = askCalendar(calendar, {
    now: turn.now,
    labels: turn.state.labels,
    hasExemption: turn.state.exemption !== null,
    isFirstRaise: index === 0,
    phases: turn.plan.phases.length,
  })
  if (answer.open) return true
  turn.wait({ kind: 'calendar', calendar: calendar.name, until: answer.until, entry: answer.entry })
  turn.wake(answer.until)
  return false
}

function enter(turn: Turn, phase: Phase): void {
  turn.emit({ type: 'PhaseEntered', phase: phase.index, name: phase.name })
  applyFlagSet(turn, phase)
  const { desired, generation, reached } = turn.state.exposure
  if (sameExposure(desired, phase.exposure) && reached) {
    turn.emit({ type: 'ExposureReached', generation })
    return
  }
  turn.emit({ type: 'ExposureChanged', exposure: phase.exposure, generation: generation + 1, direction: 'raise' })
}

/** Complete replacement of the flags at each phase (CB-03). */
function applyFlagSet(turn: Turn, phase: Phase): void {
  const set = phase.flags === null ? undefined : turn.plan.flagSets[phase.flags]
  if (set === undefined) return
  const step = `phases.${phase.name}.flags`
  const run = (turn.state.steps[step]?.run ?? 0) + 1
  const effect = { kind: 'flags', values: flagValues(set, phase.exposure), replace: true } as const
  turn.emit({ type: 'StepStarted', step, run, command: commandOf(`${step}#${run}`, effect, null, null) })
}

function raise(turn: Turn): void {
  const { exposure } = turn.state
  for (const hand of turn.plan.hands) {
    const reading = turn.input.hands[hand.id]
    const isCurrent = reading !== undefined && reading.generation === exposure.generation
    if (isCurrent && reading.reached) continue
    turn.wait({
      kind: 'exposure',
      hand: hand.id,
      desired: exposure.desired.share,
      observed: reading?.share ?? null,
      problem: reading?.problem ?? null,
    })
    if (turn.now >= exposure.changedAt + raiseDeadlineMs)
      return failRaise(turn, hand.id, reading?.problem ?? 'not confirmed')
  }
  if (turn.waits.some(wait => wait.kind === 'exposure')) turn.wake(exposure.changedAt + raiseDeadlineMs)
  else turn.emit({ type: 'ExposureReached', generation: exposure.generation })
}

function failRaise(turn: Turn, hand: string, detail: string): void {
  turn.emit({ type: 'ExposureFailed', generation: turn.state.exposure.generation, hand, detail })
  startRollback(turn, `"${hand}" could not be raised within ${durationText(raiseDeadlineMs)}: ${detail}`, null, null)
}

// ── Holding and promoting ───────────────────────────────────────────────────────────────────────────────────────────

function holdPhase(turn: Turn, index: number, reachedAt: number): void {
  const phase = turn.plan.phases[index]
  if (phase === undefined) return
  // Evidence of this exposure begins with the next bucket; nothing may be judged on the one before.
  if (turn.now <= reachedAt) {
    const { holdMs } = phase
    turn.wait(holdMs === null ? { kind: 'close' } : { kind: 'hold', until: reachedAt + holdMs, coveredMs: 0, holdMs })
    turn.wake(reachedAt + Math.max(1, holdMs ?? 1))
    runChecks(turn, reachedAt)
    workOnTasks(turn, phase, reachedAt)
    return
  }
  runChecks(turn, reachedAt)
  const tasksAreDone = workOnTasks(turn, phase, reachedAt)
  if (!holdIsOver(turn, phase, reachedAt)) return
  if (turn.running?.heldAt === null) turn.emit({ type: 'HoldEnded', phase: index, name: phase.name })
  const unmet = judgeCriteria(turn, phase)
  if (turn.state.lifecycle.kind !== 'running') return
  const isForbidden = forbidsRaising(turn)
  if (unmet.length > 0) return handleUnmet(turn, phase)
  if (isForbidden || !tasksAreDone) return
  if (phase.holdMs === null) return turn.wait({ kind: 'close' })
  promote(turn, phase, null)
}

export function promote(turn: Turn, phase: Phase, by: string | null): void {
  const because = phase.promoteWhen.flatMap(criterion => becauseOf(turn, phase, criterion))
  turn.emit({ type: 'PhasePromoted', phase: phase.index, name: phase.name, by, because })
}

/** Check sets run in every phase once its exposure is confirmed, so that `smoke failed` can stop the release. */
function runChecks(turn: Turn, reachedAt: number): void {
  for (const check of indexOf(turn.plan).checksInUse) {
    workInOrder(turn, turn.plan.checks[check] ?? [], { kind: 'check', startedAt: reachedAt, deadline: null })
  }
}

const dayMs = 86_400_000

/**
 * Tasks of a phase. Those with `days` belong to the phase: it is not promoted before they are done. Those with `every`
 * repeat and block nothing; one that fails raises an alert.
 */
function workOnTasks(turn: Turn, phase: Phase, reachedAt: number): boolean {
  let done = true
  for (const step of phase.during) {
    if (step.everyMs !== null) {
      repeat(turn, step, reachedAt, step.everyMs)
      continue
    }
    const opensAt = reachedAt + ((step.days?.from ?? 1) - 1) * dayMs
    const deadline = step.days === null ? null : reachedAt + step.days.to * dayMs
    if (turn.now < opensAt) {
      turn.wake(opensAt)
      done = false
      continue
    }
    if (workOn(turn, step, { kind: 'task', startedAt: opensAt, deadline }) !== 'done') done = false
  }
  return done
}

function repeat(turn: Turn, step: Phase['during'][number], reachedAt: number, everyMs: number): void {
  const due = Math.floor((turn.now - reachedAt) / everyMs)
  turn.wake(reachedAt + (due + 1) * everyMs)
  const state = turn.state.steps[step.id]
  const place = { kind: 'check', startedAt: turn.now, deadline: null } as const
  if (state?.status === 'running' || state?.status === 'asking') return void workOn(turn, step, place)
  if (due < 1 || (state !== undefined && state.startedAt >= reachedAt + due * everyMs)) return
  if (state?.status === 'failed') {
    turn.emit({ type: 'AlertRaised', alert: `task.${step.id}`, severity: 'high', text: step.name, to: [], value: null })
  }
  if (state !== undefined) turn.emit({ type: 'StepRetried', step: step.id, by: 'dankai' })
  workOn(turn, step, place)
}

function holdIsOver(turn: Turn, phase: Phase, reachedAt: number): boolean {
  if (phase.holdMs === null || turn.running?.heldAt !== null) return true
  const covered = coveredMs(reachedAt, turn.now, turn.state.uncovered)
  if (covered >= phase.holdMs) return true
  const isCounting = turn.state.uncovered.every(span => span.to !== null)
  const until = isCounting ? turn.now + (phase.holdMs - covered) : null
  turn.wait({ kind: 'hold', until, coveredMs: covered, holdMs: phase.holdMs })
  turn.wake(until)
  // What stops the clock, or what will stop the raise, is named too: a person wants to know it before the hold is over.
  if (!isCounting || turn.state.halted !== null) forbidsRaising(turn)
  return false
}

/**
 * Criteria that do not hold, each announced when its answer changes. A harmful comparison goes back; where the splitter
 * can only rise (a store), it freezes, because there is nothing to go back to.
 */
function judgeCriteria(turn: Turn, phase: Phase): readonly Criterion[] {
  const unmet: Criterion[] = []
  const steps = phase.promoteWhen.filter(criterion => criterion.kind === 'step')
  const progress = workTogether(
    turn,
    steps.map(criterion => criterion.step),
    {
      kind: 'criterion',
      startedAt: turn.running?.heldAt ?? turn.now,
      deadline: null,
    },
  )
  if (progress !== 'done') unmet.push(...steps)
  for (const criterion of phase.promoteWhen) {
    if (criterion.kind !== 'condition' || !isAsked(turn, phase, criterion)) continue
    const judgement = judge({ ...turn.input, state: turn.state }, criterion.condition)
    announce(turn, criterion.id, judgement)
    if (judgement.verdict === 'harmful') {
      const because = `shown harmful: ${criterion.condition.text}`
      if (canLower(turn.plan)) {
        startRollback(turn, because, null, null)
        return unmet
      }
      if (turn.state.halted === null) turn.emit({ type: 'Halted', because, rule: null, by: null })
    }
    if (judgement.met === 'yes') continue
    unmet.push(criterion)
    turn.wait({
      kind: 'criterion',
      criterion: criterion.id,
      text: judgement.text,
      met: judgement.met,
      verdict: judgement.verdict,
      value: judgement.value,
      limit: judgement.limit,
      samples: judgement.samples,
      samplesNeeded: judgement.samplesNeeded,
    })
    turn.wake(judgement.metAt)
  }
  return unmet
}

function canLower(plan: CompiledPlan): boolean {
  return plan.hands.every(hand => hand.canLower || hand.role !== 'splitter')
}

/**
 * With everyone exposed there is no concurrent baseline left to compare with, so a criterion against `stable` is not
 * asked at 100 %; the record says so.
 */
function isAsked(turn: Turn, phase: Phase, criterion: Criterion & { kind: 'condition' }): boolean {
  if (phase.exposure.share < 1 || !comparesWithBaseline(criterion.condition)) return true
  return !metricsOf(criterion.condition).every(metric => turn.plan.metrics[metric]?.baseline.kind === 'stable')
}

function announce(turn: Turn, criterion: string, judgement: Judgement): void {
  const verdict = {
    met: judgement.met,
    verdict: judgement.verdict,
  }
  if (turn.state.verdicts[criterion] === verdictKey(verdict)) return
  turn.emit({
    type: 'VerdictChanged',
    criterion,
    text: judgement.text,
    ...verdict,
    value: judgement.value,
    limit: judgement.limit,
    samples: judgement.samples,
  })
}

function becauseOf(turn: Turn, phase: Phase, criterion: Criterion): readonly string[] {
  if (criterion.kind === 'step') return [criterion.step.name]
  if (!isAsked(turn, phase, criterion)) return [`${criterion.condition.text} (not asked: nobody is on the old version)`]
  const judgement = judge({ ...turn.input, state: turn.state }, criterion.condition)
  return [`${criterion.condition.text}${standingOf(criterion.condition, judgement)}`]
}

/** How a criterion stood when the phase was promoted: a person may promote over it, a policy may let it pass. */
function standingOf(condition: Condition, { met, verdict }: Judgement): string {
  if (met !== 'yes') return met === 'no' ? ' (not met)' : ' (not known)'
  return comparesWithBaseline(condition) && verdict !== 'safe' ? ' (not shown harmful)' : ''
}

function handleUnmet(turn: Turn, phase: Phase): void {
  const heldAt = turn.running?.heldAt ?? turn.now
  const { ifNotMet } = phase
  if (ifNotMet.kind === 'wait') return
  const knownUnmet = turn.waits.find(wait => wait.kind === 'criterion' && wait.met === 'no')
  // Missing data never rolls back by itself: only a criterion that answers "no" counts as not met.
  if (knownUnmet === undefined || knownUnmet.kind !== 'criterion') return
  if (ifNotMet.kind === 'rollback') {
    const at = heldAt + ifNotMet.afterMs
    if (turn.now >= at) startRollback(turn, `not met after the hold: ${knownUnmet.text}`, null, null)
    else turn.wake(at)
    return
  }
  const id = `phases.${phase.name}.ifNotMet`
  if (turn.state.rules[id] !== undefined || turn.state.decisions[id] !== undefined) return
  turn.emit({
    type: 'DecisionAsked',
    rule: id,
    because: `not met after the hold: ${knownUnmet.text}`,
    deadline: turn.now + ifNotMet.withinMs,
    otherwise: ifNotMet.otherwise,
  })
}

/** Criteria of the present phase as they stand, for status and dashboards. */
export function criteriaStatus(turn: Turn): readonly CriterionStatus[] {
  const { running } = turn
  const phase = running === null ? undefined : turn.plan.phases[running.phase]
  if (phase === undefined || running?.reachedAt === null) return []
  return phase.promoteWhen.flatMap(criterion => {
    if (criterion.kind === 'step') {
      const isDone = turn.state.steps[criterion.step.id]?.status === 'done'
      return [
        {
          criterion: criterion.id,
          text: criterion.step.name,
          met: isDone ? 'yes' : 'no',
          verdict: null,
          value: null,
          limit: null,
          samples: null,
        } as const,
      ]
    }
    const { met, verdict, value, limit, samples } = judge({ ...turn.input, state: turn.state }, criterion.condition)
    return [{ criterion: criterion.id, text: criterion.condition.text, met, verdict, value, limit, samples }]
  })
}
