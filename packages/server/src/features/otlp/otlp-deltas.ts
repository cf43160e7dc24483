/**
 * Cumulative points become what is new since the point before; deltas pass through.
 *
 *  1. A series is told apart by service, name, labels and kind. Its state is bounded: the one not heard of for longest
 *     is forgotten first, and begins anew.
 *  2. The first point of a series whose sender began after this receiver is new as a whole; of any other it is only
 *     where counting begins, because what it counted before may be hours old.
 *  3. A new start time, or a number that fell, means the sender began again: the point is new as a whole.
 */
import type { Bins, OtlpData, OtlpPoint } from './otlp-points.ts'

/** Fifty thousand series are a hundred services of five hundred; each costs about a kilobyte. */
const seriesMax = 50_000

export interface OtlpDeltas {
  /** null: nothing new, or only a beginning. */
  deltaOf(scopeKey: string, point: OtlpPoint): OtlpData | null
}

interface Before {
  readonly startedAt: number
  readonly data: OtlpData
}

export function createOtlpDeltas(receiverStartedAt: number): OtlpDeltas {
  const states = new Map<string, Before>()
  return {
    deltaOf(scopeKey, point) {
      if (point.temporality === 'delta' || point.data.kind === 'gauge') return point.data
      const key = JSON.stringify([scopeKey, point.service, point.series, point.data.kind, sorted(point.labels)])
      const before = states.get(key)
      states.delete(key)
      states.set(key, { startedAt: point.startedAt, data: point.data })
      if (states.size > seriesMax) states.delete(states.keys().next().value ?? '')
      if (before === undefined) return point.startedAt >= receiverStartedAt ? point.data : null
      if (before.startedAt !== point.startedAt) return point.data
      return difference(before.data, point.data)
    },
  }
}

const sorted = (labels: Readonly<Record<string, string>>): [string, string][] =>
  Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1))

function difference(before: OtlpData, now: OtlpData): OtlpData | null {
  if (now.kind === 'counter' && before.kind === 'counter') {
    const value = now.value - before.value
    if (value === 0) return null
    return value < 0 ? now : { kind: 'counter', value }
  }
  if (now.kind !== 'histogram' || before.kind !== 'histogram') return now
  const count = now.count - before.count
  if (count === 0) return null
  const bins = binsDifference(before.bins, now.bins)
  return count < 0 || bins === null ? now : { kind: 'histogram', count, sum: now.sum - before.sum, bins }
}

/** null when the two cannot be subtracted: the sender began again. */
function binsDifference(before: Bins, now: Bins): Bins | null {
  if (now.scale === 'explicit') {
    if (before.scale !== 'explicit' || before.bounds.join() !== now.bounds.join()) return null
    const counts = countsDifference(before.counts, now.counts)
    return counts === null ? null : { ...now, counts }
  }
  if (before.scale !== 'exponential' || before.exponent < now.exponent) return null
  const counts = countsDifference(coarser(before.counts, before.exponent - now.exponent), now.counts)
  return counts === null ? null : { ...now, counts, zero: Math.max(0, now.zero - before.zero) }
}

function countsDifference(
  before: ReadonlyMap<number, number>,
  now: ReadonlyMap<number, number>,
): ReadonlyMap<number, number> | null {
  const left = new Map(now)
  for (const [key, count] of before) {
    const rest = (left.get(key) ?? 0) - count
    if (rest < 0) return null
    if (rest === 0) left.delete(key)
    else left.set(key, rest)
  }
  return left
}

/** A sender halves its resolution when its values spread; two neighbours become one. */
function coarser(counts: ReadonlyMap<number, number>, steps: number): ReadonlyMap<number, number> {
  if (steps === 0) return counts
  const merged = new Map<number, number>()
  for (const [key, count] of counts) {
    const sign = key & 1
    const place = 2 * Math.floor((key - sign) / 2 / 2 ** steps) + sign
    merged.set(place, (merged.get(place) ?? 0) + count)
  }
  return merged
}

/** One value for each bin with its count, for quantiles. */
export function valuesOf(bins: Bins): [value: number, count: number][] {
  if (bins.scale === 'explicit') return [...bins.counts].map(([index, count]) => [middleOf(bins.bounds, index), count])
  const values = [...bins.counts].map(([key, count]): [number, number] => [exponentialValue(key, bins.exponent), count])
  return bins.zero > 0 ? [...values, [0, bins.zero]] : values
}

/** The first and last bucket are open; their inner bound is the best that is known of them. */
function middleOf(bounds: readonly number[], index: number): number {
  const low = bounds[index - 1]
  const high = bounds[index]
  if (low === undefined && high === undefined) return 0
  if (low === undefined) return high! > 0 ? high! / 2 : high!
  return high === undefined ? low : (low + high) / 2
}

/** Between base^i and base^(i+1); the point with the same relative distance to both ends. */
function exponentialValue(key: number, exponent: number): number {
  const sign = key & 1
  const low = 2 ** ((key - sign) / 2 / 2 ** exponent)
  const high = low * 2 ** (1 / 2 ** exponent)
  const value = (2 * low * high) / (low + high)
  return sign === 1 ? -value : value
}
