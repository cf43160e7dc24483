import type { HandReading } from '@dankai/core'
import { coverageGap } from './coverage.ts'
import type { EndedCommand, LoadedRelease } from './ports.ts'
import { type ResidentRelease, residentOf } from './resident-release.ts'

export interface ServiceKey {
  readonly project: string
  readonly environment: string
  readonly service: string
}

/** The releases in memory of the instance that owns them, and what arrived for them. */
export class Residents {
  readonly #releases = new Map<string, ResidentRelease>()
  readonly #ofService = new Map<string, Set<string>>()
  /** Something was written for a release that is not here: it may be one to claim. */
  claimsAreDue = true

  get all(): ReadonlyMap<string, ResidentRelease> {
    return this.#releases
  }

  get(releaseId: string): ResidentRelease | null {
    return this.#releases.get(releaseId) ?? null
  }

  holds(release: ResidentRelease): boolean {
    return this.#releases.get(release.id) === release
  }

  /**
   * Two claims of one release may be under way here at once (it was created, and it was due); their answers may come in
   * either order, and only the newer fence can commit. null when the one in memory is the newer.
   */
  add(loaded: LoadedRelease, owner: string): ResidentRelease | null {
    const known = this.#releases.get(loaded.id)
    if (known !== undefined && known.fence > loaded.fence) return null
    this.remove(loaded.id)
    const release = residentOf(loaded, owner)
    this.#releases.set(release.id, release)
    const key = serviceKey({ ...release, service: release.plan.service })
    this.#ofService.set(key, (this.#ofService.get(key) ?? new Set()).add(release.id))
    return release
  }

  remove(releaseId: string): boolean {
    const release = this.#releases.get(releaseId)
    if (release === undefined) return false
    this.#releases.delete(releaseId)
    const key = serviceKey({ ...release, service: release.plan.service })
    const ids = this.#ofService.get(key)
    ids?.delete(releaseId)
    if (ids?.size === 0) this.#ofService.delete(key)
    return true
  }

  // ── What arrives ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Something was written for these releases, by this instance or another. */
  wake(releaseIds: Iterable<string>): void {
    for (const id of releaseIds) {
      const release = this.#releases.get(id)
      if (release === undefined) this.claimsAreDue = true
      else {
        release.hasMail = true
        release.isDue = true
      }
    }
  }

  /** Everything may have been missed while hints did not come. */
  wakeAll(): void {
    this.claimsAreDue = true
    this.wake(this.#releases.keys())
  }

  samplesArrived(service: ServiceKey): void {
    for (const id of this.#ofService.get(serviceKey(service)) ?? []) this.#releases.get(id)!.isDue = true
  }

  commandEnded(releaseId: string, result: EndedCommand): void {
    const release = this.#releases.get(releaseId)
    if (release === undefined) return
    if (!release.results.some(known => known.slot === result.slot)) release.results = [...release.results, result]
    release.isDue = true
  }

  handRead(releaseId: string, handId: string, reading: HandReading): void {
    const release = this.#releases.get(releaseId)
    if (release === undefined) return
    const before = release.hands[handId]
    release.hands = { ...release.hands, [handId]: reading }
    if (before === undefined || isNews(before, reading)) release.isDue = true
  }

  // ── Time ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  nextDue(now: number): number | null {
    let next: number | null = null
    for (const release of this.#releases.values()) {
      const at = release.isDue ? now : release.wakeAt
      if (at !== null && (next === null || at < next)) next = at
    }
    return next
  }

  /**
   * Until a release is due, somebody watches it although nothing is decided; from then on only a decision covers. When
   * the engine runs much later than it promised, the process was suspended, and nothing covers the time in between.
   */
  cover(now: number, expectedBy: number | null, decideEveryMs: number): void {
    if (expectedBy !== null && coverageGap(expectedBy, now, decideEveryMs) !== null) return this.wakeAll()
    for (const release of this.#releases.values()) {
      if (release.isDue || release.isUnsure || !release.hasDecided) continue
      const until = release.wakeAt === null ? now : Math.min(now, release.wakeAt)
      release.coveredUntil = Math.max(release.coveredUntil, until)
    }
  }
}

function serviceKey({ project, environment, service }: ServiceKey): string {
  return `${project}/${environment}/${service}`
}

function isNews(before: HandReading, after: HandReading): boolean {
  return (
    before.generation !== after.generation ||
    before.reached !== after.reached ||
    before.share !== after.share ||
    before.problem !== after.problem ||
    before.floor !== after.floor ||
    (before.readings < 2 && after.readings >= 2)
  )
}
