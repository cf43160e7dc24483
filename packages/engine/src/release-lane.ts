import { type HandReading, type Refusal, type ReleaseState, type ReleaseStatus, supersededSlots } from '@dankai/core'
import { coverageGap } from './coverage.ts'
import type { EngineClock } from './engine-clock.ts'
import type { EngineLog, EngineStore } from './engine-options.ts'
import type { Faults } from './fault-points.ts'
import { betterReading } from './hand-reading.ts'
import type { Commit, EndedCommand, LoadedRelease, ObservationSource, ReadObservations, ReleaseInbox } from './ports.ts'
import { ReleaseTouches } from './release-touch.ts'
import { commitOf, isOver, type ResidentRelease } from './resident-release.ts'
import { Residents } from './residents.ts'
import type { EngineSettings } from './settings.ts'
import { saysSomethingElse } from './status-change.ts'
import { type Deed, type TurnInput, type TurnOutcome, takeTurn } from './turn.ts'
import { detailOf, Lane, type Work } from './work.ts'

/**
 * Releases this instance owns, and their turns.
 *
 * Invariants
 *  1. One turn of a release at a time; a person's action waits for the turn before it.
 *  2. Memory follows the store: a release changes only after its commit was taken. A lost commit drops it; one without
 *     an answer makes it unsure, and it is loaded again before the next decision.
 *  3. A turn that decided nothing new writes nothing by itself; what moved (numbers, wakeAt) is written together with
 *     that of other releases every few seconds.
 */
export interface ReleaseLaneOptions {
  readonly store: EngineStore
  readonly observations: ObservationSource
  readonly owner: string
  readonly clock: EngineClock
  readonly settings: EngineSettings
  readonly faults: Faults
  readonly log: EngineLog
  readonly work: Work
  readonly listener: ReleaseListener
}

/** Who acts on what was decided. */
export interface ReleaseListener {
  adopted(release: ResidentRelease): void
  committed(release: ResidentRelease, commit: Commit): void
  /** Hands may have been read by another instance. */
  handsRead(release: ResidentRelease): void
  dropped(releaseId: string): void
}

export type ActResult =
  | { readonly ok: true; readonly state: ReleaseState; readonly status: ReleaseStatus }
  | { readonly ok: false; readonly refusal: Refusal }

/** After a failed read or write a release waits this long, unless something arrives. */
const retryAfterMs = 1_000
/** Completed plans are read again after this; a release that waits for another plan is in no hurry. */
const plansFreshMs = 5_000
/** A person's action meets another owner at most this often in a row. */
const actAttempts = 5

export class ReleaseLane {
  readonly #options: ReleaseLaneOptions
  readonly #settings: EngineSettings
  readonly #lane: Lane
  readonly residents = new Residents()
  readonly #turns = new Map<string, Promise<unknown>>()
  readonly #touches: ReleaseTouches
  #polledAt = Number.NEGATIVE_INFINITY
  #expectedBy: number | null = null

  constructor(options: ReleaseLaneOptions) {
    this.#options = options
    this.#settings = options.settings
    this.#lane = new Lane(options.settings.lanes.decide, options.work)
    this.#touches = new ReleaseTouches(options)
  }

  // ── Turns ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Starts every turn that is due, claims what nobody owns, writes what moved. Returns how much it did. */
  async run(now: number): Promise<number> {
    this.residents.cover(now, this.#expectedBy, this.#settings.decideEveryMs)
    this.#expectedBy = null
    let done = this.#startDue(now)
    if (this.residents.claimsAreDue || now - this.#polledAt >= this.#settings.pollEveryMs) {
      done += await this.#tried(() => this.#claim(now), 'releases could not be claimed')
      done += this.#startDue(now)
    }
    if (this.#touches.isDue(now)) await this.#tried(() => this.#touch(now), 'what moved could not be written')
    return done
  }

  /** What the store refuses now is due again with the next poll; turns go on meanwhile. */
  async #tried(write: () => Promise<number>, message: string): Promise<number> {
    try {
      return await write()
    } catch (error) {
      this.#options.log.warn({ detail: detailOf(error) }, message)
      return 0
    }
  }

  /** The engine promises to run again by this time; a later run means the process was suspended. */
  expectBy(at: number | null): void {
    this.#expectedBy = at
  }

  async turn(releaseId: string): Promise<boolean> {
    const release = this.residents.get(releaseId) ?? (await this.#claimOne(releaseId))
    if (release === null) return false
    await this.#exclusively(releaseId, () => this.#lookAt(release))
    return true
  }

  /** null when there is no such live release. */
  async do(releaseId: string, deed: Deed): Promise<ActResult | null> {
    for (let attempt = 1; attempt <= actAttempts; attempt++) {
      const release = this.residents.get(releaseId) ?? (await this.#claimOne(releaseId))
      if (release === null) return null
      const result = await this.#exclusively(releaseId, () => this.#do(release, deed))
      if (result !== 'again') return result
    }
    const verb = deed.kind === 'amend' ? 'amend' : deed.action.body.type
    const message = `Cannot ${verb} release "${releaseId}": found other instances writing at the same time, expected a quiet moment. Try again.`
    return { ok: false, refusal: { code: 'conflict', message } }
  }

  /**
   * What would be decided from memory alone, for the time without the database. Nothing of it is written or kept: the
   * release is loaded again when the database is back.
   */
  async judgeOffline(release: ResidentRelease, now: number): Promise<TurnOutcome | null> {
    return this.#exclusively(release.id, async () => {
      const { observations } = this.#options
      if (observations.readOffline === undefined || !this.residents.holds(release)) return null
      const read = observations.readOffline(nameOf(release), release.cursor, now)
      release.isUnsure = true
      release.cursor = read.cursor
      return takeTurn(this.#turnInput(release, read, now, null))
    })
  }

  /** Takes a release over that was just created or is wanted here. */
  async claimOne(releaseId: string): Promise<ResidentRelease | null> {
    return this.residents.get(releaseId) ?? this.#claimOne(releaseId)
  }

  /** News before timers: a breach that was just reported does not wait behind a thousand routine looks. */
  #startDue(now: number): number {
    let started = 0
    for (const release of this.residents.all.values()) if (release.isDue) started += this.#startTurn(release)
    for (const release of this.residents.all.values()) {
      if (!release.isDue && release.wakeAt !== null && release.wakeAt <= now) started += this.#startTurn(release)
    }
    return started
  }

  #startTurn(release: ResidentRelease): number {
    return this.#lane.start(release.id, () => this.#runTurn(release)) ? 1 : 0
  }

