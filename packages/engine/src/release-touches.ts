import type { EngineStore } from './engine-options.ts'
import type { Faults } from './fault-points.ts'
import type { ReleaseTouch } from './ports.ts'
import type { ResidentRelease } from './resident-release.ts'
import type { EngineSettings } from './settings.ts'

/**
 * Writes what moved in releases that decided nothing new, many in one statement.
 *
 * Each release is written when it is due itself, so that a thousand of them are never written at once: what one has to
 * say must not make the others stand before the next breach.
 */
export class ReleaseTouches {
  readonly #store: EngineStore
  readonly #faults: Faults
  readonly #settings: EngineSettings
  /** Releases whose status says something that people should see soon. */
  readonly #news = new Set<string>()
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(options: { store: EngineStore; faults: Faults; settings: EngineSettings }) {
    this.#store = options.store
    this.#faults = options.faults
    this.#settings = options.settings
  }

  tellSoon(releaseId: string): void {
    this.#news.add(releaseId)
  }

  isDue(now: number): boolean {
    return this.#news.size > 0 || this.#isLookDue(now)
  }

  /** Ids of releases that turned out to be lost. */
  async write(now: number, releases: ReadonlyMap<string, ResidentRelease>): Promise<readonly string[]> {
    const news = new Set(this.#news)
    this.#news.clear()
    const due = [...news].flatMap(id => releases.get(id) ?? [])
    if (this.#isLookDue(now)) {
      this.#lookedAt = now
      for (const release of releases.values()) if (!news.has(release.id) && this.#isDue(release, now)) due.push(release)
    }
    const touched = due.filter(release => !release.isUnsure)
    if (touched.length === 0) return []
    try {
      return await this.#touch(
        touched,
        touched.map(release => this.#touchOf(release, news.has(release.id), now)),
      )
    } catch (error) {
      for (const id of news) this.#news.add(id)
      throw error
    }
  }

  /** Looked for twice before a wake-up time that was written would seem late. */
  #isLookDue(now: number): boolean {
    const { touchEveryMs, wakeWrittenMs } = this.#settings
    const everyMs = wakeWrittenMs === 0 ? touchEveryMs : Math.min(touchEveryMs, wakeWrittenMs / 2)
    return now - this.#lookedAt >= everyMs
  }

  #isDue(release: ResidentRelease, now: number): boolean {
    const { written } = release
    if (this.#looksLate(release, now)) return true
    const hasMoved = release.coveredUntil > written.at || release.wakeAt !== written.wakeAt
    return hasMoved && now - written.at >= this.#settings.touchEveryMs
  }

  #looksLate({ written, wakeAt }: ResidentRelease, now: number): boolean {
    return written.wakeAt !== null && written.wakeAt <= now + this.#settings.wakeWrittenMs && wakeAt !== written.wakeAt
  }

  /** A status is the largest part of a release: one that says the same with other figures is written now and then. */
  #touchOf(release: ResidentRelease, isNews: boolean, now: number): ReleaseTouch {
    const { id: releaseId, fence, wakeAt, coveredUntil: decidedAt, written } = release
    const isOld = now - written.statusAt >= this.#settings.figuresEveryMs && release.status !== written.status
    return { releaseId, fence, wakeAt, decidedAt, status: isNews || isOld ? release.status : null }
  }

  async #touch(touched: readonly ResidentRelease[], touches: readonly ReleaseTouch[]): Promise<readonly string[]> {
    this.#faults.at('touch: before')
    const lost = await this.#store.releases.touch(touches)
    this.#faults.at('touch: after')
    for (const [index, release] of touched.entries()) {
      const { decidedAt: at, wakeAt, status } = touches[index]!
      const ofStatus = status === null ? {} : { status, statusAt: at }
      release.written = { ...release.written, at, wakeAt, ...ofStatus }
    }
    return lost
  }
}
