import type { Expectation, Step } from '@dankai/plan'
import type { CommandOutput, CommandResult } from './command.ts'
import { commandFor } from './command-for.ts'
import { judge } from './judge.ts'
import { childrenOf, indexOf } from './plan-index.ts'
import type { StepState } from './state.ts'
import type { Turn } from './turn.ts'

/**
 * Works on steps: gates, checklists, runbooks, checks and follow-ups are all lists of steps.
 *
 *   idle ▶ running ▶ done
 *             ├▶ asking ▶ done            a person is asked
 *             └▶ failed ▶ running …       tried again by itself (rollback and checks only)
 *                   └▶ stuck ▶ idle | skipped   a person retries or skips
 *
 * Invariants
 *  1. In a gate nothing after a step begins before that step is done; `skipped` needs a person, a label or `optional`.
 *  2. In a rollback a stuck or overdue step lets the next *group* go on; the outcome is then "incomplete".
 *  3. A deadline never stops a step: it raises an alert, and the clock of the record shows both times.
 */
export type Progress = 'done' | 'waiting' | 'open'

export interface Workplace {
  readonly kind: 'gate' | 'rollback' | 'criterion' | 'check' | 'task'
  /** What `within` counts from. */
  readonly startedAt: number
  readonly deadline: number | null
}

/** Between two starts of a step that failed in a rollback or as a criterion: long enough for a restart, short against 5 min. */
const retryEveryMs = 30_000
/** Starts of a failing rollback step that has no deadline. */
const failuresWithoutDeadline = 3

/** One after the other. */
export function workInOrder(turn: Turn, steps: readonly Step[], place: Workplace): Progress {
  let progress: Progress = 'done'
  for (const step of steps) {
    const own = workOn(turn, step, place)
    if (own === 'waiting') return 'waiting'
    if (own === 'open') {
      progress = 'open'
      if (place.kind !== 'rollback') return 'open'
    }
  }
  return progress
}

/** All at once; order does not matter (a checklist). */
export function workTogether(turn: Turn, steps: readonly Step[], place: Workplace): Progress {
  const all = steps.map(step => workOn(turn, step, place))
  if (all.includes('waiting')) return 'waiting'
  return all.includes('open') ? 'open' : 'done'
}

export function workOn(turn: Turn, step: Step, place: Workplace): Progress {
  if (!turn.applies(step)) return 'done'
  const before = turn.state.steps[step.id]
  if (before?.status === 'done' || before?.status === 'skipped') return 'done'
  const startedAt = before === undefined || before.status === 'idle' ? turn.now : before.startedAt
  const deadline = deadlineOf(step, place, startedAt)
  if (childrenOf(step.action).length > 0) return workOnGroup(turn, step, place, deadline)
  if (before === undefined || before.status === 'idle') begin(turn, step, deadline)
  const progress = continueStep(turn, step, place, deadline)
  if (progress !== 'done') watchDeadline(turn, step, deadline)
  if (step.optional && progress !== 'done') return 'done'
  return isLate(turn, deadline) && place.kind === 'rollback' && progress === 'waiting' ? 'open' : progress
}

/** Earliest of the workplace's, the step's `within` and its own `takes`. */
function deadlineOf(step: Step, place: Workplace, startedAt: number): number | null {
  const times = [
    place.deadline,
    step.withinMs === null ? null : place.startedAt + step.withinMs,
    step.takesMs === null ? null : startedAt + step.takesMs,
  ].filter(time => time !== null)
  return times.length === 0 ? null : Math.min(...times)
}

function isLate(turn: Turn, deadline: number | null): boolean {
  return deadline !== null && turn.now >= deadline
}

function workOnGroup(turn: Turn, step: Step, place: Workplace, deadline: number | null): Progress {
  const before = turn.state.steps[step.id]
  if (before === undefined || before.status === 'idle')
    turn.emit({ type: 'StepStarted', step: step.id, run: (before?.run ?? 0) + 1, command: null })
  const inside = { ...place, deadline }
  const children = childrenOf(step.action)
  const progress =
    step.action.verb === 'checklist' ? workTogether(turn, children, inside) : workInGroup(turn, children, inside)
  if (progress === 'done') end(turn, step, 'done', null)
  else watchDeadline(turn, step, deadline)
  return progress === 'waiting' && place.kind === 'rollback' && isLate(turn, deadline) ? 'open' : progress
}

/** Inside a group order holds even in a rollback: what follows a stuck step may depend on it. */
function workInGroup(turn: Turn, steps: readonly Step[], place: Workplace): Progress {
  for (const step of steps) {
    const progress = workOn(turn, step, place)
    if (progress !== 'done') return progress
  }
  return 'done'
}

