import type { EngineStore } from './engine-options.ts'
import type { Faults } from './fault-points.ts'
import type { ReleaseTouch } from './ports.ts'
import type { ResidentRelease } from './resident-release.ts'
import type { EngineSettings } from './settings.ts'

/** Writes what moved in releases that decided nothing new, many in one statement. */
export class ReleaseTouches {
  readonly #store: EngineStore
  readonly #faults: Faults
  readonly #settings: EngineSettings
  #touchedAt = Number.NEGATIVE_INFINITY
  #lookedAt = Number.NEGATIVE_INFINITY
  #hasNews = false

  constructor(options: { store: EngineStore; faults: Faults; settings: EngineSettings }) {
    this.#store = options.store
    this.#faults = options.faults
    this.#settings = options.settings
  }

  /** A status says something that people should see soon. */
  tellSoon(): void {
    this.#hasNews = true
  }

  isDue(now: number): boolean {
    const { touchEveryMs, wakeWrittenMs } = this.#settings
    const everyMs = wakeWrittenMs === 0 ? touchEveryMs : Math.min(touchEveryMs, wakeWrittenMs / 2)
    return this.#hasNews || now - this.#lookedAt >= everyMs
  }

  /** Ids of releases that turned out to be lost. */
  async write(now: number, releases: Iterable<ResidentRelease>): Promise<readonly string[]> {
    const isFull = this.#hasNews || now - this.#touchedAt >= this.#settings.touchEveryMs
    this.#lookedAt = now
    this.#hasNews = false
    if (isFull) this.#touchedAt = now
    const moved: ResidentRelease[] = []
    for (const release of releases) {
      if (!release.isUnsure && (isFull ? hasMoved(release) : this.#looksLate(release, now))) moved.push(release)
    }
    return moved.length === 0 ? [] : this.#touch(moved)
  }

  #looksLate(release: ResidentRelease, now: number): boolean {
    const { wakeAt } = release.written
    return wakeAt !== null && wakeAt <= now + this.#settings.wakeWrittenMs && release.wakeAt !== wakeAt
  }

  async #touch(moved: readonly ResidentRelease[]): Promise<readonly string[]> {
    const touches = moved.map(touchOf)
    this.#faults.at('touch: before')
    const lost = await this.#store.releases.touch(touches)
    this.#faults.at('touch: after')
    for (const [index, release] of moved.entries()) {
      const { decidedAt, wakeAt, status } = touches[index]!
      release.written = { ...release.written, at: decidedAt, wakeAt, status: status ?? release.written.status }
    }
    return lost
  }
}

function touchOf(release: ResidentRelease): ReleaseTouch {
  const { id: releaseId, fence, wakeAt, coveredUntil: decidedAt } = release
  return {
    releaseId,
    fence,
    wakeAt,
    decidedAt,
    status: release.status === release.written.status ? null : release.status,
  }
}

function hasMoved(release: ResidentRelease): boolean {
  const { written } = release
  return release.coveredUntil > written.at || release.status !== written.status || release.wakeAt !== written.wakeAt
}
