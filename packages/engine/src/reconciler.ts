import type { HandReading } from '@dankai/core'
import type { Hand } from '@dankai/plan'
import { backOffMs } from './back-off.ts'
import type { EngineClock } from './engine-clock.ts'
import type { EngineLog, EngineStore } from './engine-options.ts'
import type { Faults } from './fault-points.ts'
import { inOrderOfLowering, inOrderOfRaising, shareWanted } from './hand-order.ts'
import { type HandAnswer, isWorthWriting, nextReading } from './hand-reading.ts'
import type { Commit, DesiredExposure, HandDriver, HandRow, HandTarget } from './ports.ts'
import { type HandTask, ReleaseHands } from './release-hands.ts'
import { hasEnded, type ResidentRelease } from './resident-release.ts'
import type { EngineSettings } from './settings.ts'
import { detailOf, Lane, type Work } from './work.ts'

/**
 * Drives the hands of releases to what is desired, and reads them back.
 *
 *   raise: one hand after the other, each confirmed by a reading before the next; needs the lease and the generation
 *   lower: all hands at once; needs nothing but a newer generation; retried for ever
 *   watch: reached hands are read again; above desired is lowered at once, below is reported and a person decides
 *
 * Invariants
 *  1. Nothing raises without the lease, and nothing raises for a generation that is not the newest known.
 *  2. A hand that was called for an older generation is set again to the newest when that call ends, however late:
 *     its late effect cannot stay.
 *  3. Lowering asks neither the store nor another hand: a failing or hanging hand delays only itself.
 *  4. A reading counts for the generation it was asked for; what cannot be read has no share.
 */
export interface ReconcilerOptions {
  readonly store: EngineStore
  readonly drivers: readonly HandDriver[]
  readonly clock: EngineClock
  readonly settings: EngineSettings
  readonly faults: Faults
  readonly log: EngineLog
  readonly work: Work
  readonly random: () => number
  /** True while this instance holds the lease of the release. */
  readonly mayRaise: (releaseId: string) => boolean
  /** Somebody else decided on this release. */
  readonly outpaced: (releaseId: string) => void
  readonly handRead: (releaseId: string, handId: string, reading: HandReading) => void
}

/** The owner lowers at once; others help when it did not get there in this time. */
const helpAfterMs = 2_000
const raiseWithinMs = 300_000
/** Setting a hand again that took the call and is not there yet: a controller may have dropped it. */
const applyAgainAfterMs = 30_000
const handsPerPoll = 200

type Mode = 'raise' | 'lower' | 'watch'
type Progress = 'reached' | 'waiting'

export class Reconciler {
  readonly #options: ReconcilerOptions
  readonly #settings: EngineSettings
  readonly #drivers: ReadonlyMap<string, HandDriver>
  readonly #releases = new Map<string, ReleaseHands>()
  readonly #lowering: Lane
  readonly #raising: Lane
  readonly #watching: Lane
  readonly #polling: Lane
  #polledAt = Number.NEGATIVE_INFINITY

