import type { ReleaseDetail } from '@dankai/contract'
import type { Event } from '@dankai/core'
import { levelOf } from '@dankai/core'
import { type Faults, type LoadSummary, startTrips, type Trips } from '@dankai/trips'
import type { ControlPlane } from './control-plane.ts'

/** One release of one service with real traffic, watched to its end. */
export interface Show {
  readonly plan: string
  readonly version: string
  readonly flag: string
  readonly service: string
  /** Faults of the new version, switched on when the phase of this index is exposed. */
  readonly fault: { readonly phase: number; readonly faults: Partial<Faults> } | null
}

export interface ShowResult {
  readonly release: string
  readonly plan: string
  readonly outcome: 'completed' | 'rolledBack'
  /** Highest confirmed share of users, 0 … 1. */
  readonly maxExposure: number
  readonly reasons: readonly string[]
  /** From the answer of the first bad request to the decision to go back; null when nothing went wrong. */
  readonly detectionMs: number | null
  /** From that decision to the last answer a user had from the new version. */
  readonly rollbackMs: number | null
}

/** Told of every event, in order; the show goes on when it is done. */
export type Narrate = (plan: string, event: Event) => void | Promise<void>

/** Steady mixed traffic; at 5 % the new version still gets a few requests a second. */
const requestsPerSecond = 60

export async function runShow(plane: ControlPlane, show: Show, narrate: Narrate): Promise<ShowResult> {
  const trips = await startTrips({
    dankaiUrl: plane.url,
    key: plane.sdkKey,
    flag: show.flag,
    service: show.service,
    rate: requestsPerSecond,
  })
  try {
    const release = await plane.api.post<ReleaseDetail>('/v1/releases', { plan: show.plan, version: show.version })
    const log = await follow(plane, release.id, show, trips, narrate)
    const load = await trips.close()
    return resultOf(release.id, show.plan, log, load)
  } finally {
    await trips.close()
  }
}

/** Follows the live timeline to the end of the release, through restarts of the server. */
async function follow(
  plane: ControlPlane,
  id: string,
  show: Show,
  trips: Trips,
  narrate: Narrate,
): Promise<readonly Event[]> {
  const log: Event[] = []
  while (!hasEnded(log)) {
    try {
      const since = log.at(-1)?.seq ?? 0
      for await (const message of plane.api.stream(
        `/v1/releases/${id}/timeline?since=${since}`,
        AbortSignal.timeout(600_000),
      )) {
        if (message.event !== 'event') continue
        const event = JSON.parse(message.data) as Event
        if (event.seq <= (log.at(-1)?.seq ?? 0)) continue
        log.push(event)
        await narrate(show.plan, event)
        if (show.fault !== null && phaseReached(log) === show.fault.phase && event.body.type === 'ExposureReached') {
          await trips.setFaults('canary', show.fault.faults)
        }
        if (hasEnded(log)) break
      }
    } catch (error) {
      // A server that restarts drops its streams; the release goes on, so the demo does too.
      if (plane.exitCode() !== null) throw error
      await new Promise(resolve => setTimeout(resolve, 500))
    }
  }
  return log
}

function hasEnded(log: readonly Event[]): boolean {
  return log.some(
    event => event.body.type === 'Completed' || event.body.type === 'RolledBack' || event.body.type === 'Contained',
  )
}

/** Index of the phase whose exposure was confirmed last; -1 before the first. */
function phaseReached(log: readonly Event[]): number {
  const entered = log.findLast(event => event.body.type === 'PhaseEntered')
  return entered?.body.type === 'PhaseEntered' ? entered.body.phase : -1
}

function resultOf(release: string, plan: string, log: readonly Event[], load: LoadSummary | null): ShowResult {
  const rollback = log.find(event => event.body.type === 'RollbackStarted')
  const because = rollback?.body.type === 'RollbackStarted' ? [rollback.body.because] : []
  const promoted = log.flatMap(event =>
    event.body.type === 'PhasePromoted' ? [`${event.body.name}: ${event.body.because.join(', ')}`] : [],
  )
  const firstBad = load?.firstBad?.endedAt ?? null
  const lastCanary = load?.lastCanary?.endedAt ?? null
  return {
    release,
    plan,
    outcome: rollback === undefined ? 'completed' : 'rolledBack',
    maxExposure: highestReached(log),
    reasons: rollback === undefined ? promoted : because,
    detectionMs: rollback === undefined || firstBad === null ? null : Math.round(rollback.at - firstBad),
    rollbackMs:
      rollback === undefined || lastCanary === null ? null : Math.max(0, Math.round(lastCanary - rollback.at)),
  }
}

function highestReached(log: readonly Event[]): number {
  let desired = 0
  let highest = 0
  for (const { body } of log) {
    if (body.type === 'ExposureChanged') desired = levelOf(body.exposure)
    if (body.type === 'ExposureReached') highest = Math.max(highest, desired)
  }
  return highest
}
