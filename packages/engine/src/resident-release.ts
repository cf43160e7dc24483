import { EvidenceFold } from '@dankai/analysis'
import type { Event, HandReading, ReleaseState, ReleaseStatus } from '@dankai/core'
import type { CompiledPlan, Step } from '@dankai/plan'
import type { Commit, DesiredExposure, EndedCommand, LoadedRelease, ObservationCursor } from './ports.ts'
import type { Evidence, TurnOutcome } from './turn.ts'

/**
 * A release in the memory of the instance that owns it: what a turn starts from. Changed in place by the release lane
 * only, after the store took what was decided; a release whose commit had no answer is `unsure` and loaded again.
 */
export interface ResidentRelease {
  readonly id: string
  readonly project: string
  readonly environment: string
  readonly plan: CompiledPlan
  /** True when some step waits for another plan, so that completed plans are worth reading. */
  readonly needsPlans: boolean
  /** When completed plans were last read. */
  plansReadAt: number
  /** Name under which it was claimed; a name that was given up holds no lease. */
  readonly owner: string
  fence: number
  state: ReleaseState
  status: ReleaseStatus
  /** What the store has of the things that move without an event. */
  written: {
    readonly status: ReleaseStatus
    readonly statusAt: number
    readonly at: number
    readonly wakeAt: number | null
  }
  evidence: Evidence
  cursor: ObservationCursor | null
  hands: Record<string, HandReading>
  results: EndedCommand[]
  completedPlans: readonly string[]
  /** Decided or known to have nothing to decide, up to here. */
  coveredUntil: number
  /** False until the first decision here: the time before it was not covered by this instance. */
  hasDecided: boolean
  /** Time up to which closed observations were looked at by a decision. */
  decidedAt: number
  /** When the last checkpoint was written; null before the first. A thousand that were taken over write none at once. */
  checkpointAt: number | null
  wakeAt: number | null
  /** Something arrived: decide now, whatever wakeAt says. */
  isDue: boolean
  /** Another instance or process wrote for this release: results and hands are read before deciding. */
  hasMail: boolean
  /** A write had no answer, or was decided in memory only: load again before trusting it. */
  isUnsure: boolean
}

export function residentOf(loaded: LoadedRelease, owner: string): ResidentRelease {
  return {
    id: loaded.id,
    project: loaded.project,
    environment: loaded.environment,
    plan: loaded.plan,
    needsPlans: needsOtherPlans(loaded.plan),
    plansReadAt: Number.NEGATIVE_INFINITY,
    owner,
    fence: loaded.fence,
    state: loaded.state,
    status: loaded.status,
    // It was due, or it would not have been claimed: until another time is written, its owner looks late.
    written: {
      status: loaded.status,
      statusAt: loaded.decidedAt,
      at: loaded.decidedAt,
      wakeAt: Number.NEGATIVE_INFINITY,
    },
    evidence: evidenceOf(loaded),
    cursor: loaded.evidence?.cursor ?? null,
    hands: { ...loaded.hands },
    results: [...loaded.results],
    completedPlans: [],
    coveredUntil: loaded.decidedAt,
    hasDecided: false,
    decidedAt: loaded.decidedAt,
    checkpointAt: loaded.evidence?.writtenAt ?? null,
    wakeAt: null,
    isDue: true,
    hasMail: false,
    isUnsure: false,
  }
}

/** Without a checkpoint the milestones in the state say where counting began. */
function evidenceOf(loaded: LoadedRelease): Evidence {
  if (loaded.evidence !== null) return EvidenceFold.restore(loaded.plan, loaded.evidence.checkpoint)
  const fold = EvidenceFold.start(loaded.plan)
  const { lifecycle } = loaded.state
  if (lifecycle.kind === 'running') {
    fold.beginPhase(lifecycle.phase, lifecycle.enteredAt)
    if (lifecycle.reachedAt !== null) fold.reachExposure(lifecycle.reachedAt)
  }
  if (lifecycle.kind === 'rollingBack') fold.lowerExposure(lifecycle.startedAt)
  return fold
}

