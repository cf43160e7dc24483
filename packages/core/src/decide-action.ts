import type { EvidenceReader } from '@dankai/analysis'
import type { CompiledPlan, Step } from '@dankai/plan'
import type { Action, ActionBody, Refusal } from './action.ts'
import type { EventBody } from './event.ts'
import { tellPeople } from './notices.ts'
import { promote } from './phase.ts'
import { indexOf } from './plan-index.ts'
import { metNowRule, startRollback } from './rules.ts'
import type { ReleaseState } from './state.ts'
import { Turn } from './turn.ts'

export interface ActionInput {
  readonly plan: CompiledPlan
  readonly state: ReleaseState
  readonly evidence: EvidenceReader
  readonly action: Action
  readonly now: number
}

export type Acted =
  | { readonly ok: true; readonly events: readonly EventBody[]; readonly state: ReleaseState }
  | { readonly ok: false; readonly refusal: Refusal }

/**
 * What a person asks of a release becomes events, or a refusal that says what stands in the way.
 *
 * Promote overrides holds and criteria, never a gate and never a firing now-rule. Pause stops raising, not watching.
 * Rollback is always possible while the release is live. A stale `expected` is a conflict, so two people acting on the
 * same sight cannot promote two phases.
 */
export function decideAction(input: ActionInput): Acted {
  const turn = new Turn({ ...input, hands: {}, results: [], completedPlans: [] })
  const conflict = conflictOf(turn, input.action)
  if (conflict !== null) return { ok: false, refusal: conflict }
  const refused = perform(turn, input.action, input.action.body)
  if (refused !== null) return { ok: false, refusal: refused }
  tellPeople(turn, 0)
  return { ok: true, events: turn.events, state: turn.state }
}

function conflictOf(turn: Turn, action: Action): Refusal | null {
  const { expected } = action
  if (expected === null) return null
  const phase = turn.running === null ? null : (turn.plan.phases[turn.running.phase]?.name ?? null)
  if (expected.phase !== null && expected.phase !== phase) {
    return refuse(
      turn,
      action,
      'conflict',
      `phase "${phase ?? turn.state.lifecycle.kind}"`,
      `phase "${expected.phase}", which you saw`,
      'Look at the present state, then decide again',
    )
  }
  if (expected.seq !== null && expected.seq !== turn.state.seq) {
    return refuse(
      turn,
      action,
      'conflict',
      `event ${turn.state.seq}`,
      `event ${expected.seq}, which you saw`,
      'Look at the present state, then decide again',
    )
  }
  return null
}

function perform(turn: Turn, action: Action, body: ActionBody): Refusal | null {
  switch (body.type) {
    case 'approve':
      return answerApproval(turn, action, body)
    case 'confirm':
      return answerStep(turn, action, body.step, 'confirmed', body.evidence)
    case 'reject':
      return answerStep(turn, action, body.step, 'rejected', null)
    case 'report':
    case 'withdraw':
      return speakOfSignal(turn, action, body.type, body.signal)
    case 'promote':
      return promoteByHand(turn, action)
    case 'pause':
    case 'resume':
      return pauseOrResume(turn, action, body.type)
    case 'rollback':
      return rollBackByHand(turn, action, body.runbook)
    case 'abort':
      return rollBackByHand(turn, action, 'abort')
    case 'answer':
      return answerQuestion(turn, action, body.rule, body.answer)
    case 'cancel':
      return cancelLatched(turn, action, body.rule)
    case 'retry':
    case 'skip':
      return retryOrSkip(turn, action, body.type, body.step)
    case 'startRunbook':
      return startRunbook(turn, action, body.runbook)
    case 'close':
      return close(turn, action)
  }
}

