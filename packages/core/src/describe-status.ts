import type { Forecast, Reason, ReleaseStatus, WaitingOn } from './decision.ts'
import { levelOf } from './exposure.ts'
import { criteriaStatus } from './phase.ts'
import { indexOf } from './plan-index.ts'
import type { Turn } from './turn.ts'

/** What the release is doing, why, what it waits for and what comes next. A projection: it decides nothing. */
export function describeStatus(turn: Turn): ReleaseStatus {
  const { lifecycle } = turn.state
  const index =
    lifecycle.kind === 'running' ? lifecycle.phase : lifecycle.kind === 'rollingBack' ? lifecycle.fromPhase : null
  const phase = index === null ? undefined : turn.plan.phases[index]
  return {
    stage: lifecycle.kind,
    phase: phase === undefined ? null : { index: phase.index, name: phase.name, count: turn.plan.phases.length },
    desired: turn.state.exposure.desired,
    exposure: reportedExposure(turn),
    waitingOn: turn.waits,
    reasons: reasonsOf(turn),
    next: forecast(turn),
    criteria: criteriaStatus(turn),
  }
}

/** Upper bound of what is observed and in flight: until a lowering is confirmed, what was there may still be served. */
function reportedExposure(turn: Turn): number {
  const { exposure } = turn.state
  if (exposure.reached) return levelOf(exposure.desired)
  const splitter = turn.plan.hands[0]
  const reading = splitter === undefined ? undefined : turn.input.hands[splitter.id]
  const isCurrent = reading?.generation === exposure.generation
  const observed = isCurrent ? (reading?.share ?? levelOf(exposure.previous)) : levelOf(exposure.previous)
  return Math.max(levelOf(exposure.desired), observed)
}

function reasonsOf(turn: Turn): readonly Reason[] {
  const { lifecycle, rules } = turn.state
  const pending = Object.entries(rules).flatMap(([rule, state]): Reason[] =>
    state.status === 'pending'
      ? [
          {
            kind: 'pending',
            rule,
            name: indexOf(turn.plan).rules.get(rule)?.name ?? rule,
            since: state.since,
            firesAt: null,
          },
        ]
      : [],
  )
  if ('because' in lifecycle) {
    return [{ kind: 'rolledBack', because: lifecycle.because, by: 'by' in lifecycle ? lifecycle.by : null }, ...pending]
  }
  return pending
}

/** The next thing that happens by itself, if nothing changes. */
function forecast(turn: Turn): Forecast | null {
  const phases = turn.plan.phases
  const next = turn.running === null ? phases[0] : phases[turn.running.phase + 1]
  const forecasts = turn.waits.map(wait => forecastOf(wait, next?.name ?? null)).filter(found => found !== null)
  return forecasts.sort((a, b) => a.at - b.at)[0] ?? null
}

function forecastOf(wait: WaitingOn, nextPhase: string | null): Forecast | null {
  switch (wait.kind) {
    case 'hold':
      return wait.until === null
        ? null
        : { what: nextPhase === null ? 'complete' : 'promote', at: wait.until, phase: nextPhase }
    case 'calendar':
      return wait.until === null ? null : { what: 'raise', at: wait.until, phase: nextPhase }
    case 'decision':
      return { what: 'answer by default', at: wait.deadline, phase: null }
    case 'latched':
      return { what: 'rollback', at: wait.rollbackAt, phase: null }
    default:
      return null
  }
}
