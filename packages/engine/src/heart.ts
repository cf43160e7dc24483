import type { EngineLog, EngineStore } from './engine-options.ts'
import type { Faults } from './fault-points.ts'
import type { OwnerName } from './owner-name.ts'
import type { EngineSettings } from './settings.ts'
import type { Work } from './work.ts'

export interface HeartOptions {
  readonly store: EngineStore
  readonly ownerName: OwnerName
  readonly settings: EngineSettings
  readonly faults: Faults
  readonly log: EngineLog
  readonly work: Work
}

/** A beat that takes longer than this says as much about the database as none. */
const beatTimeoutMs = 2_000

/** Says that this instance lives, and knows whether the others still believe it. */
export class Heart {
  readonly #options: HeartOptions
  #beatAt = Number.NEGATIVE_INFINITY
  #triedAt = Number.NEGATIVE_INFINITY
  /** The first beat that was tried and has no answer yet. */
  #silentSince: number | null = null

  constructor(options: HeartOptions) {
    this.#options = options
  }

  /** A second after the last try, however often it was asked in between. */
  get nextBeatAt(): number {
    return this.#triedAt + this.#options.settings.beatEveryMs
  }

  async run(now: number): Promise<number> {
    const { settings, store, ownerName, faults, log, work } = this.#options
    if (now - this.#triedAt < settings.beatEveryMs) return 0
    this.#triedAt = now
    this.#silentSince ??= now
    faults.at('beat: before')
    const result = await work.call(beatTimeoutMs, () =>
      Promise.all(ownerName.living.map(name => store.instances.beat(name))),
    )
    if (result.kind === 'answered') this.#answered(now)
    else log.warn({ detail: result.detail }, 'a beat was not written')
    return 0
  }

  /** False once others may have taken the releases over: from then on nothing is raised here. */
  holdsLeases(now: number): boolean {
    return now - this.#beatAt < this.#options.settings.leaseMs
  }

  /** How long the database has not answered although it was asked: a process that was suspended has not asked. */
  silentMs(now: number): number {
    return this.#silentSince === null ? 0 : now - this.#silentSince
  }

  #answered(triedAt: number): void {
    this.#beatAt = Math.max(this.#beatAt, triedAt)
    this.#silentSince = this.#triedAt > triedAt ? this.#triedAt : null
  }

  async leave(): Promise<void> {
    const { store, ownerName, log, work } = this.#options
    const leave = () => Promise.all(ownerName.living.map(name => store.instances.leave(name)))
    const result = await work.call(beatTimeoutMs, leave)
    if (result.kind !== 'answered') log.warn({ detail: result.detail }, 'the lease could not be given back')
  }
}
