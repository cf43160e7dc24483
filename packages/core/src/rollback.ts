import type { CompiledPlan, Step } from '@dankai/plan'
import { isExposed } from './exposure.ts'
import { workInOrder, workTogether } from './steps.ts'
import type { Turn } from './turn.ts'

/**
 * The way back: lower every hand, work through the runbook, verify, close.
 *
 * Invariants
 *  1. Rolled back needs every hand at its floor, read back twice.
 *  2. Follow-ups open when the rollback starts and block nothing.
 *  3. With a step stuck the release ends as incomplete; a person may still retry or skip it, which completes it.
 */
export function goBack(turn: Turn): void {
  const { lifecycle } = turn.state
  if (lifecycle.kind === 'rolledBack' && !lifecycle.complete) return completeLate(turn, lifecycle)
  if (lifecycle.kind !== 'rollingBack') return
  confirmFloor(turn)
  const steps = runbookOf(turn.plan, lifecycle.runbook)
  const progress = workInOrder(turn, steps, { kind: 'rollback', startedAt: lifecycle.startedAt, deadline: null })
  const isLowered = turn.state.exposure.reached && !isExposed(turn.state.exposure.desired)
  if (progress === 'waiting' || !isLowered) return
  if (turn.plan.hands.some(hand => floorOf(turn, hand.id) > 0)) {
    turn.emit({ type: 'Contained', exposure: turn.state.exposure.previous })
    return
  }
  turn.emit({ type: 'RolledBack', complete: progress === 'done' })
}

/** Follow-up tasks, from the start of the rollback until they are done, after the end of the release too. */
export function followUp(turn: Turn): void {
  const { lifecycle } = turn.state
  if (lifecycle.kind !== 'rollingBack' && lifecycle.kind !== 'rolledBack' && lifecycle.kind !== 'contained') return
  const startedAt = lifecycle.kind === 'contained' ? followUpStart(turn) : lifecycle.startedAt
  for (const step of turn.plan.followUp) {
    if (turn.state.steps[step.id] === undefined && turn.applies(step)) {
      turn.emit({
        type: 'FollowUpOpened',
        step: step.id,
        deadline: step.withinMs === null ? null : startedAt + step.withinMs,
      })
    }
  }
  const before = turn.waits
  workTogether(turn, turn.plan.followUp, { kind: 'task', startedAt, deadline: null })
  // They are shown as tasks, never as what the rollback waits for.
  turn.waits = lifecycle.kind === 'rollingBack' ? before : turn.waits
}

/** Runbooks a person started, from an alert or by hand; they run beside whatever the release does. */
export function workOnRunbooks(turn: Turn): void {
  for (const [name, { startedAt }] of Object.entries(turn.state.runbooks)) {
    workInOrder(turn, turn.plan.runbooks[name] ?? [], { kind: 'rollback', startedAt, deadline: null })
  }
}

export function runbookOf(plan: CompiledPlan, runbook: string | null): readonly Step[] {
  if (runbook === 'abort') return []
  return runbook === null ? plan.rollback : (plan.runbooks[runbook] ?? plan.rollback)
}

function followUpStart(turn: Turn): number {
  const times = turn.plan.followUp.map(step => turn.state.steps[step.id]?.startedAt).filter(time => time !== undefined)
  return times.length === 0 ? turn.now : Math.min(...times)
}

/** Every hand of this generation at its floor in two readings; a lowering is retried for ever elsewhere. */
function confirmFloor(turn: Turn): void {
  const { exposure } = turn.state
  if (exposure.reached) return
  let isThere = true
  for (const hand of turn.plan.hands) {
    const reading = turn.input.hands[hand.id]
    const isCurrent = reading !== undefined && reading.generation === exposure.generation
    if (isCurrent && reading.reached && reading.readings >= 2) continue
    isThere = false
    turn.wait({
      kind: 'exposure',
      hand: hand.id,
      desired: exposure.desired.share,
      observed: reading?.share ?? null,
      problem: reading?.problem ?? null,
    })
  }
  if (isThere) turn.emit({ type: 'ExposureReached', generation: exposure.generation })
}

function floorOf(turn: Turn, hand: string): number {
  return turn.input.hands[hand]?.floor ?? 0
}

/** After an incomplete end a person may still retry or skip what is stuck. */
function completeLate(turn: Turn, ended: { readonly startedAt: number; readonly runbook: string | null }): void {
  const steps = runbookOf(turn.plan, ended.runbook)
  if (workInOrder(turn, steps, { kind: 'rollback', startedAt: ended.startedAt, deadline: null }) === 'done') {
    turn.emit({ type: 'RolledBack', complete: true })
  }
}
