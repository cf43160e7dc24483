import { inOrderOfLowering, inOrderOfRaising } from './hand-order.ts'
import { type HandMode, HandWork, type HandWorkOptions } from './hand-work.ts'
import type { Commit, DesiredExposure, HandRow } from './ports.ts'
import { type HandTask, ReleaseHands } from './release-hands.ts'
import { hasEnded, type ResidentRelease } from './resident-release.ts'
import type { EngineSettings } from './settings.ts'
import { detailOf, Lane } from './work.ts'

/**
 * Drives the hands of releases to what is desired, and reads them back.
 *
 *   raise: one hand after the other, each confirmed by a reading before the next; needs the lease and the generation
 *   lower: all hands at once; needs nothing but a newer generation; retried for ever
 *   watch: reached hands are read again; above desired is lowered at once, below is reported and a person decides
 *
 * Invariants
 *  1. Nothing raises without the lease, and nothing raises for a generation that is not the newest known.
 *  2. Lowering asks neither the store nor another hand: a failing or hanging hand delays only itself.
 *  3. A generation decided elsewhere is lowered here too as soon as it is seen, and never raised.
 */
export interface ReconcilerOptions extends HandWorkOptions {
  /** True while this instance holds the lease of the release. */
  readonly mayRaise: (releaseId: string) => boolean
  /** Somebody else decided on this release. */
  readonly outpaced: (releaseId: string) => void
}

/** The owner lowers at once; others help when it did not get there in this time. */
const helpAfterMs = 2_000
/** How often a release on its way is compared with what the store desires, for an owner that is none any more. */
const compareEveryMs = 5_000
const handsPerPoll = 200

export class Reconciler {
  readonly #options: ReconcilerOptions
  readonly #settings: EngineSettings
  readonly #work: HandWork
  readonly #releases = new Map<string, ReleaseHands>()
  readonly #lowering: Lane
  readonly #raising: Lane
  readonly #watching: Lane
  readonly #polling: Lane
  #polledAt = Number.NEGATIVE_INFINITY