  async #runTurn(release: ResidentRelease): Promise<void> {
    try {
      await this.#exclusively(release.id, () => this.#lookAt(release))
    } catch (error) {
      release.isUnsure = true
      release.isDue = false
      release.wakeAt = this.#options.clock.latest() + retryAfterMs
      this.#options.log.warn({ releaseId: release.id, detail: detailOf(error) }, 'a turn failed and is tried again')
    }
  }

  async #exclusively<T>(releaseId: string, run: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(releaseId)
    const turn = before === undefined ? run() : before.then(run, run)
    this.#turns.set(releaseId, turn)
    try {
      return await turn
    } finally {
      if (this.#turns.get(releaseId) === turn) this.#turns.delete(releaseId)
    }
  }

  async #lookAt(release: ResidentRelease): Promise<void> {
    const current = await this.#present(release)
    if (current !== null) await this.#decide(current, null)
  }

  async #do(release: ResidentRelease, deed: Deed): Promise<ActResult | 'again'> {
    // A refusal is an answer too, and no commit would find out that it was given from an old state.
    release.hasMail = true
    const current = await this.#present(release)
    if (current === null) return 'again'
    this.#options.faults.at('act: before commit')
    const outcome = await this.#decide(current, deed).catch(error => {
      // It may have been written all the same: the release finds out at once, not when it is due.
      current.isDue = true
      throw error
    })
    if (outcome === 'lost') return 'again'
    this.#options.faults.at('act: after commit')
    if (outcome.refusal !== null) return { ok: false, refusal: outcome.refusal }
    return { ok: true, state: outcome.state, status: outcome.status }
  }

  /** The release as the store has it; null when it is not this instance's any more. */
  async #present(release: ResidentRelease): Promise<ResidentRelease | null> {
    if (!this.residents.holds(release)) return this.residents.get(release.id)
    if (!release.isUnsure && !release.hasMail) return release
    const mail = await this.#openMail(release)
    if (mail === undefined) return this.#drop(release.id)
    if (release.isUnsure || mail.seq !== release.state.seq) return this.#reload(release.id)
    release.results = [...mail.results]
    release.hands = betterReadings(release.hands, mail.hands)
    this.#options.listener.handsRead(release)
    return release
  }

  /** What comes while it is read is mail again. */
  async #openMail(release: ResidentRelease): Promise<ReleaseInbox | undefined> {
    release.hasMail = false
    try {
      const [mail] = await this.#options.store.releases.inbox([{ id: release.id, fence: release.fence }])
      return mail
    } catch (error) {
      release.hasMail = true
      throw error
    }
  }

  async #decide(release: ResidentRelease, deed: Deed | null): Promise<TurnOutcome | 'lost'> {
    release.isDue = false
    const now = await this.#options.clock.now()
    const read = await this.#read(release, now)
    await this.#readPlans(release, now)
    const results = release.results
    const outcome = this.#takeTurn(release, this.#turnInput(release, read, now, deed))
    const lookAt = isWatched(outcome.state) ? (read.nextAt ?? outcome.at + this.#settings.decideEveryMs) : null
    const wakeAt = earliest(outcome.wakeAt, laterThan(lookAt, outcome.at))
    return this.#write(release, { ...outcome, wakeAt }, read, results)
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

  #turnInput(release: ResidentRelease, read: ReadObservations, now: number, deed: Deed | null): TurnInput {
    const { plan, state, evidence, hands, results, completedPlans, decidedAt, coveredUntil } = release
    const { latenessMs, decideEveryMs } = this.#settings
    const gap = coverageGap(coveredUntil, now, decideEveryMs)
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
      deed,
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
      return { observations: [], cursor: release.cursor ?? now, nextAt: now + retryAfterMs }
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
  ): Promise<TurnOutcome | 'lost'> {
    const hasCheckpoint = outcome.marksEvidence || this.#checkpointIsDue(release, outcome.at, read)
    if (outcome.events.length === 0 && results.length === 0 && !hasCheckpoint) {
      this.#keep(release, outcome, read)
      return outcome
    }
    const superseded = supersededSlots(outcome.events.map(event => event.body))
    const folded = results.map(result => result.slot)
    const commit = commitOf({ release, outcome, folded, cursor: read.cursor, hasCheckpoint, superseded })
    return this.#commit(release, outcome, read, commit)
  }

  async #commit(
    release: ResidentRelease,
    outcome: TurnOutcome,
    read: ReadObservations,
    commit: Commit,
  ): Promise<TurnOutcome | 'lost'> {
    const { faults, store, listener } = this.#options
    // Until the answer is here nobody knows whether it was taken.
    release.isUnsure = true
    faults.at('commit: before')
    const answer = await store.releases.commit(commit)
    faults.at('commit: after')
    if (answer === 'lost') {
      // An own write that had no answer would have been found out before deciding: this is another instance's.
      this.#options.log.info({ releaseId: release.id }, 'a commit was lost to another instance')
      this.#drop(release.id)
      return 'lost'
    }
    release.isUnsure = false
    this.#keep(release, outcome, read)
    release.state = outcome.state
    release.results = release.results.filter(result => !commit.folded.includes(result.slot))
    if (release.results.length > 0) release.isDue = true
    release.written = { status: outcome.status, at: outcome.at, wakeAt: outcome.wakeAt }
    if (commit.evidence !== null) release.checkpointAt = outcome.at
    listener.committed(release, commit)
    if (isOver(release)) this.#drop(release.id)
    else if (commit.plan !== null) await this.#reload(release.id)
    return outcome
  }

  #keep(release: ResidentRelease, outcome: TurnOutcome, read: ReadObservations): void {
    release.cursor = read.cursor
    release.decidedAt = outcome.at
    release.coveredUntil = outcome.at
    release.hasDecided = true
    release.wakeAt = outcome.wakeAt
    release.status = outcome.status
    if (saysSomethingElse(release.written.status, outcome.status)) this.#touches.tellSoon()
  }

  #checkpointIsDue(release: ResidentRelease, at: number, read: ReadObservations): boolean {
    if (release.checkpointAt === null) return true
    return at - release.checkpointAt >= this.#settings.checkpointEveryMs && read.cursor !== release.cursor
  }

  // ── Ownership ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #claim(now: number): Promise<number> {
    const { store, owner, faults } = this.#options
    this.residents.claimsAreDue = false
    this.#polledAt = now
    faults.at('claim: before')
    const loaded = await store.releases.claimDue(owner, this.#settings.claimLimit)
    faults.at('claim: after')
    for (const release of loaded) this.#adopt(release)
    if (loaded.length >= this.#settings.claimLimit) this.residents.claimsAreDue = true
    return loaded.length
  }

  async #claimOne(releaseId: string): Promise<ResidentRelease | null> {
    const { store, owner, faults } = this.#options
    faults.at('claim: before')
    const loaded = await store.releases.claim(owner, releaseId)
    faults.at('claim: after')
    return loaded === null ? null : this.#adopt(loaded)
  }

  async #reload(releaseId: string): Promise<ResidentRelease | null> {
    this.#drop(releaseId)
    return this.#claimOne(releaseId)
  }

  #adopt(loaded: LoadedRelease): ResidentRelease {
    const release = this.residents.add(loaded)
    if (release === null) return this.residents.get(loaded.id)!
    this.#options.listener.adopted(release)
    return release
  }

  #drop(releaseId: string): null {
    if (this.residents.remove(releaseId)) this.#options.listener.dropped(releaseId)
    return null
  }

  async #touch(now: number): Promise<number> {
    for (const id of await this.#touches.write(now, this.residents.all.values())) this.#drop(id)
    return 0
  }
}

function nameOf(release: ResidentRelease) {
  const { id, project, environment, plan, state } = release
  return { id, project, environment, plan, version: state.version }
}

function betterReadings(
  mine: Readonly<Record<string, HandReading>>,
  theirs: Readonly<Record<string, HandReading>>,
): Record<string, HandReading> {
  const merged = { ...theirs }
  for (const [hand, reading] of Object.entries(mine)) {
    const other = merged[hand]
    merged[hand] = other === undefined ? reading : betterReading(reading, other)
  }
  return merged
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