// ── Gates ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function answerApproval(
  turn: Turn,
  action: Action,
  body: { readonly step: string | null; readonly role: string | null },
): Refusal | null {
  const open = openSteps(turn).filter(step => step.action.verb === 'approve')
  const wanted = open.filter(step => {
    const role = roleOf(step)
    if (body.step !== null) return step.id === body.step || step.name === body.step
    return body.role === null ? mayActAs(action, role) : role === body.role
  })
  const step = wanted[0]
  if (step === undefined) {
    const asked = open.map(candidate => roleOf(candidate)).join(', ') || 'none'
    return refuse(
      turn,
      action,
      'not possible',
      `open approvals: ${asked}`,
      `an open approval${body.role === null ? '' : ` of "${body.role}"`}`,
      'See what the release waits for with "dankai status"',
    )
  }
  const role = roleOf(step)
  if (!mayActAs(action, role)) return refuseRole(turn, action, role)
  if (turn.state.steps[step.id]?.answers.some(answer => answer.by === action.by)) {
    return refuse(
      turn,
      action,
      'not possible',
      `an approval by "${action.by}" already`,
      'another person',
      'Four eyes are two people, not two keys',
    )
  }
  turn.emit({ type: 'GateAnswered', step: step.id, by: action.by, answer: 'approved', why: action.why, evidence: null })
  return null
}

function answerStep(
  turn: Turn,
  action: Action,
  name: string,
  answer: 'confirmed' | 'rejected',
  evidence: string | null,
): Refusal | null {
  const found = findOpenStep(turn, action, name)
  if ('code' in found) return found
  const role = roleOf(found)
  if (!mayActAs(action, role)) return refuseRole(turn, action, role)
  if (answer === 'confirmed' && found.action.verb === 'approve') {
    return refuse(turn, action, 'not possible', `an approval of "${role}"`, 'a confirmation', 'Use "dankai approve"')
  }
  turn.emit({ type: 'GateAnswered', step: found.id, by: action.by, answer, why: action.why, evidence })
  return null
}

/** By id, by name, or by a part of the name that fits only one. */
function findOpenStep(turn: Turn, action: Action, name: string): Step | Refusal {
  const open = openSteps(turn)
  const exact = open.filter(step => step.id === name || step.name === name)
  const found = exact.length > 0 ? exact : open.filter(step => step.name.includes(name))
  const [only] = found
  if (only !== undefined && found.length === 1) return only
  const names =
    open
      .slice(0, 20)
      .map(step => `"${step.name}"`)
      .join(', ') || 'none'
  return refuse(
    turn,
    action,
    'unknown',
    `open steps: ${names}`,
    `one open step called "${name}"`,
    'Give its whole name or its id',
  )
}

/** Steps a person may answer now. */
function openSteps(turn: Turn): readonly Step[] {
  return Object.entries(turn.state.steps).flatMap(([id, state]) => {
    const step = indexOf(turn.plan).steps.get(id)
    return step !== undefined && state.status === 'asking' ? [step] : []
  })
}

function roleOf(step: Step): string | null {
  if (step.action.verb === 'approve') return step.action.role
  return step.by ?? (step.onFail.kind === 'ask' ? step.onFail.role : null)
}

function mayActAs(action: Action, role: string | null): boolean {
  return role === null || action.roles.includes('admin') || action.roles.includes(role)
}

function refuseRole(turn: Turn, action: Action, role: string | null): Refusal {
  return refuse(
    turn,
    action,
    'not allowed',
    `roles ${action.roles.join(', ') || 'none'} of "${action.by}"`,
    `role "${role ?? ''}"`,
    'Ask a person of that role',
  )
}

// ── Signals, pause, promote ─────────────────────────────────────────────────────────────────────────────────────────

function speakOfSignal(turn: Turn, action: Action, type: 'report' | 'withdraw', signal: string): Refusal | null {
  if (!Object.hasOwn(turn.plan.signals, signal)) {
    const known = Object.keys(turn.plan.signals).join(', ') || 'none'
    return refuse(turn, action, 'unknown', `signal "${signal}"`, `one of ${known}`, 'Check the spelling')
  }
  if (action.why === null || action.why.trim() === '') {
    return refuse(turn, action, 'not possible', 'no reason', 'why, in a sentence for the record', 'Add --why')
  }
  const by = action.by
  turn.emit({ type: type === 'report' ? 'SignalReported' : 'SignalWithdrawn', signal, by, why: action.why })
  return null
}

