import type { HandReading } from '@dankai/core'
import type { Hand } from '@dankai/plan'
import { backOffMs } from './back-off.ts'
import type { EngineClock } from './engine-clock.ts'
import type { EngineLog, EngineStore } from './engine-options.ts'
import type { Faults } from './fault-points.ts'
import { shareWanted } from './hand-order.ts'
import { type HandAnswer, isWorthWriting, nextReading } from './hand-reading.ts'
import type { HandMover, HandTarget } from './ports.ts'
import type { HandTask, ReleaseHands } from './release-hands.ts'
import type { EngineSettings } from './settings.ts'
import { detailOf, type Work } from './work.ts'

export interface HandWorkOptions {
  readonly store: EngineStore
  readonly movers: readonly HandMover[]
  readonly clock: EngineClock
  readonly settings: EngineSettings
  readonly faults: Faults
  readonly log: EngineLog
  readonly work: Work
  readonly random: () => number
  readonly handRead: (releaseId: string, handId: string, reading: HandReading) => void
}

/** What the work on one hand needs to know of the whole. */
export interface HandSurroundings {
  /** Hands of a release as they are known now; null when nobody works on them any more. */
  find(releaseId: string): ReleaseHands | null
  /** Asked last before a raise: the lease, and that the generation is the newest anywhere. */
  isStillWanted(hands: ReleaseHands, generation: number): Promise<boolean>
  /** Every hand lowered for another instance is down. */
  finished(hands: ReleaseHands): void
}

const raiseWithinMs = 300_000
/** Setting a hand again that took the call and is not there yet: a controller may have dropped it. */
const applyAgainAfterMs = 30_000

export type HandMode = 'raise' | 'lower' | 'watch'
export type HandProgress = 'reached' | 'waiting'

/**
 * One attempt on one hand: set it where that is needed, read it back, write down what it said, plan the next attempt.
 *
 * Invariants
 *  1. A hand that was called for an older generation is set again to the newest when that call ends, however late: its
 *     late effect cannot stay.
 *  2. A reading counts for the generation it was asked for; what cannot be read has no share.
 *  3. An attempt that a newer generation overtook plans nothing.
 */
export class HandWork {
  readonly #options: HandWorkOptions
  readonly #settings: EngineSettings
  readonly #around: HandSurroundings
  readonly #movers: ReadonlyMap<string, HandMover>

  constructor(options: HandWorkOptions, around: HandSurroundings) {
    this.#options = options
    this.#settings = options.settings
    this.#around = around
    this.#movers = new Map(options.movers.map(mover => [mover.kind, mover]))
  }

  /** Work that fails in an unforeseen way is tried again like any other. */
  async attempt(hands: ReleaseHands, task: HandTask, mode: HandMode): Promise<HandProgress> {
    try {
      return await this.#drive(hands, task, mode)
    } catch (error) {
      const detail = detailOf(error)
      this.#options.log.warn({ releaseId: hands.id, hand: task.hand.id, detail }, 'a hand could not be worked on')
      return this.#retryLater(task)
    }
  }

  async #drive(hands: ReleaseHands, task: HandTask, mode: HandMode): Promise<HandProgress> {
    const mover = this.#movers.get(task.hand.kind)
    if (mover === undefined) return this.#reportMissing(hands, task)
    const target = hands.targetOf(task.hand)
    const attempt = task.begin()
    const way = hands.direction === 'lower' ? 'lower' : 'raise'
    if (mode === 'raise' && task.takeResumed()) {
      // After a take-over the call may have been made already: what is there is not set a second time.
      const progress = await this.#readBack(hands, task, mover, target, mode, attempt)
      if (progress === 'reached' || !task.isCurrent(attempt)) return progress
    }
    if (needsApply(task, target.generation, mode, this.#now())) {
      const problem = await this.#apply(hands, task, mover, target, way)
      if (!task.isCurrent(attempt) || hands.generation !== target.generation) return 'waiting'
      if (problem !== null) return this.#reportUnreadable(hands, task, problem)
      this.#options.faults.at(way === 'raise' ? 'raise: between apply and read' : 'lower: between apply and read')
    }
    return this.#readBack(hands, task, mover, target, mode, attempt)
  }

