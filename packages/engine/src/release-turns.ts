import { type ReleaseState, supersededSlots } from '@dankai/core'
import { coverageGap } from './coverage.ts'
import type { EngineClock } from './engine-clock.ts'
import type { EngineLog, EngineStore } from './engine-options.ts'
import type { Faults } from './fault-points.ts'
import type { Commit, EndedCommand, ObservationSource, ReadObservations } from './ports.ts'
import { commitOf, type ResidentRelease } from './resident-release.ts'
import type { EngineSettings } from './settings.ts'
import { saysSomethingElse } from './status-change.ts'
import { type TurnInput, type TurnOutcome, takeTurn } from './turn.ts'
import { detailOf } from './work.ts'

export interface ReleaseTurnsOptions {
  readonly store: EngineStore
  readonly observations: ObservationSource
  readonly clock: EngineClock
  readonly settings: EngineSettings
  readonly faults: Faults
  readonly log: EngineLog
}

export type TakenTurn =
  /** Nothing to write; the moment of the look and the numbers go with the next touch. */
  | { readonly kind: 'quiet'; readonly outcome: TurnOutcome }
  | { readonly kind: 'committed'; readonly outcome: TurnOutcome; readonly commit: Commit }
  | { readonly kind: 'lost' }

interface Look {
  readonly now: number
  /** Until when somebody watched the release before this look. */
  readonly coveredUntil: number
  readonly deeds: Deeds
}

/** What a turn does besides deciding. */
export type Deeds = Pick<TurnInput, 'unwritten' | 'deed'>

export const noDeeds: Deeds = { unwritten: null, deed: null }

/** Completed plans are read again after this; a release that waits for another plan is in no hurry. */
const plansFreshMs = 5_000
/** After a failed read of observations they are read again this soon. */
const readAgainMs = 1_000

/** One turn with its I/O: read what was measured, decide, write what was decided. */
export class ReleaseTurns {
  readonly #options: ReleaseTurnsOptions
  readonly #settings: EngineSettings
  readonly #tellSoon: (releaseId: string) => void

  /** `tellSoon` is told of a status that people should see soon. */
  constructor(options: ReleaseTurnsOptions, tellSoon: (releaseId: string) => void) {
    this.#options = options
    this.#settings = options.settings
    this.#tellSoon = tellSoon
  }

  async take(release: ResidentRelease, deeds: Deeds): Promise<TakenTurn> {
    release.isDue = false
    // Others go on covering releases that are not due while this one reads; what was uncovered is what it is now.
    const { coveredUntil } = release
    const now = await this.#options.clock.now()
    const read = await this.#read(release, now)
    await this.#readPlans(release, now)
    const results = release.results
    const outcome = this.#takeTurn(release, this.#turnInput(release, read, { now, coveredUntil, deeds }))
    const lookAt = isWatched(outcome.state) ? (read.nextAt ?? outcome.at + this.#settings.decideEveryMs) : null
    const wakeAt = earliest(outcome.wakeAt, laterThan(lookAt, outcome.at))
    return this.#write(release, { ...outcome, wakeAt }, read, results)
  }

  /** Releases that were claimed together have their first turns soon; a reading that fails is made again by each. */
  prepare(releases: readonly ResidentRelease[], now: number): void {
    const { observations, log } = this.#options
    if (releases.length < 2) return
    observations
      .prepare?.(
        releases.map(release => [nameOf(release), release.cursor]),
        now,
      )
      .catch(error => log.warn({ detail: detailOf(error) }, 'observations could not be read ahead'))
  }

  /**
   * What would be decided from memory alone, for the time without the database. Nothing of it is written or kept: the
   * release is loaded again when the database is back.
   */
  judgeOffline(release: ResidentRelease, now: number): TurnOutcome | null {
    const { observations } = this.#options
    if (observations.readOffline === undefined) return null
    const read = observations.readOffline(nameOf(release), release.cursor, now)
    release.isUnsure = true
    release.cursor = read.cursor
    return takeTurn(this.#turnInput(release, read, { now, coveredUntil: release.coveredUntil, deeds: noDeeds }))
  }

  /** A decision that throws is a bug: somebody has to act, and nothing goes on for this release until then. */
  #takeTurn(release: ResidentRelease, input: TurnInput): TurnOutcome {
    try {
      return takeTurn(input)
    } catch (error) {
      this.#options.log.error({ releaseId: release.id, detail: detailOf(error) }, 'a decision failed')
      throw error
    }
  }

  #turnInput(release: ResidentRelease, read: ReadObservations, look: Look): TurnInput {
    const { plan, state, evidence, hands, results, completedPlans, decidedAt } = release
    const { latenessMs, decideEveryMs } = this.#settings
    const { now, deeds } = look
    const gap = coverageGap(look.coveredUntil, now, decideEveryMs)
    const { observations } = read
    return {
      plan,
      state,
      evidence,
      hands,
      results,
      completedPlans,
      observations,
      decidedAt,
      latenessMs,
      gap,
      ...deeds,
      now,
    }
  }