function promoteByHand(turn: Turn, action: Action): Refusal | null {
  const { running } = turn
  const phase = running === null ? undefined : turn.plan.phases[running.phase]
  if (running === null || phase === undefined || running.reachedAt === null || running.promotedAt !== null) {
    return refuse(
      turn,
      action,
      'not possible',
      stageOf(turn),
      'a phase whose exposure is confirmed',
      'Gates cannot be promoted over; answer them',
    )
  }
  const rule = metNowRule(turn)
  if (rule !== null) {
    return refuse(
      turn,
      action,
      'not possible',
      `rule "${rule.name}" firing`,
      'no rule that rolls back now',
      'Find out why it fires',
    )
  }
  if (turn.state.paused !== null)
    return refuse(turn, action, 'not possible', 'a paused release', 'a release that is not paused', 'Resume it first')
  promote(turn, phase, action.by)
  return null
}

function pauseOrResume(turn: Turn, action: Action, type: 'pause' | 'resume'): Refusal | null {
  if (!isLive(turn))
    return refuse(
      turn,
      action,
      'not possible',
      stageOf(turn),
      'a release that can still go forward',
      'A new start is a new release',
    )
  const isStopped = turn.state.paused !== null || (type === 'resume' && turn.state.halted !== null)
  if ((type === 'pause') === isStopped) {
    return refuse(
      turn,
      action,
      'not possible',
      isStopped ? 'it paused already' : 'it running',
      isStopped ? 'it running' : 'it paused',
      'Nothing needs doing',
    )
  }
  turn.emit({ type: type === 'pause' ? 'Paused' : 'Resumed', by: action.by, why: action.why })
  return null
}

// ── Going back ──────────────────────────────────────────────────────────────────────────────────────────────────────

function rollBackByHand(turn: Turn, action: Action, runbook: string | null): Refusal | null {
  if (!isLive(turn))
    return refuse(
      turn,
      action,
      'not possible',
      stageOf(turn),
      'a release that is starting or running',
      'Rolling back happens once; a new start is a new release',
    )
  if (runbook !== null && runbook !== 'abort' && !Object.hasOwn(turn.plan.runbooks, runbook)) {
    const known = Object.keys(turn.plan.runbooks).join(', ') || 'none'
    return refuse(turn, action, 'unknown', `runbook "${runbook}"`, `one of ${known}`, 'Check the spelling')
  }
  startRollback(turn, action.why ?? `asked by ${action.by}`, null, action.by, runbook)
  return null
}

function answerQuestion(
  turn: Turn,
  action: Action,
  rule: string | null,
  answer: 'rollback' | 'continue',
): Refusal | null {
  const open = Object.keys(turn.state.decisions)
  const id =
    rule === null
      ? open[0]
      : open.find(candidate => candidate === rule || indexOf(turn.plan).rules.get(candidate)?.name === rule)
  if (id === undefined || (rule === null && open.length > 1)) {
    return refuse(
      turn,
      action,
      'not possible',
      `open questions: ${open.join(', ') || 'none'}`,
      'one open question',
      'Name the rule to answer',
    )
  }
  const because = turn.state.decisions[id]?.because ?? ''
  turn.emit({ type: 'DecisionAnswered', rule: id, answer, by: action.by, why: action.why })
  if (answer === 'rollback') startRollback(turn, because, id, action.by)
  return null
}

function cancelLatched(turn: Turn, action: Action, rule: string): Refusal | null {
  const id = Object.keys(turn.state.rules).find(
    candidate => candidate === rule || indexOf(turn.plan).rules.get(candidate)?.name === rule,
  )
  if (id === undefined || turn.state.rules[id]?.rollbackAt == null) {
    return refuse(
      turn,
      action,
      'not possible',
      `no latched rule "${rule}"`,
      'a rule that rolls back within a time',
      'See the open ones with "dankai status"',
    )
  }
  if (action.why === null)
    return refuse(turn, action, 'not possible', 'no reason', 'why the rollback is not needed', 'Add --why')
  turn.emit({ type: 'ActionTaken', action: 'cancel', by: action.by, why: action.why, subject: id })
  return null
}

