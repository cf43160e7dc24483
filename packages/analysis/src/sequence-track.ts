import type { ColumnReader, ColumnWriter } from './number-column.ts'
import { RunRing } from './run-ring.ts'
import type { Part } from './sums.ts'
import { type TrackRole, TrackSamples, type Window } from './track-samples.ts'

/** A track of a metric that takes part in a comparison. */
export interface SequenceTrack {
  readonly samples: TrackSamples
  /** Buckets that arrived but cannot be compared yet. */
  queue: RunRing
  /** Counts as missing: nobody waits for it. Samples that come by themselves are always silent. */
  isSilent: boolean
}

export function sequenceTrack(
  role: TrackRole,
  metric: TrackSamples['metric'],
  windows: readonly Window[],
  wantsPrevious: boolean,
): SequenceTrack {
  const samples = new TrackSamples(role, metric, windows, wantsPrevious)
  return { samples, queue: new RunRing(), isSilent: samples.gapMs === Infinity }
}

export function writeTrack({ samples, queue, isSilent }: SequenceTrack, column: ColumnWriter): void {
  samples.writeTo(column)
  queue.writeTo(column)
  column.putFlag(isSilent)
}

export function readTrack(track: SequenceTrack, column: ColumnReader): void {
  track.samples.readFrom(column)
  track.queue.readFrom(column)
  track.isSilent = column.flag()
}

export function queued(track: SequenceTrack): boolean {
  return track.queue.tail > track.queue.head
}

export function isDue(track: SequenceTrack, end: number): boolean {
  return queued(track) && headEnd(track) === end
}

export function headEnd({ queue }: SequenceTrack): number {
  return queue.startOf(queue.head) + queue.lengthMsOf(queue.head)
}

/** True when no bucket that ends at or before `end` can still come from this track. */
export function hasDeliveredUntil(track: SequenceTrack, end: number): boolean {
  if (track.isSilent || queued(track)) return true
  return track.samples.newestEnd + track.samples.everyMs > end
}

/** The next moment after `end` at which this track brings something, is due, or goes stale. */
export function nextEvent(track: SequenceTrack, end: number): number {
  const { samples } = track
  const stale = samples.newestEnd + samples.freshMs
  const due = track.isSilent ? Number.POSITIVE_INFINITY : samples.newestEnd + samples.everyMs
  const comes = queued(track) ? headEnd(track) : due
  return samples.hasData && stale > end ? Math.min(comes, stale) : comes
}

/** Buckets of a run from `start` that end before `moment`. */
export function bucketsBefore(moment: number, start: number, lengthMs: number): number {
  if (moment === Infinity) return Number.POSITIVE_INFINITY
  return Math.max(1, Math.ceil((moment - start) / lengthMs) - 1)
}

/** True when these buckets are the newest one again, right after it. */
export function continues(track: SequenceTrack, start: number, lengthMs: number, part: Part): boolean {
  const { samples } = track
  if (queued(track) || start !== samples.newestEnd || lengthMs !== samples.newestLengthMs) return false
  return samples.newest.sameAs(part)
}
