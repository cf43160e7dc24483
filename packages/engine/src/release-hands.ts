import type { HandReading } from '@dankai/core'
import type { CompiledPlan, Exposure, Hand } from '@dankai/plan'
import type { DesiredExposure, HandRow, HandTarget } from './ports.ts'
import type { ResidentRelease } from './resident-release.ts'

/** What the reconciler knows of one release: what is desired, and where its hands are on the way there. */
export class ReleaseHands {
  readonly id: string
  readonly project: string
  readonly environment: string
  readonly plan: CompiledPlan
  desired: Exposure
  generation: number
  direction: DesiredExposure['direction']
  /** False for hands that are lowered here for an owner that does not get it done. */
  readonly isOwn: boolean
  /** When the store's generation was last compared with this one. */
  comparedAt = Number.NEGATIVE_INFINITY
  readonly #tasks = new Map<string, HandTask>()
  #raiseAt = Number.NEGATIVE_INFINITY
  #isReached: boolean
  /** Asked of every release in every run of the reconciler, and changed by few; undefined = changed since. */
  #nextAt: number | null | undefined

  constructor(
    release: { id: string; project: string; environment: string; plan: CompiledPlan },
    desired: DesiredExposure,
    isReached: boolean,
    isOwn: boolean,
  ) {
    this.isOwn = isOwn
    this.id = release.id
    this.project = release.project
    this.environment = release.environment
    this.plan = release.plan
    this.desired = desired.exposure
    this.generation = desired.generation
    this.direction = desired.direction
    this.#isReached = isReached
  }

  /** The release's state says that every hand is there: from now on a difference is drift. */
  get isReached(): boolean {
    return this.#isReached
  }

  set isReached(isReached: boolean) {
    this.#isReached = isReached
    this.#nextAt = undefined
  }

  /** When to go on with a raise. */
  get raiseAt(): number {
    return this.#raiseAt
  }

  set raiseAt(at: number) {
    this.#raiseAt = at
    this.#nextAt = undefined
  }

  static ofResident(release: ResidentRelease): ReleaseHands {
    const { exposure } = release.state
    const desired = { exposure: exposure.desired, generation: exposure.generation, direction: directionOf(release) }
    const hands = new ReleaseHands(release, desired, exposure.reached, true)
    for (const hand of release.plan.hands) hands.task(hand).resume(release.hands[hand.id] ?? null)
    return hands
  }

  static ofRows(plan: CompiledPlan, rows: readonly HandRow[]): ReleaseHands {
    const first = rows[0]!
    const { desired, generation, direction } = first
    const hands = new ReleaseHands(
      { id: first.releaseId, project: first.project, environment: first.environment, plan },
      { exposure: desired, generation, direction },
      false,
      false,
    )
    for (const row of rows) hands.task(row.hand).resume(row.reading)
    return hands
  }