function needsOtherPlans(plan: CompiledPlan): boolean {
  const lists = [
    plan.before,
    plan.rollback,
    plan.followUp,
    ...Object.values(plan.runbooks),
    ...Object.values(plan.checks),
  ]
  const ofPhases = plan.phases.flatMap(phase => [phase.before, phase.during])
  return [...lists, ...ofPhases].some(steps => steps.some(needsPlan))
}

function needsPlan(step: Step): boolean {
  const { action } = step
  if (action.verb === 'needs') return true
  if (action.verb === 'do') return action.steps.some(needsPlan)
  return action.verb === 'checklist' && action.items.some(needsPlan)
}

/** True when nothing will ever be decided again, unless a person acts: the instance can let it go. */
export function isOver({ state, wakeAt }: Pick<ResidentRelease, 'state' | 'wakeAt'>): boolean {
  return hasEnded(state) && wakeAt === null && !isRepaired(state)
}

/** What was stuck after an incomplete rollback was retried and runs: its result is waited for. */
function isRepaired({ lifecycle, steps }: ReleaseState): boolean {
  if (lifecycle.kind !== 'rolledBack' || lifecycle.complete) return false
  return Object.values(steps).some(({ status }) => status === 'running')
}

export function hasEnded(state: ReleaseState): boolean {
  const { kind } = state.lifecycle
  return kind === 'completed' || kind === 'rolledBack' || kind === 'contained'
}

/** The exposure these events ask for; null when they change nothing. */
export function desiredAfter(
  before: ReleaseState,
  after: ReleaseState,
  events: readonly Event[],
): DesiredExposure | null {
  const { desired, generation } = after.exposure
  if (generation === before.exposure.generation) return null
  const changes = events.flatMap(event => (event.body.type === 'ExposureChanged' ? [event.body.direction] : []))
  // Several changes at once: one lowering among them makes the whole a lowering, so that nothing may delay it.
  const direction = changes.includes('lower') ? 'lower' : (changes.at(-1) ?? 'same')
  return { exposure: desired, generation, direction }
}

export interface CommitInput {
  readonly release: ResidentRelease
  readonly outcome: TurnOutcome
  readonly folded: readonly string[]
  readonly cursor: ObservationCursor | null
  readonly hasCheckpoint: boolean
  readonly superseded: 'all' | readonly string[]
}
export function commitOf({ release, outcome, folded, cursor, hasCheckpoint, superseded }: CommitInput): Commit {
  return {
    releaseId: release.id,
    fence: release.fence,
    expectedSeq: release.state.seq,
    events: outcome.events,
    state: outcome.state,
    status: outcome.status,
    wakeAt: outcome.wakeAt,
    decidedAt: outcome.at,
    desired: desiredAfter(release.state, outcome.state, outcome.events),
    commands: commandsOf(outcome.events, superseded),
    superseded,
    folded,
    evidence: hasCheckpoint && cursor !== null ? { checkpoint: outcome.evidence.checkpoint(), cursor } : null,
    plan: outcome.plan === release.plan ? null : { plan: outcome.plan, digest: outcome.state.planDigest },
    ended: hasEnded(outcome.state),
  }
}

/** Commands of these events, without those a rollback in the same events has already superseded. */
function commandsOf(events: readonly Event[], superseded: 'all' | readonly string[]): Commit['commands'] {
  const rollbackIndex = events.findLastIndex(event => event.body.type === 'RollbackStarted')
  return events.flatMap((event, index) => {
    if (event.body.type !== 'StepStarted' || event.body.command === null) return []
    const { command } = event.body
    const isSuperseded = superseded === 'all' ? index < rollbackIndex : superseded.includes(command.slot)
    return isSuperseded ? [] : [command]
  })
}