  /** A source that fails takes no decision away: timers and people go on, and missing data shows as missing. */
  async #read(release: ResidentRelease, now: number): Promise<ReadObservations> {
    this.#options.faults.at('read: before')
    try {
      const read = await this.#options.observations.read(nameOf(release), release.cursor, now)
      this.#options.faults.at('read: after')
      return read
    } catch (error) {
      this.#options.log.warn({ releaseId: release.id, detail: detailOf(error) }, 'observations could not be read')
      return { observations: [], cursor: release.cursor ?? now, nextAt: now + readAgainMs }
    }
  }

  async #readPlans(release: ResidentRelease, now: number): Promise<void> {
    if (!release.needsPlans || now - release.plansReadAt < plansFreshMs) return
    release.completedPlans = await this.#options.store.releases.completedPlans(release.project, release.environment)
    release.plansReadAt = now
  }

  async #write(
    release: ResidentRelease,
    outcome: TurnOutcome,
    read: ReadObservations,
    results: readonly EndedCommand[],
  ): Promise<TakenTurn> {
    const hasCheckpoint = outcome.marksEvidence || this.#checkpointIsDue(release, outcome.at, read)
    if (outcome.events.length === 0 && results.length === 0 && !hasCheckpoint) {
      this.#keep(release, outcome, read)
      return { kind: 'quiet', outcome }
    }
    const superseded = supersededSlots(outcome.events.map(event => event.body))
    const folded = results.map(result => result.slot)
    const commit = commitOf({ release, outcome, folded, cursor: read.cursor, hasCheckpoint, superseded })
    if ((await this.#commit(release, commit)) === 'lost') return { kind: 'lost' }
    this.#keep(release, outcome, read)
    keepWritten(release, outcome, commit)
    return { kind: 'committed', outcome, commit }
  }

  /** Until the answer is here nobody knows whether it was taken. */
  async #commit(release: ResidentRelease, commit: Commit): Promise<'committed' | 'lost'> {
    const { faults, store } = this.#options
    release.isUnsure = true
    faults.at('commit: before')
    const answer = await store.releases.commit(commit)
    faults.at('commit: after')
    if (answer === 'committed') release.isUnsure = false
    return answer
  }

  #keep(release: ResidentRelease, outcome: TurnOutcome, read: ReadObservations): void {
    release.cursor = read.cursor
    release.decidedAt = outcome.at
    release.coveredUntil = outcome.at
    release.hasDecided = true
    release.wakeAt = outcome.wakeAt
    release.status = outcome.status
    if (saysSomethingElse(release.written.status, outcome.status)) this.#tellSoon(release.id)
  }

  #checkpointIsDue(release: ResidentRelease, at: number, read: ReadObservations): boolean {
    if (release.checkpointAt === null) return true
    return at - release.checkpointAt >= this.#settings.checkpointEveryMs && read.cursor !== release.cursor
  }
}

/** What the store has now. Results that came meanwhile are for the next turn. */
function keepWritten(release: ResidentRelease, outcome: TurnOutcome, commit: Commit): void {
  release.state = outcome.state
  release.results = release.results.filter(result => !commit.folded.includes(result.slot))
  if (release.results.length > 0) release.isDue = true
  const { status, at, wakeAt } = outcome
  release.written = { status, statusAt: at, at, wakeAt }
  if (commit.evidence !== null) release.checkpointAt = outcome.at
}

function nameOf(release: ResidentRelease) {
  const { id, project, environment, plan, state } = release
  return { id, project, environment, plan, version: state.version }
}

/** Before the first phase and after the end nothing that is measured wakes a release. */
function isWatched(state: ReleaseState): boolean {
  return state.lifecycle.kind === 'running' || state.lifecycle.kind === 'rollingBack'
}

function earliest(a: number | null, b: number | null): number | null {
  if (a === null) return b
  return b === null ? a : Math.min(a, b)
}

/** A source that says "now" would be asked for ever. */
function laterThan(at: number | null, now: number): number | null {
  if (at === null || at === Number.POSITIVE_INFINITY) return null
  return Math.max(at, now + 1)
}
