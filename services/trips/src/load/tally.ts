import type { RequestKind } from './traffic.ts'

/** One request that came to an end. `track` is who served it, as the gateway said; null when nobody answered. */
export interface Outcome {
  readonly kind: RequestKind
  readonly track: string | null
  /** Null: no whole answer (refused, reset, timed out). */
  readonly status: number | null
  /** When it was due, not when it got its turn: a late sender must not hide a slow service. */
  readonly dueAt: number
  readonly endedAt: number
}

export interface TrackTotals {
  readonly responses: number
  readonly bad: number
  readonly byStatus: Readonly<Record<string, number>>
  readonly meanMs: number
  readonly maxMs: number
}

/** A response worth a time stamp: when its request was due and when the user had the answer. */
export interface Seen {
  readonly track: string | null
  readonly status: number | null
  readonly dueAt: number
  readonly endedAt: number
}

export interface Totals {
  readonly responses: number
  readonly bad: number
  readonly failed: number
  readonly byKind: Readonly<Record<string, number>>
  readonly tracks: Readonly<Record<string, TrackTotals>>
}

export interface Summary extends Totals {
  readonly firstBad: Seen | null
  readonly lastBad: Seen | null
  readonly firstBadCanary: Seen | null
  readonly lastCanary: Seen | null
  /** From the canary's first bad answer to its last answer of any kind; null when it gave no bad one. */
  readonly exposureEndedAfterMs: number | null
}

export interface Tally {
  record(outcome: Outcome): void
  summary(): Summary
}

interface MutableTrack {
  responses: number
  bad: number
  byStatus: Record<string, number>
  sumMs: number
  maxMs: number
}

/**
 * Adds up what users saw.
 *
 * 1. A response is bad when it is 5xx; a request without a whole answer is `failed` and bad, and in no track's totals.
 * 2. Totals: responses = the sum over tracks; bad = the sum of bad over tracks + failed.
 */
export function createTally(): Tally {
  const tracks = new Map<string, MutableTrack>()
  const byKind: Record<string, number> = {}
  let failed = 0
  let firstBad: Seen | null = null
  let lastBad: Seen | null = null
  let firstBadCanary: Seen | null = null
  let lastCanary: Seen | null = null
  return {
    record: outcome => {
      const seen: Seen = {
        track: outcome.track,
        status: outcome.status,
        dueAt: outcome.dueAt,
        endedAt: outcome.endedAt,
      }
      byKind[outcome.kind] = (byKind[outcome.kind] ?? 0) + 1
      if (outcome.status === null) failed += 1
      else addTo(tracks, outcome, outcome.status)
      if (isBad(outcome)) {
        firstBad ??= seen
        lastBad = seen
      }
      if (outcome.track !== 'canary') return
      lastCanary = seen
      if (isBad(outcome)) firstBadCanary ??= seen
    },
    summary: () => ({
      ...totalsOf(tracks, byKind, failed),
      firstBad,
      lastBad,
      firstBadCanary,
      lastCanary,
      exposureEndedAfterMs: exposureEndedAfter(firstBadCanary, lastCanary),
    }),
  }
}

function isBad({ status }: Outcome): boolean {
  return status === null || status >= 500
}

function addTo(tracks: Map<string, MutableTrack>, outcome: Outcome, status: number): void {
  const name = outcome.track ?? 'unknown'
  const track = tracks.get(name) ?? { responses: 0, bad: 0, byStatus: {}, sumMs: 0, maxMs: 0 }
  const ms = outcome.endedAt - outcome.dueAt
  track.responses += 1
  track.bad += isBad(outcome) ? 1 : 0
  track.byStatus[status] = (track.byStatus[status] ?? 0) + 1
  track.sumMs += ms
  track.maxMs = Math.max(track.maxMs, ms)
  tracks.set(name, track)
}

function totalsOf(
  tracks: ReadonlyMap<string, MutableTrack>,
  byKind: Readonly<Record<string, number>>,
  failed: number,
): Totals {
  const all = [...tracks.values()]
  return {
    responses: all.reduce((sum, track) => sum + track.responses, 0),
    bad: all.reduce((sum, track) => sum + track.bad, failed),
    failed,
    byKind: { ...byKind },
    tracks: Object.fromEntries([...tracks].map(([name, track]) => [name, trackTotals(track)])),
  }
}

function trackTotals({ responses, bad, byStatus, sumMs, maxMs }: MutableTrack): TrackTotals {
  return { responses, bad, byStatus: { ...byStatus }, meanMs: rounded(sumMs / responses), maxMs: rounded(maxMs) }
}

function exposureEndedAfter(firstBad: Seen | null, lastCanary: Seen | null): number | null {
  return firstBad && lastCanary ? Math.max(0, rounded(lastCanary.endedAt - firstBad.endedAt)) : null
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10
}
