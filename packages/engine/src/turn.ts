import { EvidenceFold, type EvidenceReader, endOf, type Observation } from '@dankai/analysis'
import {
  type Action,
  type AmendInput,
  amendRelease,
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
  /** Done already, while the database was away: written before anything that is decided now. */
  readonly unwritten: Deed | null
  readonly deed: Deed | null
  readonly now: number
}

/** What a person does to a release: an action, or another plan for the rest of its way. */
export type Deed =
  | { readonly kind: 'act'; readonly action: Action }
  | { readonly kind: 'amend'; readonly amendment: Amendment }

export type Amendment = Pick<AmendInput, 'amended' | 'planDigest' | 'by' | 'why' | 'changes'>

export interface TurnOutcome {
  readonly at: number
  readonly events: readonly Event[]
  readonly state: ReleaseState
  readonly status: ReleaseStatus
  readonly wakeAt: number | null
  /** The plan from here on, and the evidence that asks its questions; the given ones unless it was amended. */
  readonly plan: CompiledPlan
  readonly evidence: Evidence
  /** Set when the deed was refused; whatever else the turn decided stands. */
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
  if (input.unwritten !== null) turn.record(input.unwritten)
  turn.observe()
  if (input.deed !== null) turn.do(input.deed)
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
  #plan: CompiledPlan
  #evidence: Evidence
  #state: ReleaseState
  #results: readonly EndedCommand[]
  #refusal: Refusal | null = null
  #marksEvidence = false

  constructor(input: TurnInput) {
    this.#input = input
    this.#now = Math.max(input.now, input.state.at)
    this.#plan = input.plan
    this.#evidence = input.evidence
    this.#state = input.state
    this.#results = input.results
  }

  /** Refused means that it is on its way back already, or has ended: then there is nothing left to say. */
  record(unwritten: Deed): void {
    this.do(unwritten)
    this.#refusal = null
  }

  observe(): void {
    const { observations } = this.#input
    if (spansOneBucket(observations)) {
      for (const observation of observations) this.#evidence.observe(observation)
    } else {
      this.#observeInOrder()
    }
    this.#evidence.advance(this.#now)
  }

  do(deed: Deed): void {
    if (deed.kind === 'amend') return this.#amend(deed.amendment)
    const common = { plan: this.#plan, state: this.#state, evidence: this.#evidence, now: this.#now }
    const answer = decideAction({ ...common, action: deed.action })
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
      plan: this.#plan,
      evidence: this.#evidence,
      refusal: this.#refusal,
      marksEvidence: this.#marksEvidence,
    }
  }

  /** Takes events into the log and the state. True when the evidence counts something else now, so that it is asked again. */
  take(bodies: readonly EventBody[]): boolean {
    let hasMilestone = false
    for (const body of bodies) {
      const event = { seq: this.#state.seq + 1, at: this.#now, body }
      this.#state = apply(this.#plan, this.#state, event)
      this.#events.push(event)
      if (noteMilestone(this.#evidence, body, this.#now)) hasMilestone = true
      if (body.type === 'VerdictChanged') this.#marksEvidence = true
    }
    if (hasMilestone) this.#marksEvidence = true
    return hasMilestone
  }

  /** Evidence of questions that stay goes on, that of changed ones begins anew. */
  #amend(amendment: Amendment): void {
    const answer = amendRelease({ ...amendment, plan: this.#plan, state: this.#state })
    if (!answer.ok) {
      this.#refusal = answer.refusal
      return
    }
    this.#plan = amendment.amended
    this.#evidence = EvidenceFold.restore(this.#plan, this.#evidence.checkpoint())
    this.#marksEvidence = true
    this.take(answer.events)
  }

  #observeInOrder(): void {
    const { observations, decidedAt, latenessMs } = this.#input
    const evidence = this.#evidence
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
    if (decision.events.some(isMoreThanJudgement) && !decision.events.some(goesOn)) this.take(decision.events)
  }

  #decide(results: readonly EndedCommand[] = this.#results): Decision {
    const { hands, completedPlans } = this.#input
    if (results === this.#results) this.#results = []
    const { state, plan, evidence } = { state: this.#state, plan: this.#plan, evidence: this.#evidence }
    return decide({ plan, state, evidence, hands, results, completedPlans, now: this.#now })
  }
}

/** Criteria are judged once, from all the evidence there is: half of it would write numbers that were never the last word. */
function isMoreThanJudgement(body: EventBody): boolean {
  return body.type !== 'HoldEnded' && body.type !== 'VerdictChanged'
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
