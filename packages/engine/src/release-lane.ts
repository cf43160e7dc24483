import type { HandReading, Refusal, ReleaseState, ReleaseStatus } from '@dankai/core'
import { betterReading } from './hand-reading.ts'
import type { OwnerName } from './owner-name.ts'
import type { Commit, LoadedRelease, ReleaseInbox, ReleaseStore } from './ports.ts'
import { ReleaseTouches } from './release-touches.ts'
import { ReleaseTurns, type ReleaseTurnsOptions } from './release-turns.ts'
import { isOver, type ResidentRelease } from './resident-release.ts'
import { Residents } from './residents.ts'
import type { EngineSettings } from './settings.ts'
import { Together } from './together.ts'
import type { Deed, TurnOutcome } from './turn.ts'
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
 *  4. What was done without the database is written with the first turn after it, before that turn decides anything:
 *     the samples of that time would give a cause that is not the one.
 */
export interface ReleaseLaneOptions extends ReleaseTurnsOptions {
  readonly ownerName: OwnerName
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

interface AskedMail {
  readonly id: string
  readonly fence: number
  /** Left undefined when the release is not this instance's any more. */
  found: ReleaseInbox | undefined
}

/** After a failed turn a release waits this long, unless something arrives. */
const retryAfterMs = 1_000
/** A person's action meets another owner at most this often in a row. */
const actAttempts = 5

export class ReleaseLane {
  readonly #options: ReleaseLaneOptions
  readonly #settings: EngineSettings
  readonly #lane: Lane
  readonly residents = new Residents()
  readonly #turns: ReleaseTurns
  /** The turn each release is in, for the next one to wait for. */
  readonly #running = new Map<string, Promise<unknown>>()
  readonly #touches: ReleaseTouches
  readonly #mail = new Together<AskedMail>(asked => this.#readMail(asked))
  readonly #unwritten = new Map<string, Deed>()
  #polledAt = Number.NEGATIVE_INFINITY
  #expectedBy: number | null = null
  #hasLostAnswer = false

  constructor(options: ReleaseLaneOptions) {
    this.#options = options
    this.#settings = options.settings
    this.#lane = new Lane(options.settings.lanes.decide, options.work)
    this.#touches = new ReleaseTouches(options)
    this.#turns = new ReleaseTurns(options, id => this.#touches.tellSoon(id))
  }

  // ── Turns ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Starts every turn that is due, claims what nobody owns, writes what moved. Returns how much it did. */
  async run(now: number): Promise<number> {
    this.cover(now)
    this.#expectedBy = null
    let done = this.#startDue(now)
    if (this.residents.claimsAreDue || now - this.#polledAt >= this.#settings.pollEveryMs) {
      done += await this.#tried(() => this.#claim(now), 'releases could not be claimed')
      done += this.#startDue(now)
    }
    if (this.#touches.isDue(now)) await this.#tried(() => this.#touch(now), 'what moved could not be written')
    return done
  }

  /** Says that releases were watched until now; what arrives after it covers nothing. */
  cover(now: number): void {
    this.residents.cover(now, this.#expectedBy, this.#settings.decideEveryMs)
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
    const before = this.#running.get(releaseId)
    const turn = before === undefined ? run() : before.then(run, run)
    this.#running.set(releaseId, turn)
    try {
      return await turn
    } finally {
      if (this.#running.get(releaseId) === turn) this.#running.delete(releaseId)
    }
  }

  async #lookAt(release: ResidentRelease): Promise<void> {
    const current = await this.#present(release)
    if (current !== null) await this.#turn(current, null)
  }

  async #do(release: ResidentRelease, deed: Deed): Promise<ActResult | 'again'> {
    // A refusal is an answer too, and no commit would find out that it was given from an old state.
    release.hasMail = true
    const current = await this.#present(release)
    if (current === null) return 'again'
    this.#options.faults.at('act: before commit')
    const outcome = await this.#turn(current, deed).catch(error => {
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
    if (mail === undefined) return this.#drop(release.id, release)
    if (release.isUnsure || mail.seq !== release.state.seq) return this.#reload(release.id)
    release.results = [...mail.results]
    release.hands = betterReadings(release.hands, mail.hands)
    this.#options.listener.handsRead(release)
    return release
  }

  /** What comes while it is read is mail again. */
  async #openMail(release: ResidentRelease): Promise<ReleaseInbox | undefined> {
    release.hasMail = false
    const asked: AskedMail = { id: release.id, fence: release.fence, found: undefined }
    try {
      await this.#mail.add(asked)
      return asked.found
    } catch (error) {
      release.hasMail = true
      throw error
    }
  }

