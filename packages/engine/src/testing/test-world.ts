import type { Observation } from '@dankai/analysis'
import { levelOf } from '@dankai/core'
import type { EngineStore } from '../engine-options.ts'
import type { FaultPoint, Faults } from '../fault-points.ts'
import { Killed } from '../fault-points.ts'
import type { ClaimedCommand, EffectRunner, HandMover, HandTarget, ObservationSource } from '../ports.ts'
import type { Timers } from '../timers.ts'

export const testStart = Date.UTC(2026, 0, 5, 10)

/** A clock with timers that move only when told. */
export class VirtualClock {
  time = testStart
  #timers: { at: number; callback: () => void }[] = []

  readonly now = async (): Promise<number> => this.time
  readonly monotonic = (): number => this.time

  readonly timers: Timers = (afterMs, callback) => {
    const timer = { at: this.time + afterMs, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer)
    }
  }

  nextTimer(): number | null {
    return this.#timers.length === 0 ? null : Math.min(...this.#timers.map(timer => timer.at))
  }

  moveTo(time: number): void {
    this.time = Math.max(this.time, time)
    const due = this.#timers.filter(timer => timer.at <= this.time).sort((a, b) => a.at - b.at)
    this.#timers = this.#timers.filter(timer => timer.at > this.time)
    for (const timer of due) timer.callback()
  }
}

export type HandMode = 'works' | 'fails' | 'hangs' | 'unreadable' | 'ignores'

/** A hand with a memory of its own: what it serves, whoever set it. Like most proxies it knows no generations. */
export class TestHand implements HandMover {
  readonly kind: string
  readonly settleMs = 2_000
  mode: HandMode = 'works'
  share = 0
  /** Every value it took, with the generation that set it. */
  readonly history: { readonly share: number; readonly generation: number }[] = []
  applied = 0
  reads = 0
  /** Calls that hang, to be let through late. */
  readonly #hanging: (() => void)[] = []

  constructor(kind: string) {
    this.kind = kind
  }

  async apply(target: HandTarget): Promise<void> {
    this.applied++
    if (this.mode === 'fails') throw new Error('connection refused')
    if (this.mode === 'hangs') await new Promise<void>(resolve => this.#hanging.push(resolve))
    if (this.mode !== 'ignores') this.set(levelOf(target.desired), target.generation)
  }

  async read(target: HandTarget) {
    this.reads++
    if (this.mode === 'unreadable') throw new Error('connection refused')
    if (this.mode === 'hangs') await new Promise<never>(() => {})
    return { share: this.share, reached: this.share === levelOf(target.desired), floor: 0, problem: null }
  }

  set(share: number, generation: number): void {
    this.share = share
    this.history.push({ share, generation })
  }

  releaseHanging(): void {
    for (const resolve of this.#hanging.splice(0)) resolve()
  }
}

/** Counts what it was asked to do, by slot and attempt. */
export class TestRunner implements EffectRunner {
  readonly kinds: EffectRunner['kinds']
  readonly runs: ClaimedCommand[] = []
  answer: (claimed: ClaimedCommand) => Promise<Awaited<ReturnType<EffectRunner['run']>>> = async () => ({
    outcome: 'succeeded',
    detail: null,
    output: null,
  })

  constructor(kinds: EffectRunner['kinds']) {
    this.kinds = kinds
  }

  async run(claimed: ClaimedCommand) {
    this.runs.push(claimed)
    return this.answer(claimed)
  }
}

const bucketMs = 10_000
const latenessMs = 5_000

/** 100 requests a bucket on both tracks; the canary's error rate is a function of time, null = no data. */
export class TestSource implements ObservationSource {
  errorRate: (bucketStart: number) => number | null = () => 0
  reads = 0

  async read(_release: unknown, cursor: number | null, now: number) {
    return this.readOffline(_release, cursor, now)
  }

  readOffline(_release: unknown, cursor: number | null, now: number) {
    this.reads++
    const closed = Math.floor((now - latenessMs) / bucketMs) * bucketMs
    const from = cursor ?? closed
    const observations: Observation[] = []
    for (let start = from; start < closed; start += bucketMs) observations.push(...this.#bucket(start))
    return { observations, cursor: Math.max(from, closed), nextAt: closed + bucketMs + latenessMs }
  }

  #bucket(start: number): Observation[] {
    const rate = this.errorRate(start)
    if (rate === null) return []
    const of = (track: 'canary' | 'stable', errors: number): Observation => ({
      metric: 'error_rate',
      track,
      start,
      lengthMs: bucketMs,
      buckets: 1,
      measure: { kind: 'ratio', numerator: errors, denominator: 100 },
      open: false,
    })
    return [of('canary', Math.round(rate * 100)), of('stable', 0)]
  }
}

/** Kills at the n-th passage of a point. Whoever is dead gets no answer from anything any more. */
export class TestFaults implements Faults {
  isDead = false
  readonly passed: FaultPoint[] = []
  readonly #point: FaultPoint | null
  #left: number

  constructor(point: FaultPoint | null = null, passage = 1) {
    this.#point = point
    this.#left = passage
  }

  at(point: FaultPoint): void {
    this.passed.push(point)
    if (point !== this.#point || --this.#left > 0) return
    this.isDead = true
    throw new Killed(point)
  }

  /** A port that stops answering when its caller died. */
  mortal<T extends object>(port: T): T {
    const isDead = () => this.isDead
    return new Proxy(port, {
      get(target, key, receiver) {
        const value: unknown = Reflect.get(target, key, receiver)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => (isDead() ? new Promise(() => {}) : value.apply(target, args))
      },
    })
  }

  mortalStore(store: EngineStore): EngineStore {
    return {
      releases: this.mortal(store.releases),
      commands: this.mortal(store.commands),
      hands: this.mortal(store.hands),
      instances: this.mortal(store.instances),
    }
  }
}
