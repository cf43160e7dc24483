import type { AlertRule } from '@dankai/plan'
import { levelOf } from './exposure.ts'
import { judge } from './judge.ts'
import { indexOf } from './plan-index.ts'
import type { Turn } from './turn.ts'

/**
 * What is watched beside the rules: missing data, drift of hands, alerts.
 *
 * Missing data is never a pass and never a trigger: it stops the clock, warns at once and alarms after five minutes.
 */
const missingIsCriticalAfterMs = 300_000

export function watchData(turn: Turn): void {
  const { running } = turn
  if (running === null || running.reachedAt === null) return
  const watched = indexOf(turn.plan).metricsOfPhase[running.phase]
  const missing = new Map(turn.input.evidence.missing().map(({ metric, since }) => [metric, since]))
  for (const [metric, since] of missing) {
    if (!watched?.has(metric)) continue
    if (turn.state.missing[metric] === undefined) {
      turn.emit({ type: 'DataMissing', metric, since: Math.max(since, running.reachedAt) })
      raiseOnce(turn, `data.${metric}`, 'warning', `no data for ${metric}`)
    }
  }
  for (const [metric, since] of Object.entries(turn.state.missing)) {
    if (missing.has(metric)) {
      const alarmAt = since + missingIsCriticalAfterMs
      if (turn.now < alarmAt) turn.wake(alarmAt)
      else raiseOnce(turn, `data.${metric}.critical`, 'critical', `no data for ${metric}`)
      continue
    }
    turn.emit({ type: 'DataRestored', metric, since, until: turn.input.evidence.restoredAt(metric) ?? turn.now })
    clear(turn, `data.${metric}`)
    clear(turn, `data.${metric}.critical`)
  }
}

/** A hand above what is desired is lowered by the reconciler; below, a person decides. Both hold the release. */
export function watchDrift(turn: Turn): void {
  const { exposure } = turn.state
  if (turn.running === null || !exposure.reached) return
  for (const hand of turn.plan.hands) {
    const reading = turn.input.hands[hand.id]
    if (reading === undefined || reading.generation !== exposure.generation) continue
    const isDrifting = !reading.reached
    const isKnown = turn.state.drift[hand.id] !== undefined
    if (isDrifting && !isKnown) {
      turn.emit({ type: 'DriftSeen', hand: hand.id, observed: reading.share, desired: levelOf(exposure.desired) })
      raiseOnce(turn, `drift.${hand.id}`, 'high', reading.problem ?? `${hand.id} is not at what is desired`)
    }
    if (!isDrifting && isKnown) {
      turn.emit({ type: 'DriftEnded', hand: hand.id })
      clear(turn, `drift.${hand.id}`)
    }
  }
}

/** The plan's own alerts. They go on while rolling back. */
export function watchAlerts(turn: Turn): void {
  const { lifecycle } = turn.state
  if (lifecycle.kind !== 'running' && lifecycle.kind !== 'rollingBack') return
  const phase = lifecycle.kind === 'running' ? lifecycle.phase : lifecycle.fromPhase
  for (const alert of turn.plan.alerts) if (alert.phase === null || alert.phase === phase) watchAlert(turn, alert)
}

function watchAlert(turn: Turn, alert: AlertRule): void {
  const judgements = alert.anyOf.map(condition =>
    judge({ plan: turn.plan, state: turn.state, evidence: turn.input.evidence, now: turn.now }, condition),
  )
  const met = judgements.find(judgement => judgement.met === 'yes')
  const isRaised = turn.state.alerts[alert.id] !== undefined
  if (met !== undefined && !isRaised) {
    turn.emit({
      type: 'AlertRaised',
      alert: alert.id,
      severity: alert.severity,
      text: met.text,
      to: alert.to,
      value: met.value,
    })
  } else if (met === undefined && isRaised && judgements.every(judgement => judgement.holds === 'no')) {
    turn.emit({ type: 'AlertCleared', alert: alert.id })
  }
  for (const judgement of judgements) if (judgement.met === 'no') turn.wake(judgement.metAt)
}

function raiseOnce(turn: Turn, alert: string, severity: string, text: string): void {
  if (turn.state.alerts[alert] === undefined)
    turn.emit({ type: 'AlertRaised', alert, severity, text, to: [], value: null })
}

function clear(turn: Turn, alert: string): void {
  if (turn.state.alerts[alert] !== undefined) turn.emit({ type: 'AlertCleared', alert })
}