function begin(turn: Turn, step: Step, deadline: number | null): void {
  const run = (turn.state.steps[step.id]?.run ?? 0) + 1
  // What begins late still has to be done: its command must not be born expired.
  const expiresAt = isLate(turn, deadline) ? null : deadline
  turn.emit({
    type: 'StepStarted',
    step: step.id,
    run,
    command: commandFor(turn.plan, turn.state, step, run, expiresAt),
  })
  const { action } = step
  if (action.verb === 'confirm') turn.emit({ type: 'GateOpened', step: step.id, asks: 'confirmation', of: step.by })
  if (action.verb === 'approve') turn.emit({ type: 'GateOpened', step: step.id, asks: 'approval', of: action.role })
}

function end(
  turn: Turn,
  step: Step,
  outcome: 'done' | 'failed' | 'skipped',
  detail: string | null,
  by: string | null = null,
): void {
  const run = turn.state.steps[step.id]?.run ?? 1
  turn.emit({ type: 'StepEnded', step: step.id, run, outcome, detail, by })
}

function continueStep(turn: Turn, step: Step, place: Workplace, deadline: number | null): Progress {
  const state = turn.state.steps[step.id]
  if (state === undefined) return 'waiting'
  if (state.status === 'failed') return continueFailed(turn, step, state, place, deadline)
  if (state.status === 'stuck') return stuck(turn, step, state)
  const { action } = step
  switch (action.verb) {
    case 'confirm':
      if (state.answers.length > 0) return settle(turn, step, state.answers.at(-1)?.by ?? null)
      turn.wait({ kind: 'confirmation', step: step.id, name: step.name, by: step.by, deadline })
      remind(turn, step, state)
      return 'waiting'
    case 'approve': {
      const have = new Set(state.answers.map(answer => answer.by)).size
      if (have >= action.count) return settle(turn, step, state.answers.at(-1)?.by ?? null)
      turn.wait({ kind: 'approval', step: step.id, role: action.role, have, need: action.count })
      remind(turn, step, state)
      return 'waiting'
    }
    case 'check':
      return continueCheck(turn, step, place, deadline)
    case 'wait':
      if (turn.now >= state.startedAt + action.ms) return settle(turn, step, null)
      turn.wait({ kind: 'time', step: step.id, until: state.startedAt + action.ms })
      turn.wake(state.startedAt + action.ms)
      return 'waiting'
    case 'needs':
      if (turn.input.completedPlans.includes(action.plan)) return settle(turn, step, null)
      turn.wait({ kind: 'plan', plan: action.plan })
      return 'waiting'
    case 'expose':
      return continueExpose(turn, step, action.share)
    default:
      if (state.status === 'asking') return askAfterFailure(turn, step, state)
      turn.wait({ kind: 'step', step: step.id, name: step.name, deadline })
      return 'waiting'
  }
}

const hourMs = 3_600_000

/** After 1 h, after 4 h, and then every day. */
function reminderDueMs(times: number): number {
  return times < 2 ? [hourMs, 4 * hourMs][times]! : (times - 1) * 24 * hourMs
}

/** Time in which nobody decided at all brings one reminder, not those that were missed. */
function remind(turn: Turn, step: Step, { startedAt, reminded = 0 }: StepState): void {
  let times = reminded
  while (turn.now >= startedAt + reminderDueMs(times)) times++
  if (times > reminded) turn.emit({ type: 'GateReminded', step: step.id, times })
  turn.wake(startedAt + reminderDueMs(times))
}

function settle(turn: Turn, step: Step, by: string | null): Progress {
  end(turn, step, 'done', null, by)
  return 'done'
}

