import type { Answer } from './answer.ts'
import type { Contents, Numbers, Reading } from './reading.ts'
import { Part, Sums } from './sums.ts'
import { judge, type TermWatch } from './term-watch.ts'
import type { OpenBucket, TrackSamples } from './track-samples.ts'

/** What a term says of an open bucket. It can make a rule hold; it is never kept. */
export interface OpenLook {
  readonly start: number
  readonly end: number
  readonly answer: Answer
  readonly numbers: Numbers
}

export function hasOpenBuckets({ tracks }: Reading): boolean {
  for (const track of tracks) if (track.open.length > 0) return true
  return false
}

export function openLooks(watch: TermWatch, reading: Reading, now: number): readonly OpenLook[] {
  const starts = new Set(reading.tracks.flatMap(track => track.open.map(bucket => bucket.start)))
  const inScope = [...starts].filter(start => start >= watch.from && start < now).sort((a, b) => a - b)
  return inScope.map(start => lookAt(watch, reading, start))
}

function lookAt(watch: TermWatch, reading: Reading, start: number): OpenLook {
  const values = reading.tracks.map(track => contentsUntil(track, reading, start))
  const baselines = reading.baselineTracks.map(track => contentsUntil(track, reading, start))
  const end = Math.max(...values.map(held => held.newestEnd))
  const numbers = reading.readInstead(values, baselines, end)
  return { start, end, answer: isLowerBound(watch, reading) ? 'unknown' : judge(watch.term, numbers), numbers }
}

/** The count of a bucket that is still filling can only say that it exceeds something. */
function isLowerBound({ term }: TermWatch, reading: Reading): boolean {
  const isCount = reading.tracks.some(track => track.newest.kind === 'count' && track.metric.measure.kind === 'count')
  return isCount && !(term.op === '>' || term.op === '>=')
}

/** What the window would hold with the open buckets that begin no later than `start`. */
function contentsUntil(track: TrackSamples, { window }: Reading, start: number): Contents {
  const buckets = track.open.filter(bucket => bucket.start <= start)
  const last = buckets.at(-1)
  if (last === undefined) return { sums: track.sumsOf(window), newestEnd: track.newestEnd }
  const newestEnd = last.start + last.lengthMs
  if (window.kind === 'newest') return { sums: sumsWith(new Sums(true), [last]), newestEnd }
  return { sums: sumsWith(slidSums(track, window, newestEnd), buckets), newestEnd }
}

function slidSums(track: TrackSamples, window: Exclude<Reading['window'], { kind: 'newest' }>, end: number): Sums {
  if (window.kind === 'total') return track.sumsOf(window).clone()
  const sliding = track.windows.find(candidate => candidate.ms === window.ms)!.clone(false)
  sliding.slideTo(end, track.ring)
  return sliding.sums
}

function sumsWith(sums: Sums, buckets: readonly OpenBucket[]): Sums {
  for (const bucket of buckets) {
    const part = new Part()
    if (part.read(bucket.measure)) sums.add(part, 1)
  }
  return sums
}
