import type { Action, Event } from '@dankai/core'
import type { EngineLog } from './engine-options.ts'
import type { DesiredExposure } from './ports.ts'
import type { ReleaseLane } from './release-lane.ts'
import { desiredAfter, type ResidentRelease } from './resident-release.ts'
import type { EngineSettings } from './settings.ts'
import type { TurnOutcome } from './turn.ts'
import { detailOf, Lane, type Work } from './work.ts'

/**
 * Without the database for longer than `emergencyAfterMs` (semantics G3).
 *
 * Invariants
 *  1. Only rules that roll back now are judged, and only lowering follows: nobody can tell what people decided
 *     meanwhile, or who holds the lease.
 *  2. What was lowered is written down when the database is back, as a rollback with its cause.
 */
export interface EmergencyOptions {
  readonly releases: ReleaseLane
  readonly settings: EngineSettings
  readonly log: EngineLog
  readonly work: Work
  readonly lower: (releaseId: string, desired: DesiredExposure) => void
}

export class Emergency {
  readonly #options: EmergencyOptions
  readonly #lane: Lane
  #judgedAt = Number.NEGATIVE_INFINITY

  constructor(options: EmergencyOptions) {
    this.#options = options
    this.#lane = new Lane(options.settings.lanes.decide, options.work)
  }

  run(now: number, silentMs: number): number {
    const { settings } = this.#options
    if (silentMs < settings.emergencyAfterMs) return this.#startWriting()
    if (now - this.#judgedAt < settings.beatEveryMs) return 0
    this.#judgedAt = now
    return this.#startJudging(now)
  }

  #startJudging(now: number): number {
    let started = 0
    for (const release of this.#options.releases.residents.all.values()) {
      if (release.state.lifecycle.kind !== 'running' || this.#options.releases.unwritten.has(release.id)) continue
      if (this.#lane.start(release.id, () => this.#guarded(release.id, () => this.#judge(release, now)))) started++
    }
    return started
  }

  async #judge(release: ResidentRelease, now: number): Promise<void> {
    const outcome = await this.#options.releases.judgeOffline(release, now)
    if (outcome === null) return
    const because = nowRuleOf(release, outcome.events)
    const desired = desiredAfter(release.state, outcome.state, outcome.events)
    if (because === null || desired?.direction !== 'lower') return
    this.#options.releases.doneUnwritten(release.id, { kind: 'act', action: rollbackFor(because) })
    this.#options.log.error({ releaseId: release.id, because }, 'exposure is lowered without the database')
    this.#options.lower(release.id, desired)
  }

  #startWriting(): number {
    const { releases } = this.#options
    let started = 0
    for (const id of releases.unwritten.keys()) {
      if (this.#lane.start(id, () => this.#guarded(id, () => releases.writeUnwritten(id)))) started++
    }
    return started
  }

  async #guarded(releaseId: string, run: () => Promise<void>): Promise<void> {
    try {
      await run()
    } catch (error) {
      this.#options.log.warn({ releaseId, detail: detailOf(error) }, 'emergency work on a release failed')
    }
  }
}

function rollbackFor(because: string): Action {
  return {
    by: 'dankai',
    roles: ['admin'],
    why: `${because} (fired while the database was away)`,
    expected: null,
    body: { type: 'rollback', runbook: null },
  }
}

/** Why it goes back: the rule that rolls back now and fired here; null when something else decided it. */
function nowRuleOf(release: ResidentRelease, events: TurnOutcome['events']): string | null {
  const started = events.map(({ body }: Event) => body).find(body => body.type === 'RollbackStarted')
  if (started === undefined) return null
  const rule = release.plan.rules.find(candidate => candidate.id === started.rule)
  return rule?.consequence.kind === 'now' ? started.because : null
}