function continueCheck(turn: Turn, step: Step, place: Workplace, deadline: number | null): Progress {
  if (step.action.verb !== 'check') return 'done'
  const judgements = step.action.conditions.map(condition => judge({ ...turn.input, state: turn.state }, condition))
  if (judgements.every(judgement => judgement.met === 'yes')) return settle(turn, step, null)
  const unmet = judgements.find(judgement => judgement.met !== 'yes')
  if (place.kind === 'rollback' && isLate(turn, deadline)) {
    const detail = `${unmet?.text ?? step.name}: ${unmet?.value ?? 'no data'}`
    turn.emit({ type: 'RunbookStepFailed', step: step.id, name: step.name, detail })
    return 'open'
  }
  for (const judgement of judgements) {
    if (judgement.met === 'yes') continue
    turn.wait({
      kind: 'criterion',
      criterion: step.id,
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
  return 'waiting'
}

/** Lowering inside a runbook. Raising is what phases are for, so a share above the present one is reached already. */
function continueExpose(turn: Turn, step: Step, share: number): Progress {
  const { desired, reached, generation } = turn.state.exposure
  const isThere = desired.share <= share && (share > 0 || (desired.cohorts.length === 0 && !desired.shadow))
  if (isThere && reached) return settle(turn, step, null)
  if (!isThere) {
    turn.emit({
      type: 'ExposureChanged',
      exposure: { share, cohorts: share > 0 ? desired.cohorts : [], shadow: false },
      generation: generation + 1,
      direction: 'lower',
    })
  }
  turn.wait({ kind: 'step', step: step.id, name: step.name, deadline: null })
  return 'waiting'
}

function continueFailed(turn: Turn, step: Step, state: StepState, place: Workplace, deadline: number | null): Progress {
  if (step.optional) {
    end(turn, step, 'skipped', state.detail)
    return 'done'
  }
  if (place.kind === 'rollback' || place.kind === 'criterion') return retryFailed(turn, step, state, place, deadline)
  if (place.kind === 'check') return 'open'
  turn.emit({
    type: 'GateOpened',
    step: step.id,
    asks: step.onFail.kind === 'ask' ? 'decision after a failure' : 'retry or skip',
    of: step.onFail.kind === 'ask' ? step.onFail.role : null,
  })
  return askAfterFailure(turn, step, state)
}

function retryFailed(turn: Turn, step: Step, state: StepState, place: Workplace, deadline: number | null): Progress {
  const retryAt = (state.endedAt ?? turn.now) + retryEveryMs
  const mayRetry =
    deadline === null ? place.kind === 'criterion' || state.failures < failuresWithoutDeadline : retryAt < deadline
  if (!mayRetry || step.onFail.kind === 'ask') {
    turn.emit({ type: 'RunbookStepFailed', step: step.id, name: step.name, detail: state.detail ?? 'failed' })
    return stuck(turn, step, state)
  }
  if (turn.now >= retryAt) {
    begin(turn, step, deadline)
    return 'waiting'
  }
  turn.wait({ kind: 'step', step: step.id, name: step.name, deadline })
  turn.wake(retryAt)
  return 'waiting'
}

function askAfterFailure(turn: Turn, step: Step, state: StepState): Progress {
  if (state.answers.length > 0) return settle(turn, step, state.answers.at(-1)?.by ?? null)
  return stuck(turn, step, state)
}

function stuck(turn: Turn, step: Step, state: StepState): Progress {
  turn.wait({ kind: 'retryOrSkip', step: step.id, name: step.name, detail: state.detail ?? '' })
  return 'open'
}

/** Both clocks go into the record: the step keeps running, an alert says it is late, once. */
function watchDeadline(turn: Turn, step: Step, deadline: number | null): void {
  if (deadline === null) return
  const alert = `deadline.${step.id}`
  if (turn.now < deadline) turn.wake(deadline)
  else if (turn.state.alerts[alert] === undefined) {
    turn.emit({ type: 'AlertRaised', alert, severity: 'high', text: step.name, to: [], value: null })
  }
}

// ── Results of commands ─────────────────────────────────────────────────────────────────────────────────────────────

/** Turns what the executor reported into StepEnded. A result of an older run, or of a step nobody waits for, is ignored. */
export function foldResults(turn: Turn): void {
  for (const result of turn.input.results) {
    const [stepId = '', run = '0'] = splitSlot(result.slot)
    const state = turn.state.steps[stepId]
    if (state === undefined || state.run !== Number(run) || state.status !== 'running') continue
    const step = indexOf(turn.plan).steps.get(stepId)
    const failure = failureOf(result, step?.expect ?? null)
    turn.emit({
      type: 'StepEnded',
      step: stepId,
      run: state.run,
      outcome: failure === null ? 'done' : result.outcome === 'ambiguous' ? 'ambiguous' : 'failed',
      detail: failure ?? (step?.keep ? (result.output?.text ?? null) : null),
      by: null,
    })
  }
}

function splitSlot(slot: string): readonly string[] {
  const at = slot.lastIndexOf('#')
  return [slot.slice(0, at), slot.slice(at + 1)]
}

/** null when the step did what was expected. */
function failureOf(result: CommandResult, expect: Expectation | null): string | null {
  if (result.outcome !== 'succeeded') return result.detail ?? result.outcome
  return expect === null ? null : unmetExpectation(expect, result.output)
}

function unmetExpectation(expect: Expectation, output: CommandOutput | null): string | null {
  const rows = output?.rows ?? 0
  switch (expect.kind) {
    case 'rows':
      return rows > 0 ? null : 'found no rows, expected rows'
    case 'noRows':
      return rows === 0 ? null : `found ${rows} rows, expected no rows`
    case 'status':
      return output?.status === expect.status
        ? null
        : `found status ${output?.status ?? 'none'}, expected ${expect.status}`
    case 'text':
      return output?.text.includes(expect.text) ? null : `found other output, expected "${expect.text}"`
    case 'compare': {
      const found = output?.fields[expect.field]
      const isMet = found !== undefined && compares(found, expect.op, expect.value)
      return isMet
        ? null
        : `found ${expect.field} = ${found ?? 'nothing'}, expected ${expect.field} ${expect.op} ${expect.value}`
    }
  }
}

function compares(found: number, op: '<' | '<=' | '>' | '>=' | '=', value: number): boolean {
  switch (op) {
    case '<':
      return found < value
    case '<=':
      return found <= value
    case '>':
      return found > value
    case '>=':
      return found >= value
    case '=':
      return found === value
  }
}
