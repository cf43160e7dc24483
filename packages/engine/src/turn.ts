import { type EvidenceReader, endOf, type Observation } from '@dankai/analysis'
import {
  type Action,
  apply,
  type Decision,
  decide,
  decideAction,
  type Event,
  type EventBody,
  type HandReading,
  type Refusal,
  type ReleaseState,
  type ReleaseStatus,
} from '@dankai/core'
import type { CompiledPlan } from '@dankai/plan'
import { type CoverageGap, coverageBodies } from './coverage.ts'
import type { EndedCommand } from './ports.ts'

/**
 * One turn of one release, without I/O: what arrived is folded, what happened in the evidence is decided on, and the
 * events of all of it are the outcome. The only thing it changes is the evidence fold, which is why a turn whose commit
 * is lost throws the fold away and loads it again.
 *
 * Invariants
 *  1. Observations are folded in event order, and each bucket end that no decision has seen yet is decided on: a trigger
 *     that was met in between fires, whether the release slept, was taken over or got several buckets at once.
 *  2. Such a look back may stop, ask or roll back. It never promotes, enters a phase or raises: going on is decided
 *     once, from all the evidence there is.
 *  3. Everything decided is stamped with the time of the decision, never with the time it speaks of.
 */
export interface TurnInput {
  readonly plan: CompiledPlan
  readonly state: ReleaseState
  readonly evidence: Evidence
  readonly hands: Readonly<Record<string, HandReading>>
  readonly results: readonly EndedCommand[]
  readonly completedPlans: readonly string[]
  readonly observations: readonly Observation[]
  /** When the release was last decided on: closed buckets up to here have been looked at. */
  readonly decidedAt: number
  readonly latenessMs: number
  readonly gap: CoverageGap | null
  readonly action: Action | null
  readonly now: number
}

export interface TurnOutcome {
  readonly at: number
  readonly events: readonly Event[]
  readonly state: ReleaseState
  readonly status: ReleaseStatus
  readonly wakeAt: number | null
  /** Set when the action was refused; whatever else the turn decided stands. */
  readonly refusal: Refusal | null
  /** The evidence has to be written with these events: its scope or a verdict changed. */
  readonly marksEvidence: boolean
}

/** The evidence of a release: what `decide` reads, and the milestones that tell it what to count. */
export interface Evidence extends EvidenceReader {
  observe(observation: Observation): void
  advance(now: number): void
  beginPhase(index: number, at: number): void
  reachExposure(at: number): void
  lowerExposure(at: number): void
  checkpoint(): unknown
}

export function takeTurn(input: TurnInput): TurnOutcome {
  const turn = new ReleaseTurn(input)
  turn.take(coverageBodies(input.gap))
  turn.observe()
  if (input.action !== null) turn.act(input.action)
  return turn.conclude()
}

/** Events after which the evidence counts something else. */
export function noteMilestone(evidence: Evidence, body: EventBody, at: number): boolean {
  switch (body.type) {
    case 'PhaseEntered':
      evidence.beginPhase(body.phase, at)
      return true
    case 'ExposureReached':
      evidence.reachExposure(at)
      return true
    case 'RollbackStarted':
      evidence.lowerExposure(at)
      return true
    default:
      return false
  }
}

/** Passes until a decision changes nothing any more; more would be a plan that answers itself. */
const passesMax = 8

class ReleaseTurn {
  readonly #input: TurnInput
  readonly #now: number
  readonly #events: Event[] = []
  #state: ReleaseState
  #results: readonly EndedCommand[]
  #refusal: Refusal | null = null
  #marksEvidence = false

  constructor(input: TurnInput) {
    this.#input = input
    this.#now = Math.max(input.now, input.state.at)
    this.#state = input.state
    this.#results = input.results
  }

  observe(): void {
    const { evidence, observations } = this.#input
    if (spansOneBucket(observations)) {
      for (const observation of observations) evidence.observe(observation)
    } else {
      this.#observeInOrder()
    }
    evidence.advance(this.#now)
  }

  act(action: Action): void {
    const { plan, evidence } = this.#input
    const answer = decideAction({ plan, state: this.#state, evidence, action, now: this.#now })
    if (answer.ok) this.take(answer.events)
    else this.#refusal = answer.refusal
  }

  conclude(): TurnOutcome {
    let decision = this.#decide()
    for (let pass = 1; pass < passesMax && this.take(decision.events); pass++) decision = this.#decide()
    return {
      at: this.#now,
      events: this.#events,
      state: this.#state,
      status: decision.status,
      wakeAt: decision.wakeAt,
      refusal: this.#refusal,
      marksEvidence: this.#marksEvidence,
    }
  }

  /** Takes events into the log and the state. True when the evidence counts something else now, so that it is asked again. */
  take(bodies: readonly EventBody[]): boolean {
    let hasMilestone = false
    for (const body of bodies) {
      const event = { seq: this.#state.seq + 1, at: this.#now, body }
      this.#state = apply(this.#input.plan, this.#state, event)
      this.#events.push(event)
      if (noteMilestone(this.#input.evidence, body, this.#now)) hasMilestone = true
      if (body.type === 'VerdictChanged') this.#marksEvidence = true
    }
    if (hasMilestone) this.#marksEvidence = true
    return hasMilestone
  }

  #observeInOrder(): void {
    const { evidence, observations, decidedAt, latenessMs } = this.#input
    const closed = observations.filter(observation => !observation.open).sort((a, b) => endOf(a) - endOf(b))
    for (let index = 0; index < closed.length; index++) {
      const observation = closed[index]!
      evidence.observe(observation)
      const end = endOf(observation)
      const next = closed[index + 1]
      if (next === undefined || endOf(next) === end) continue
      evidence.advance(end)
      if (end + latenessMs > decidedAt) this.#lookBack()
    }
    for (const observation of observations) if (observation.open) evidence.observe(observation)
  }

  #lookBack(): void {
    const decision = this.#decide([])
    if (decision.events.length > 0 && !decision.events.some(goesOn)) this.take(decision.events)
  }

  #decide(results: readonly EndedCommand[] = this.#results): Decision {
    const { plan, evidence, hands, completedPlans } = this.#input
    if (results === this.#results) this.#results = []
    return decide({ plan, state: this.#state, evidence, hands, results, completedPlans, now: this.#now })
  }
}

function goesOn(body: EventBody): boolean {
  return (
    body.type === 'PhasePromoted' ||
    body.type === 'PhaseEntered' ||
    body.type === 'Completed' ||
    (body.type === 'ExposureChanged' && body.direction !== 'lower')
  )
}

/** Usual case: one bucket closed, or only open ones came. Then there is no order to keep and nothing in between. */
function spansOneBucket(observations: readonly Observation[]): boolean {
  let end: number | null = null
  let hasOpen = false
  for (const observation of observations) {
    if (observation.open) {
      hasOpen = true
      continue
    }
    if (hasOpen || (end !== null && endOf(observation) !== end)) return false
    end = endOf(observation)
  }
  return true
}