  async #readMail(asked: readonly AskedMail[]): Promise<void> {
    const mail = await this.#options.store.releases.inbox(asked.map(({ id, fence }) => ({ id, fence })))
    const byId = new Map(mail.map(inbox => [inbox.id, inbox]))
    for (const one of asked) one.found = byId.get(one.id)
  }

  /** What becomes of a turn: memory follows the store. */
  async #turn(release: ResidentRelease, deed: Deed | null): Promise<TurnOutcome | 'lost'> {
    const unwritten = this.#unwritten.get(release.id) ?? null
    const taken = await this.#turns.take(release, { unwritten, deed })
    if (taken.kind !== 'lost') this.#unwritten.delete(release.id)
    if (taken.kind === 'quiet') return taken.outcome
    if (taken.kind === 'lost') {
      // An own write that had no answer would have been found out before deciding: this is another instance's.
      this.#options.log.info({ releaseId: release.id }, 'a commit was lost to another instance')
      this.#drop(release.id, release)
      return 'lost'
    }
    this.#options.listener.committed(release, taken.commit)
    if (isOver(release)) this.#drop(release.id)
    else if (taken.commit.plan !== null) await this.#reload(release.id)
    return taken.outcome
  }

  // ── Without the database ──────────────────────────────────────────────────────────────────────────────────────────

  /** What would be decided from memory alone; see ReleaseTurns. */
  async judgeOffline(release: ResidentRelease, now: number): Promise<TurnOutcome | null> {
    return this.#exclusively(release.id, async () =>
      this.residents.holds(release) ? this.#turns.judgeOffline(release, now) : null,
    )
  }

  /** Releases on which something was done that is not written yet. */
  get unwritten(): ReadonlyMap<string, Deed> {
    return this.#unwritten
  }

  /** Somebody has done this without the database; the next turn writes it. */
  doneUnwritten(releaseId: string, deed: Deed): void {
    this.#unwritten.set(releaseId, deed)
  }

  async writeUnwritten(releaseId: string): Promise<void> {
    if (!(await this.turn(releaseId))) this.#unwritten.delete(releaseId)
  }

  // ── Ownership ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #claim(now: number): Promise<number> {
    const { claimLimit } = this.#settings
    this.residents.claimsAreDue = false
    this.#polledAt = now
    const loaded = await this.#ask((store, owner) => store.claimDue(owner, claimLimit))
    if (loaded.length >= claimLimit) this.residents.claimsAreDue = true
    this.#turns.prepare(
      loaded.filter(release => this.residents.holds(release)),
      now,
    )
    return loaded.length
  }

  async #claimOne(releaseId: string): Promise<ResidentRelease | null> {
    const [release] = await this.#ask(async (store, owner) => {
      const loaded = await store.claim(owner, releaseId)
      return loaded === null ? [] : [loaded]
    })
    return release ?? null
  }

  /** In memory it stays until the store has answered: without the database it is all there is. */
  async #reload(releaseId: string): Promise<ResidentRelease | null> {
    return (await this.#claimOne(releaseId)) ?? this.#drop(releaseId)
  }

  /** Once the store answers again after an answer was lost, the name is given up: see OwnerName. */
  async #ask(
    claim: (store: ReleaseStore, owner: string) => Promise<readonly LoadedRelease[]>,
  ): Promise<readonly ResidentRelease[]> {
    const { store, ownerName, faults } = this.#options
    const owner = ownerName.current
    faults.at('claim: before')
    const loaded = await claim(store.releases, owner).catch(error => {
      this.#hasLostAnswer = true
      throw error
    })
    faults.at('claim: after')
    if (this.#hasLostAnswer) ownerName.renew()
    this.#hasLostAnswer = false
    return loaded.map(release => this.#adopt(release, owner))
  }

  #adopt(loaded: LoadedRelease, owner: string): ResidentRelease {
    const release = this.residents.add(loaded, owner)
    if (release === null) return this.residents.get(loaded.id)!
    this.#options.listener.adopted(release)
    return release
  }

  /** Of two claims of one release that crossed, the older may be found out after the newer is in memory: that one stays. */
  #drop(releaseId: string, lost: ResidentRelease | null = null): null {
    if (lost !== null && !this.residents.holds(lost)) return null
    if (this.residents.remove(releaseId)) this.#options.listener.dropped(releaseId)
    return null
  }

  async #touch(now: number): Promise<number> {
    const touched = new Map(this.residents.all)
    for (const id of await this.#touches.write(now, touched)) this.#drop(id, touched.get(id))
    return 0
  }
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