/** Skipping is for runbooks: a gate that failed is repeated or answered, never passed over. */
function retryOrSkip(turn: Turn, action: Action, type: 'retry' | 'skip', name: string): Refusal | null {
  const failed = Object.entries(turn.state.steps).flatMap(([id, state]) => {
    const step = indexOf(turn.plan).steps.get(id)
    const isOpen =
      state.status === 'stuck' ||
      (state.status === 'asking' && step?.action.verb !== 'confirm' && step?.action.verb !== 'approve')
    return step !== undefined && isOpen ? [step] : []
  })
  const found = failed.filter(step => step.id === name || step.name === name || step.name.includes(name))
  const [step] = found
  if (step === undefined || found.length > 1) {
    const names = failed.map(candidate => `"${candidate.name}"`).join(', ') || 'none'
    return refuse(
      turn,
      action,
      'unknown',
      `failed steps: ${names}`,
      `one failed step called "${name}"`,
      'Give its whole name or its id',
    )
  }
  if (type === 'retry') {
    turn.emit({ type: 'StepRetried', step: step.id, by: action.by })
    return null
  }
  if (!indexOf(turn.plan).runbookSteps.has(step.id)) {
    return refuse(
      turn,
      action,
      'not allowed',
      `gate "${step.name}"`,
      'a step of a runbook',
      'A gate is never skipped: repair the cause and retry',
    )
  }
  turn.emit({
    type: 'StepEnded',
    step: step.id,
    run: turn.state.steps[step.id]?.run ?? 1,
    outcome: 'skipped',
    detail: action.why,
    by: action.by,
  })
  return null
}

function startRunbook(turn: Turn, action: Action, runbook: string): Refusal | null {
  if (!Object.hasOwn(turn.plan.runbooks, runbook)) {
    const known = Object.keys(turn.plan.runbooks).join(', ') || 'none'
    return refuse(turn, action, 'unknown', `runbook "${runbook}"`, `one of ${known}`, 'Check the spelling')
  }
  turn.emit({ type: 'RunbookStarted', runbook, by: action.by })
  return null
}

function close(turn: Turn, action: Action): Refusal | null {
  const { running } = turn
  const phase = running === null ? undefined : turn.plan.phases[running.phase]
  if (phase === undefined || phase.holdMs !== null || running?.heldAt == null) {
    return refuse(
      turn,
      action,
      'not possible',
      stageOf(turn),
      'a phase that is held open until a person closes it',
      'Other phases end by themselves',
    )
  }
  const unmet = Object.entries(turn.state.verdicts).filter(([, verdict]) => !verdict.startsWith('yes'))
  if (unmet.length > 0) {
    return refuse(
      turn,
      action,
      'not possible',
      `criteria not met: ${unmet.map(([id]) => id).join(', ')}`,
      'every criterion met',
      'See them with "dankai status"',
    )
  }
  promote(turn, phase, action.by)
  return null
}

function isLive(turn: Turn): boolean {
  return turn.state.lifecycle.kind === 'starting' || turn.running !== null
}

function stageOf(turn: Turn): string {
  const phase = turn.running === null ? undefined : turn.plan.phases[turn.running.phase]
  return phase === undefined ? `release ${turn.state.lifecycle.kind}` : `phase "${phase.name}"`
}

function refuse(
  turn: Turn,
  action: Action,
  code: Refusal['code'],
  found: string,
  expected: string,
  next: string,
): Refusal {
  return {
    code,
    message: `Cannot ${action.body.type} "${turn.plan.name}": found ${found}, expected ${expected}. ${next}.`,
  }
}