  constructor(options: ReconcilerOptions) {
    this.#options = options
    this.#settings = options.settings
    this.#work = new HandWork(options, {
      find: releaseId => this.#releases.get(releaseId) ?? null,
      isStillWanted: (hands, generation) => this.#isStillWanted(hands, generation),
      finished: hands => this.#releases.delete(hands.id),
    })
    this.#lowering = new Lane(options.settings.lanes.lower, options.work)
    this.#raising = new Lane(options.settings.lanes.raise, options.work)
    this.#watching = new Lane(options.settings.lanes.observe, options.work)
    this.#polling = new Lane(1, options.work)
  }

  // ── What is desired ───────────────────────────────────────────────────────────────────────────────────────────────

  adopted(release: ResidentRelease): void {
    if (hasEnded(release.state)) return this.dropped(release.id)
    this.#releases.set(release.id, ReleaseHands.ofResident(release))
  }

  committed(release: ResidentRelease, commit: Pick<Commit, 'desired' | 'ended'>): void {
    const hands = this.#releases.get(release.id)
    if (hands === undefined) return
    if (commit.ended) return this.dropped(release.id)
    if (commit.desired !== null) hands.desire(commit.desired)
    hands.isReached = release.state.exposure.reached
  }

  /** Lowering that could not be written down: it is done all the same. */
  lowerUnwritten(releaseId: string, desired: DesiredExposure): void {
    this.#releases.get(releaseId)?.desire(desired)
  }

  /** What another instance read counts here too. */
  handsRead(release: ResidentRelease): void {
    const hands = this.#releases.get(release.id)
    for (const hand of hands?.plan.hands ?? []) {
      const reading = release.hands[hand.id]
      if (reading !== undefined) hands!.task(hand).reading = reading
    }
  }

  dropped(releaseId: string): void {
    this.#releases.delete(releaseId)
  }

  lookAgain(): void {
    for (const hands of this.#releases.values()) hands.lookAgain(this.#now())
  }

  // ── Due work ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Starts all that is due and waits for none of it. Returns how much it started. */
  run(now: number): number {
    let started = 0
    if (now - this.#polledAt >= this.#settings.pollEveryMs) started += this.#startPoll(now)
    for (const hands of this.#releases.values()) {
      if ((hands.nextAt() ?? Number.POSITIVE_INFINITY) > now) continue
      if (hands.direction === 'lower') started += this.#startLowering(hands, now)
      else if (!hands.isReached) started += this.#startRaising(hands, now)
      else if (this.#watching.free > 0) started += this.#startWatching(hands, now)
    }
    return started
  }

  nextDue(): number | null {
    let next: number | null = null
    for (const hands of this.#releases.values()) {
      const at = hands.nextAt()
      if (at !== null && (next === null || at < next)) next = at
    }
    return next
  }

  #startLowering(hands: ReleaseHands, now: number): number {
    // A raise of an older generation may still be in flight; lowering has its own key and does not wait for it.
    const key = (task: HandTask) => `${hands.id} ${task.hand.id} ${hands.generation}`
    const tasks = inOrderOfLowering(hands.plan.hands).map(hand => hands.task(hand))
    return this.#startTasks(this.#lowering, hands, tasks, 'lower', key, now)
  }

  #startRaising(hands: ReleaseHands, now: number): number {
    if (hands.raiseAt > now) return 0
    if (!this.#options.mayRaise(hands.id)) {
      hands.raiseAt = now + this.#settings.beatEveryMs
      return 0
    }
    return this.#raising.start(hands.id, () => this.#raise(hands)) ? 1 : 0
  }

  #startWatching(hands: ReleaseHands, now: number): number {
    const key = (task: HandTask) => `${hands.id} ${task.hand.id}`
    const tasks = hands.plan.hands.map(hand => hands.task(hand))
    return this.#startTasks(this.#watching, hands, tasks, 'watch', key, now)
  }

  #startTasks(
    lane: Lane,
    hands: ReleaseHands,
    tasks: readonly HandTask[],
    mode: HandMode,
    keyOf: (task: HandTask) => string,
    now: number,
  ): number {
    let started = 0
    for (const task of tasks) {
      if (task.dueAt <= now && lane.start(keyOf(task), () => this.#work.attempt(hands, task, mode))) started++
    }
    return started
  }

  // ── Raising ───────────────────────────────────────────────────────────────────────────────────────────────────────

  async #raise(hands: ReleaseHands): Promise<void> {
    const { generation } = hands
    hands.raiseAt = Number.POSITIVE_INFINITY
    for (const hand of inOrderOfRaising(hands.plan.hands)) {
      const task = hands.task(hand)
      if (task.hasReached(generation) && task.dueAt > this.#now()) continue
      const progress = await this.#work.attempt(hands, task, 'raise')
      if (hands.generation !== generation) return
      if (progress === 'reached') continue
      hands.raiseAt = task.dueAt
      return
    }
    // Every hand is there; the decision that says so moves the release on. Look again should it not come.
    hands.raiseAt = this.#now() + this.#settings.observeEveryMs
  }

  /** The store is asked last before a raise: what has a newer generation, or has ended, is not raised. */
  async #isStillWanted(hands: ReleaseHands, generation: number): Promise<boolean> {
    const [newest] = await this.#options.store.hands.handsOf(hands.id)
    if (newest === undefined) return false
    this.#compare(hands, newest)
    return newest.generation === generation && hands.generation === generation && this.#options.mayRaise(hands.id)
  }

  // ── Hands of others ───────────────────────────────────────────────────────────────────────────────────────────────

  #startPoll(now: number): number {
    this.#polledAt = now
    return this.#polling.start('poll', () => this.#poll(now)) ? 1 : 0
  }

  /** Lowering that its owner does not get done is taken on here, lease or not. */
  async #poll(now: number): Promise<void> {
    const { store, log } = this.#options
    try {
      const ids = await store.hands.handsDue(this.#settings.recordEveryMs * 2, handsPerPoll)
      for (const id of ids) await this.#help(id, now)
    } catch (error) {
      log.warn({ detail: detailOf(error) }, 'hands of other instances could not be read')
    }
  }

  async #help(releaseId: string, now: number): Promise<void> {
    const { hands, releases } = this.#options.store
    const known = this.#releases.get(releaseId)
    if (known !== undefined && now - known.comparedAt < compareEveryMs) return
    const rows = await hands.handsOf(releaseId)
    const [first] = rows
    if (known !== undefined && first !== undefined) return this.#compare(known, first)
    if (first === undefined || first.direction !== 'lower' || now - first.desiredAt < helpAfterMs) return
    if (
      rows.every(row => row.reading?.generation === row.generation && row.reading.reached && row.reading.readings >= 2)
    )
      return
    const plan = await releases.readPlan(releaseId)
    if (plan !== null && !this.#releases.has(releaseId)) this.#releases.set(releaseId, ReleaseHands.ofRows(plan, rows))
  }

  /** A generation that was not decided here: somebody else owns the release by now. Its lowering is done all the same. */
  #compare(known: ReleaseHands, row: HandRow): void {
    known.comparedAt = this.#now()
    if (row.generation <= known.generation) return
    const { desired: exposure, generation, direction } = row
    if (direction === 'lower') known.desire({ exposure, generation, direction })
    this.#options.outpaced(known.id)
  }

  #now(): number {
    return this.#options.clock.latest()
  }
}