  constructor(options: ReconcilerOptions) {
    this.#options = options
    this.#settings = options.settings
    this.#drivers = new Map(options.drivers.map(driver => [driver.kind, driver]))
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
      if (hands.generation === 0) continue
      if (hands.direction === 'lower') started += this.#startLowering(hands, now)
      else if (!hands.isReached) started += this.#startRaising(hands, now)
      else started += this.#startWatching(hands, now)
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
    let started = 0
    for (const hand of inOrderOfLowering(hands.plan.hands)) {
      const task = hands.task(hand)
      if (task.dueAt > now) continue
      // A raise of an older generation may still be in flight; lowering has its own key and does not wait for it.
      const key = `${hands.id} ${hand.id} ${hands.generation}`
      if (this.#lowering.start(key, () => this.#guarded(hands, task, () => this.#drive(hands, task, 'lower'))))
        started++
    }
    return started
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
    let started = 0
    for (const hand of hands.plan.hands) {
      const task = hands.task(hand)
      if (task.dueAt > now) continue
      const key = `${hands.id} ${hand.id}`
      if (this.#watching.start(key, () => this.#guarded(hands, task, () => this.#drive(hands, task, 'watch'))))
        started++
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
      const progress = await this.#guarded(hands, task, () => this.#drive(hands, task, 'raise'))
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

  // ── One hand ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Work on a hand that fails in an unforeseen way is tried again like any other. */
  async #guarded(hands: ReleaseHands, task: HandTask, run: () => Promise<Progress>): Promise<Progress> {
    try {
      return await run()
    } catch (error) {
      const detail = detailOf(error)
      this.#options.log.warn({ releaseId: hands.id, hand: task.hand.id, detail }, 'a hand could not be worked on')
      return this.#retryLater(task)
    }
  }

  async #drive(hands: ReleaseHands, task: HandTask, mode: Mode): Promise<Progress> {
    const driver = this.#drivers.get(task.hand.kind)
    if (driver === undefined) return this.#reportMissing(hands, task)
    const target = hands.targetOf(task.hand)
    const attempt = task.begin()
    const way = hands.direction === 'lower' ? 'lower' : 'raise'
    if (mode === 'raise' && task.takeResumed()) {
      // After a take-over the call may have been made already: what is there is not set a second time.
      const progress = await this.#readBack(hands, task, driver, target, mode, attempt)
      if (progress === 'reached' || !task.isCurrent(attempt)) return progress
    }
    if (needsApply(task, target.generation, mode, this.#now())) {
      const problem = await this.#apply(hands, task, driver, target, way)
      if (!task.isCurrent(attempt) || hands.generation !== target.generation) return 'waiting'
      if (problem !== null) return this.#reportUnreadable(hands, task, problem)
      this.#options.faults.at(way === 'raise' ? 'raise: between apply and read' : 'lower: between apply and read')
    }
    return this.#readBack(hands, task, driver, target, mode, attempt)
  }

  async #readBack(
    hands: ReleaseHands,
    task: HandTask,
    driver: HandDriver,
    target: HandTarget,
    mode: Mode,
    attempt: number,
  ): Promise<Progress> {
    const answer = await this.#read(driver, target)
    if (mode === 'watch' && isAbove(answer, task.hand, target)) await this.#apply(hands, task, driver, target, 'lower')
    if (!task.isCurrent(attempt) || hands.generation !== target.generation) return 'waiting'
    await this.#record(hands, task, driver, answer)
    return task.isCurrent(attempt) ? this.#schedule(hands, task, driver, mode) : 'waiting'
  }

  /** null when the hand took it; else what went wrong. */
  async #apply(
    hands: ReleaseHands,
    task: HandTask,
    driver: HandDriver,
    target: HandTarget,
    way: 'raise' | 'lower',
  ): Promise<string | null> {
    if (way === 'raise' && !(await this.#isStillWanted(hands, target.generation)))
      return 'not raised: the lease is not held here'
    const timeoutMs = way === 'raise' ? this.#settings.raiseTimeoutMs : this.#settings.lowerTimeoutMs
    task.beginCall(this.#now())
    this.#options.faults.at(way === 'raise' ? 'raise: before apply' : 'lower: before apply')
    const call = () =>
      driver.apply(target, timeoutMs).finally(() => this.#noteLateEffect(hands.id, task.hand, target.generation))
    const result = await this.#options.work.call(timeoutMs, call)
    if (result.kind !== 'answered') return `could not be set: ${result.detail}`
    task.wasApplied(target.generation, this.#now())
    // Another instance may have lowered meanwhile: then this call came too late, and the newer one is set again.
    if (way === 'raise' && !(await this.#isStillWanted(hands, target.generation))) {
      this.#noteLateEffect(hands.id, task.hand, target.generation)
    }
    return null
  }

  /** A call for an older generation ended: whatever it did is undone by setting the newest again. */
  #noteLateEffect(releaseId: string, hand: Hand, generation: number): void {
    const hands = this.#releases.get(releaseId)
    if (hands === undefined || hands.generation === generation) return
    hands.task(hand).disturb(this.#now())
  }

  async #read(driver: HandDriver, target: HandTarget): Promise<HandAnswer> {
    const { readTimeoutMs } = this.#settings
    const result = await this.#options.work.call(readTimeoutMs, () => driver.read(target, readTimeoutMs))
    if (result.kind === 'answered') return { kind: 'read', ...result.value }
    return { kind: 'unreadable', problem: `could not be read: ${result.detail}` }
  }

  async #record(hands: ReleaseHands, task: HandTask, driver: HandDriver, answer: HandAnswer): Promise<void> {
    const now = await this.#options.clock.now()
    const reading = nextReading(task.reading, answer, hands.generation, driver.settleMs, now)
    const isOverdue =
      !reading.reached && !hands.isReached && task.isTriedFor(driver.raiseWithinMs ?? raiseWithinMs, now)
    const problem = isOverdue ? 'took the change and did not get there in time' : null
    await this.#keep(hands, task, { ...reading, problem: reading.problem ?? problem })
  }

  async #keep(hands: ReleaseHands, task: HandTask, reading: HandReading): Promise<void> {
    const { faults, store, log, handRead } = this.#options
    task.reading = reading
    handRead(hands.id, task.hand.id, reading)
    if (!isWorthWriting(task.written, reading, this.#settings.recordEveryMs)) return
    faults.at('reading: before record')
    try {
      await store.hands.recordReading(hands.id, task.hand.id, reading)
      task.written = reading
    } catch (error) {
      // The hand was moved all the same; what it said is written with the next reading.
      log.warn({ releaseId: hands.id, hand: task.hand.id, detail: detailOf(error) }, 'a reading could not be written')
    }
    faults.at('reading: after record')
  }

  #schedule(hands: ReleaseHands, task: HandTask, driver: HandDriver, mode: Mode): Progress {
    const { reading } = task
    if (task.isDisturbed) {
      task.plan(this.#now())
      return 'waiting'
    }
    if (reading === null || !reading.reached) {
      if (mode !== 'watch' || reading === null || reading.share === null) return this.#retryLater(task)
      task.plan(this.#now() + this.#settings.observeEveryMs)
      return 'waiting'
    }
    task.tries = 0
    if (!hands.isOwn && hands.isDown) this.#releases.delete(hands.id)
    const needsSecond = hands.direction === 'lower' && reading.readings < 2
    task.plan(
      needsSecond ? Math.max(this.#now(), reading.at + driver.settleMs) : this.#now() + this.#settings.observeEveryMs,
    )
    return 'reached'
  }

  #retryLater(task: HandTask): Progress {
    const { settleFirstMs, retryMostMs } = this.#settings
    task.tries++
    task.plan(this.#now() + backOffMs(task.tries, settleFirstMs, retryMostMs, this.#options.random))
    return 'waiting'
  }

  #reportMissing(hands: ReleaseHands, task: HandTask): Promise<Progress> {
    const known = [...this.#drivers.keys()].join(', ') || 'none'
    const problem = `Cannot move hand "${task.hand.id}": found no integration of kind "${task.hand.kind}", expected one of ${known}. Connect it, or roll back by hand.`
    return this.#reportUnreadable(hands, task, problem)
  }

  async #reportUnreadable(hands: ReleaseHands, task: HandTask, problem: string): Promise<Progress> {
    const now = await this.#options.clock.now()
    await this.#keep(hands, task, nextReading(task.reading, { kind: 'unreadable', problem }, hands.generation, 0, now))
    return this.#retryLater(task)
  }

  #now(): number {
    return this.#options.clock.latest()
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
    if (row.generation <= known.generation) return
    const { desired: exposure, generation, direction } = row
    if (direction === 'lower') known.desire({ exposure, generation, direction })
    this.#options.outpaced(known.id)
  }
}

function needsApply(task: HandTask, generation: number, mode: Mode, now: number): boolean {
  if (task.isDisturbed) return true
  if (mode === 'watch') return false
  if (task.appliedGeneration !== generation) return true
  if (task.reading?.generation === generation && task.reading.reached) return false
  return mode === 'lower' || now - task.appliedAt >= applyAgainAfterMs
}

function isAbove(answer: HandAnswer, hand: Hand, target: HandTarget): boolean {
  if (answer.kind !== 'read' || answer.reached || answer.share === null) return false
  return answer.share > shareWanted(hand, target.desired) + 1e-9
}