  /** Only a newer generation is ever taken. */
  desire(desired: DesiredExposure): void {
    if (desired.generation <= this.generation) return
    this.desired = desired.exposure
    this.generation = desired.generation
    this.direction = desired.direction
    this.isReached = false
    this.raiseAt = Number.NEGATIVE_INFINITY
    for (const task of this.#tasks.values()) task.beginGeneration()
  }

  task(hand: Hand): HandTask {
    const known = this.#tasks.get(hand.id)
    if (known !== undefined) return known
    const task = new HandTask(hand, () => (this.#nextAt = undefined))
    this.#nextAt = undefined
    this.#tasks.set(hand.id, task)
    return task
  }

  /** What is being worked on looks by itself when it is done. */
  lookAgain(now: number): void {
    for (const task of this.#tasks.values())
      if (task.dueAt !== Number.POSITIVE_INFINITY) task.plan(Math.min(task.dueAt, now))
  }

  /** Every hand was read at its floor often enough to believe it. */
  get isDown(): boolean {
    return [...this.#tasks.values()].every(
      task => task.hasReached(this.generation) && (task.reading?.readings ?? 0) >= 2,
    )
  }

  targetOf(hand: Hand): HandTarget {
    const { id, project, environment, plan, desired, generation } = this
    return { releaseId: id, project, environment, hand, desired, generation, plan }
  }

  /** When some hand is due; null when nothing is desired yet. */
  nextAt(): number | null {
    if (this.#nextAt === undefined) this.#nextAt = this.#findNextAt()
    return this.#nextAt
  }

  #findNextAt(): number | null {
    if (this.generation === 0) return null
    if (this.direction !== 'lower' && !this.#isReached) return inSight(this.#raiseAt)
    let next = Number.POSITIVE_INFINITY
    for (const task of this.#tasks.values()) next = Math.min(next, task.dueAt)
    return inSight(next)
  }
}

/** One hand on its way. A later attempt (of a newer generation) takes over; the earlier one then plans nothing. */
export class HandTask {
  readonly hand: Hand
  reading: HandReading | null = null
  /** The reading as it was last written. */
  written: HandReading | null = null
  appliedGeneration: number | null = null
  appliedAt = Number.NEGATIVE_INFINITY
  /** Tries since it was last there, for the back-off. */
  tries = 0
  readonly #changed: () => void
  #dueAt = Number.NEGATIVE_INFINITY
  #attempt = 0
  #firstCallAt: number | null = null
  #isDisturbed = false
  #isResumed = false

  /** `changed` is told when it is due at another time. */
  constructor(hand: Hand, changed: () => void = () => {}) {
    this.hand = hand
    this.#changed = changed
  }

  /** Infinity while an attempt runs. */
  get dueAt(): number {
    return this.#dueAt
  }

  /** A call for an older generation may have moved it after the newest was set. */
  get isDisturbed(): boolean {
    return this.#isDisturbed
  }

  /** What the store knows of it. */
  resume(reading: HandReading | null): void {
    this.reading = reading
    this.written = reading
    this.#isResumed = true
  }

  /** True once after a take-over, as long as nothing newer was desired. */
  takeResumed(): boolean {
    const isResumed = this.#isResumed
    this.#isResumed = false
    return isResumed
  }

  beginGeneration(): void {
    this.#attempt++
    this.#isResumed = false
    this.plan(Number.NEGATIVE_INFINITY)
    this.#firstCallAt = null
    this.tries = 0
  }

  begin(): number {
    this.plan(Number.POSITIVE_INFINITY)
    return ++this.#attempt
  }

  isCurrent(attempt: number): boolean {
    return this.#attempt === attempt
  }

  beginCall(now: number): void {
    this.#isDisturbed = false
    this.#firstCallAt ??= now
  }

  wasApplied(generation: number, now: number): void {
    this.appliedGeneration = Math.max(this.appliedGeneration ?? 0, generation)
    this.appliedAt = now
  }

  disturb(now: number): void {
    this.#isDisturbed = true
    if (this.#dueAt !== Number.POSITIVE_INFINITY) this.plan(now)
  }

  plan(at: number): void {
    this.#dueAt = at
    this.#changed()
  }

  isTriedFor(ms: number, now: number): boolean {
    return this.#firstCallAt !== null && now - this.#firstCallAt >= ms
  }

  hasReached(generation: number): boolean {
    return this.reading !== null && this.reading.generation === generation && this.reading.reached && !this.#isDisturbed
  }
}

/** Which way a release was going when it was loaded: forward only while it is running and nothing was taken back. */
function directionOf(release: ResidentRelease): DesiredExposure['direction'] {
  const { lifecycle, exposure } = release.state
  if (lifecycle.kind !== 'running') return 'lower'
  return exposure.desired.share < exposure.previous.share ? 'lower' : 'raise'
}

function inSight(at: number): number | null {
  if (at === Number.POSITIVE_INFINITY) return null
  return Math.max(0, at)
}
