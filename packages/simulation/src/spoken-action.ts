import type { ActionBody, ReleaseState } from '@dankai/core'
import { findStep, stepsOf } from '@dankai/insight'
import type { CompiledPlan } from '@dankai/plan'

export type SpokenAction =
  | { readonly ok: true; readonly body: ActionBody }
  | { readonly ok: false; readonly message: string }

const words = [
  'approve [STEP or ROLE]',
  'confirm [STEP]',
  'reject [STEP]',
  'report SIGNAL',
  'withdraw SIGNAL',
  'promote',
  'pause',
  'resume',
  'rollback [RUNBOOK]',
  'abort',
  'continue',
  'answer rollback',
  'cancel [RULE]',
  'retry [STEP]',
  'skip [STEP]',
  'start RUNBOOK',
  'close',
].join(', ')

/**
 * What a person of a script does, in words. A step may be named by its name, id or command; without a name it is the
 * one that waits for such an answer at that moment.
 */
export function readSpokenAction(does: string, plan: CompiledPlan, state: ReleaseState): SpokenAction {
  const [, verb = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(does.trim()) ?? []
  const object = rest.replace(/^["「](.*)["」]$/s, '$1').trim()
  const step = (status: readonly string[], then: (id: string) => ActionBody): SpokenAction => {
    const id = findTarget(plan, state, object, status)
    return id === null
      ? refuse(does, `no step that waits for it${object ? ` called "${object}"` : ''}`)
      : { ok: true, body: then(id) }
  }
  switch (verb) {
    case 'approve':
      return isRole(plan, object)
        ? { ok: true, body: { type: 'approve', step: null, role: object } }
        : step(['asking'], id => ({ type: 'approve', step: id, role: null }))
    case 'confirm':
      return step(['asking', 'stuck'], id => ({ type: 'confirm', step: id, evidence: null }))
    case 'reject':
      return step(['asking'], id => ({ type: 'reject', step: id }))
    case 'retry':
      return step(['stuck', 'failed', 'asking'], id => ({ type: 'retry', step: id }))
    case 'skip':
      return step(['stuck', 'failed', 'asking'], id => ({ type: 'skip', step: id }))
    case 'report':
    case 'withdraw':
      return plan.signals[object] === undefined
        ? refuse(does, `signal "${object}"`)
        : { ok: true, body: { type: verb, signal: object } }
    case 'promote':
    case 'pause':
    case 'resume':
    case 'abort':
    case 'close':
      return { ok: true, body: { type: verb } }
    case 'rollback':
      return { ok: true, body: { type: 'rollback', runbook: object === '' ? null : object } }
    case 'start':
      return { ok: true, body: { type: 'startRunbook', runbook: object } }
    case 'continue':
      return { ok: true, body: { type: 'answer', rule: null, answer: 'continue' } }
    case 'answer':
      return object === 'rollback' || object === 'continue'
        ? { ok: true, body: { type: 'answer', rule: null, answer: object } }
        : refuse(does, `answer "${object}"`)
    case 'cancel':
      return cancelRule(does, object, plan, state)
    default:
      return refuse(does, `"${verb}"`)
  }
}

function cancelRule(does: string, object: string, plan: CompiledPlan, state: ReleaseState): SpokenAction {
  const latched = Object.entries(state.rules).filter(([, rule]) => rule.rollbackAt !== null)
  const named = plan.rules.find(rule => rule.name === object || rule.id === object)
  const rule = named?.id ?? (object === '' ? latched[0]?.[0] : undefined)
  return rule === undefined ? refuse(does, `no latched rule "${object}"`) : { ok: true, body: { type: 'cancel', rule } }
}

function isRole(plan: CompiledPlan, object: string): boolean {
  return stepsOf(plan).some(({ action }) => action.verb === 'approve' && action.role === object)
}

function findTarget(plan: CompiledPlan, state: ReleaseState, object: string, status: readonly string[]): string | null {
  const waiting = Object.entries(state.steps).filter(([, step]) => status.includes(step.status))
  if (object === '') return waiting[0]?.[0] ?? null
  return waiting.find(([id]) => id === object || isCalled(plan, id, object))?.[0] ?? null
}

function isCalled(plan: CompiledPlan, id: string, object: string): boolean {
  const step = findStep(plan, id)
  if (!step) return false
  const { action } = step
  return (
    step.name === object ||
    (action.verb === 'run' && action.command === object) ||
    (action.verb === 'confirm' && action.sentence === object)
  )
}

function refuse(does: string, found: string): SpokenAction {
  return {
    ok: false,
    message: `Cannot do "${does}": found ${found}, expected one of ${words}. Write what the person would do with the command line.`,
  }
}