  async #readBack(
    hands: ReleaseHands,
    task: HandTask,
    mover: HandMover,
    target: HandTarget,
    mode: HandMode,
    attempt: number,
  ): Promise<HandProgress> {
    const answer = await this.#read(mover, target)
    if (mode === 'watch' && isAbove(answer, task.hand, target)) await this.#apply(hands, task, mover, target, 'lower')
    if (!task.isCurrent(attempt) || hands.generation !== target.generation) return 'waiting'
    await this.#record(hands, task, mover, answer)
    return task.isCurrent(attempt) ? this.#schedule(hands, task, mover, mode) : 'waiting'
  }

  /** null when the hand took it; else what went wrong. */
  async #apply(
    hands: ReleaseHands,
    task: HandTask,
    mover: HandMover,
    target: HandTarget,
    way: 'raise' | 'lower',
  ): Promise<string | null> {
    if (way === 'raise' && !(await this.#around.isStillWanted(hands, target.generation)))
      return 'not raised: the lease is not held here'
    const timeoutMs = way === 'raise' ? this.#settings.raiseTimeoutMs : this.#settings.lowerTimeoutMs
    task.beginCall(this.#now())
    this.#options.faults.at(way === 'raise' ? 'raise: before apply' : 'lower: before apply')
    const call = () =>
      mover.apply(target, timeoutMs).finally(() => this.#noteLateEffect(hands.id, task.hand, target.generation))
    const result = await this.#options.work.call(timeoutMs, call)
    if (result.kind !== 'answered') return `could not be set: ${result.detail}`
    task.wasApplied(target.generation, this.#now())
    // Another instance may have lowered meanwhile: then this call came too late, and the newer one is set again.
    if (way === 'raise' && !(await this.#around.isStillWanted(hands, target.generation))) {
      this.#noteLateEffect(hands.id, task.hand, target.generation)
    }
    return null
  }

  /** A call for an older generation ended: whatever it did is undone by setting the newest again. */
  #noteLateEffect(releaseId: string, hand: Hand, generation: number): void {
    const hands = this.#around.find(releaseId)
    if (hands === null || hands.generation === generation) return
    hands.task(hand).disturb(this.#now())
  }

  async #read(mover: HandMover, target: HandTarget): Promise<HandAnswer> {
    const { readTimeoutMs } = this.#settings
    const result = await this.#options.work.call(readTimeoutMs, () => mover.read(target, readTimeoutMs))
    if (result.kind === 'answered') return { kind: 'read', ...result.value }
    return { kind: 'unreadable', problem: `could not be read: ${result.detail}` }
  }

  async #record(hands: ReleaseHands, task: HandTask, mover: HandMover, answer: HandAnswer): Promise<void> {
    const now = await this.#options.clock.now()
    const reading = nextReading(task.reading, answer, hands.generation, mover.settleMs, now)
    const isOverdue = !reading.reached && !hands.isReached && task.isTriedFor(mover.raiseWithinMs ?? raiseWithinMs, now)
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

  #schedule(hands: ReleaseHands, task: HandTask, mover: HandMover, mode: HandMode): HandProgress {
    const { reading } = task
    if (task.isDisturbed) {
      task.plan(this.#now())
      return 'waiting'
    }
    if (reading === null || !reading.reached) {
      if (mode !== 'watch' || reading === null || reading.share === null) return this.#retryLater(task)
      task.plan(this.#now() + this.#observeEveryMs(mover))
      return 'waiting'
    }
    task.tries = 0
    if (!hands.isOwn && hands.isDown) this.#around.finished(hands)
    const needsSecond = hands.direction === 'lower' && reading.readings < 2
    task.plan(
      needsSecond ? Math.max(this.#now(), reading.at + mover.settleMs) : this.#now() + this.#observeEveryMs(mover),
    )
    return 'reached'
  }

  #observeEveryMs(mover: HandMover): number {
    return Math.max(this.#settings.observeEveryMs, mover.observeEveryMs ?? 0)
  }

  #retryLater(task: HandTask): HandProgress {
    const { settleFirstMs, retryMostMs } = this.#settings
    task.tries++
    task.plan(this.#now() + backOffMs(task.tries, settleFirstMs, retryMostMs, this.#options.random))
    return 'waiting'
  }

  #reportMissing(hands: ReleaseHands, task: HandTask): Promise<HandProgress> {
    const known = [...this.#movers.keys()].join(', ') || 'none'
    const problem = `Cannot move hand "${task.hand.id}": found no integration of kind "${task.hand.kind}", expected one of ${known}. Connect it, or roll back by hand.`
    return this.#reportUnreadable(hands, task, problem)
  }

  async #reportUnreadable(hands: ReleaseHands, task: HandTask, problem: string): Promise<HandProgress> {
    const now = await this.#options.clock.now()
    await this.#keep(hands, task, nextReading(task.reading, { kind: 'unreadable', problem }, hands.generation, 0, now))
    return this.#retryLater(task)
  }

  #now(): number {
    return this.#options.clock.latest()
  }
}

function needsApply(task: HandTask, generation: number, mode: HandMode, now: number): boolean {
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
