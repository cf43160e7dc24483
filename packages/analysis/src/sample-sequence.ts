import type { ColumnReader, ColumnWriter } from './number-column.ts'
import { Reading } from './reading.ts'
import { RunRing, type RunRingJson } from './run-ring.ts'
import {
  bucketsBefore,
  continues,
  hasDeliveredUntil,
  headEnd,
  isDue,
  nextEvent,
  queued,
  readTrack,
  type SequenceTrack,
  writeTrack,
} from './sequence-track.ts'
import { Part } from './sums.ts'
import { judge, type TermWatch, type TermWatchJson } from './term-watch.ts'
import type { TotalScope, TrackSamples, TrackSamplesJson, Window } from './track-samples.ts'

/**
 * The tracks that some terms compare, put into one order of event time, and those terms.
 *
 * 1. A bucket is judged once every other track has delivered all it has up to that bucket's end, so the result does not
 *    depend on which track happens to arrive first. A track that is silent is not waited for.
 * 2. Equal buckets are taken many at a time whenever every answer is the same for all of them, so that n single buckets
 *    and one observation of n buckets leave the same state.
 */
export class SampleSequence {
  readonly name: string
  /** True when samples come at no fixed distance: its windows move with the clock. */
  readonly comesByItself: boolean
  readonly tracks: readonly SequenceTrack[]
  readonly watches: readonly TermWatch[]
  readonly readings: readonly Reading[]
  readonly readingOf = new Map<TermWatch, Reading>()
  /** End of the newest judged bucket. */
  end = Number.NEGATIVE_INFINITY
  /** The next look as it was worked out, while data goes on as it did then; undefined when it has to be worked out. */
  #look: number | null | undefined = undefined
  /** Terms that are judged with every bucket while they are active, by what they look at. */
  readonly #eager: readonly EagerTerms[]
  readonly #comparesWithPrevious: boolean
  readonly #scratch = new Part()

  constructor(name: string, tracks: readonly SequenceTrack[], watches: readonly TermWatch[]) {
    this.name = name
    this.comesByItself = tracks.some(track => track.samples.gapMs === Infinity)
    this.tracks = tracks
    this.watches = watches
    this.#comparesWithPrevious = watches.some(watch => watch.comparesWithPrevious)
    this.readings = this.#buildReadings()
    const eager = watches.filter(watch => watch.isEager)
    const byReading = Map.groupBy(eager, watch => this.readingOf.get(watch)!)
    this.#eager = [...byReading].map(([reading, watches]) => ({ reading, watches }))
  }

  beginTotal(scope: TotalScope, from: number): void {
    this.#look = undefined
    for (const track of this.tracks) track.samples.beginTotal(scope, from)
  }

  /** Takes closed buckets of one track, in event order. */
  deliver(track: SequenceTrack, start: number, lengthMs: number, count: number, part: Part): void {
    if (this.#look !== undefined && !continues(track, start, lengthMs, part)) this.#look = undefined
    if (this.tracks.length > 1) {
      track.queue.append(start, lengthMs, count, part)
      if (track.samples.gapMs !== Infinity) track.isSilent = false
      this.drain()
    } else if (count === 1) {
      track.samples.push(start, lengthMs, 1, part)
      this.#judge(start, lengthMs, 1)
    } else this.#takeAlone(track.samples, start, lengthMs, count, part)
  }

  /** Judges what can be judged; called again when a track has turned silent. */
  drain(): void {
    for (;;) {
      const end = this.#nextEnd()
      if (end === Infinity) return
      for (const track of this.tracks) if (!hasDeliveredUntil(track, end)) return
      this.#takeTogether(end)
    }
  }

  /** Lets tracks be silent that have delivered nothing for longer than their gap. */
  markSilent(now: number): void {
    if (!this.#hasWaiting()) return
    this.#look = undefined
    for (const track of this.#awaited()) if (now >= this.#silentFrom(track)) track.isSilent = true
    this.drain()
  }

  /** When the first awaited track turns silent, so that what waits for it is judged; null when nothing waits. */
  nextSilence(): number | null {
    const moments = this.#awaited().map(track => this.#silentFrom(track))
    return moments.length === 0 ? null : Math.min(...moments)
  }

  /** Moves windows over samples that come by themselves on to `now`, one expiry at a time. */
  slideTo(now: number): void {
    for (;;) {
      const expiry = this.nextExpiry()
      const at = expiry === null ? now : Math.min(now, expiry)
      for (const track of this.tracks) track.samples.slideTo(at)
      if (expiry === null || expiry > now) break
      this.#judgeAgain(at, 'sliding')
    }
    for (const watch of this.watches) watch.expireTimes(now)
  }

  /** The look worked out earlier if it still stands at `now`; undefined when it does not. */
  rememberedLook(now: number): number | null | undefined {
    if (this.#look === undefined || (this.#look !== null && this.#look <= now)) return undefined
    return this.#isInStep() ? this.#look : undefined
  }

  /** Something changed that did not come with data. */
  forgetLook(): void {
    this.#look = undefined
  }

  rememberLook(at: number | null): void {
    this.#look = this.#isInStep() ? at : undefined
  }

  nextExpiry(): number | null {
    let next: number | null = null
    for (const { samples } of this.tracks) {
      for (const window of samples.windows) {
        const begins = window.nextExpiry(samples.ring)
        if (begins === null) continue
        // A bucket that begins exactly where the window does is still in it; a sample without length is not.
        const expiry = samples.ring.lengthMsOf(window.first) > 0 ? begins + 1 : begins
        if (next === null || expiry < next) next = expiry
      }
    }
    return next
  }

  /** The track now means something else (canary instead of all): what was seen of it does not count. */
  restartTrack(track: SequenceTrack): void {
    track.samples.forget()
    track.queue.clear()
    this.#look = undefined
    this.end = Number.NEGATIVE_INFINITY
    for (const watch of this.watches) watch.restart()
  }

  toJSON(): SampleSequenceJson {
    return {
      end: String(this.end),
      tracks: this.tracks.map(({ samples, queue, isSilent }) => ({
        samples: samples.toJSON(),
        queue: queue.toJSON(),
        isSilent,
      })),
      watches: this.watches.map(watch => watch.toJSON()),
    }
  }

  restore(json: SampleSequenceJson): void {
    this.end = Number(json.end)
    this.tracks.forEach((track, index) => {
      const saved = json.tracks[index]
      if (saved === undefined) return
      track.samples.restore(saved.samples)
      track.queue = RunRing.fromJSON(saved.queue, new Part())
      track.isSilent = saved.isSilent
    })
    const byId = new Map(json.watches.map(saved => [saved.id, saved]))
    for (const watch of this.watches) {
      const saved = byId.get(watch.id)
      if (saved !== undefined) watch.restore(saved)
    }
    for (const reading of this.readings) reading.rebind()
    this.#look = undefined
  }

  writeTo(column: ColumnWriter): void {
    column.put(this.end)
    column.putFlag(this.#look !== undefined)
    column.putOptional(this.#look ?? null)
    for (const track of this.tracks) writeTrack(track, column)
    for (const watch of this.watches) watch.writeTo(column)
  }

  /** Readings are left as they are: they are refreshed before they are read. */
  readFrom(column: ColumnReader): void {
    this.end = column.number()
    const isRemembered = column.flag()
    const look = column.optional()
    this.#look = isRemembered ? look : undefined
    for (const track of this.tracks) readTrack(track, column)
    for (const watch of this.watches) watch.readFrom(column)
  }

  /** Brings a reading up to date; totals are only read when somebody asks. */
  refresh(reading: Reading): Reading {
    reading.refresh(this.end)
    return reading
  }

  #buildReadings(): Reading[] {
    const byWindow = new Map<string, Reading>()
    const values = this.tracks.filter(track => track.samples.role === 'value').map(track => track.samples)
    const baselines = this.tracks.filter(track => track.samples.role === 'baseline').map(track => track.samples)
    for (const watch of this.watches) {
      const key = JSON.stringify(watch.window)
      const reading = byWindow.get(key) ?? new Reading(watch.window, values, baselines)
      byWindow.set(key, reading)
      this.readingOf.set(watch, reading)
    }
    return [...byWindow.values()]
  }

  #takeAlone(samples: TrackSamples, start: number, lengthMs: number, count: number, part: Part): void {
    let at = start
    let left = count
    while (left > 0) {
      const taken = Math.min(this.#beforeBoundary(at, lengthMs, left), this.#alike(samples, at, lengthMs, left, part))
      samples.push(at, lengthMs, taken, part)
      this.#judge(at, lengthMs, taken)
      at += lengthMs * taken
      left -= taken
    }
  }

  #takeTogether(end: number): void {
    const start = this.#startOfDue(end)
    const count = this.#alikeTogether(start, end)
    let hasValue = false
    for (const track of this.tracks) {
      if (!isDue(track, end)) continue
      const { queue, samples } = track
      const lengthMs = queue.lengthMsOf(queue.head)
      samples.push(queue.startOf(queue.head), lengthMs, count, queue.readPart(queue.head, this.#scratch))
      queue.takeFirst(count)
      if (samples.role === 'value') hasValue = true
    }
    const lengthMs = end - start
    this.end = Math.max(this.end, start + lengthMs * count)
    if (hasValue) this.#judge(start, lengthMs, count)
    else if (this.comesByItself) this.#judgeAgain(end, null)
  }

  /** Several tracks may end a bucket here: the shortest of them says since when the answer is known. */
  #startOfDue(end: number): number {
    let start = Number.NEGATIVE_INFINITY
    for (const track of this.tracks) {
      if (isDue(track, end)) start = Math.max(start, track.queue.startOf(track.queue.head))
    }
    return start
  }

  /** How many buckets from here on can be taken at once, all tracks that are due together. */
  #alikeTogether(start: number, end: number): number {
    let count = Number.POSITIVE_INFINITY
    for (const track of this.tracks) {
      if (!isDue(track, end)) continue
      const { queue } = track
      if (queue.startOf(queue.head) !== start) return 1
      count = Math.min(count, queue.countOf(queue.head))
    }
    if (count === 1 || end === start) return 1
    const lengthMs = end - start
    for (const track of this.tracks) {
      if (isDue(track, end)) count = Math.min(count, this.#alikeIn(track, start, lengthMs, count))
      else count = Math.min(count, bucketsBefore(nextEvent(track, end), start, lengthMs))
    }
    return Math.max(1, this.#beforeBoundary(start, lengthMs, count))
  }

  #alikeIn({ queue, samples }: SequenceTrack, start: number, lengthMs: number, count: number): number {
    return this.#alike(samples, start, lengthMs, count, queue.readPart(queue.head, this.#scratch))
  }

  /** How many of `count` further buckets give the same answers as the first of them. */
  #alike(samples: TrackSamples, start: number, lengthMs: number, count: number, part: Part): number {
    if (this.#comparesWithPrevious && !(samples.hasData && samples.newest.sameAs(part))) return 1
    return samples.isSteadyUnder(part, start, lengthMs) ? count : 1
  }

  #beforeBoundary(start: number, lengthMs: number, count: number): number {
    if (!(lengthMs > 0) || count === 1) return count
    let taken = count
    for (const { samples } of this.tracks) {
      for (const { from } of samples.totals) taken = Math.min(taken, bucketsUntil(from, start, lengthMs))
    }
    for (const { isActive, from } of this.watches) {
      if (isActive) taken = Math.min(taken, bucketsUntil(from, start, lengthMs))
    }
    return taken
  }

  /** No track lags behind, and nothing is seen that is not kept: the look worked out holds until something else comes. */
  #isInStep(): boolean {
    if (this.comesByItself) return false
    for (const { samples, queue } of this.tracks) {
      if (queue.tail > queue.head || samples.open.length > 0) return false
      if (this.tracks.length > 1 && samples.newestEnd + samples.everyMs <= this.end) return false
    }
    return true
  }

  #hasWaiting(): boolean {
    if (this.tracks.length === 1) return false
    for (const track of this.tracks) if (queued(track)) return true
    return false
  }

  /** Tracks that other tracks' buckets wait for. */
  #awaited(): readonly SequenceTrack[] {
    if (!this.#hasWaiting()) return []
    return this.tracks.filter(track => !track.isSilent && !queued(track))
  }

  #silentFrom({ samples }: SequenceTrack): number {
    return (samples.hasData ? samples.newestEnd : this.#nextEnd()) + samples.gapMs
  }

  #nextEnd(): number {
    let end = Number.POSITIVE_INFINITY
    for (const track of this.tracks) if (queued(track)) end = Math.min(end, headEnd(track))
    return end
  }

  #judge(start: number, lengthMs: number, count: number): void {
    const end = start + lengthMs * count
    if (end > this.end) this.end = end
    for (const terms of this.#eager) takeAnswers(terms, end, start, lengthMs, count)
  }

  /** The answer may change without a sample: one left a window, or the baseline moved. Nothing new is counted. */
  #judgeAgain(at: number, window: Window['kind'] | null): void {
    for (const terms of this.#eager) {
      if (window === null || terms.reading.window.kind === window) takeAnswers(terms, at, at, 0, 0)
    }
  }
}

interface EagerTerms {
  readonly reading: Reading
  readonly watches: readonly TermWatch[]
}

/** What the active ones say at `end` of so many buckets from `start` on. */
function takeAnswers({ reading, watches }: EagerTerms, end: number, start: number, lengthMs: number, count: number) {
  let isRefreshed = false
  for (const watch of watches) {
    if (!watch.isActive) continue
    if (!isRefreshed) reading.refresh(end)
    isRefreshed = true
    watch.take(judge(watch.term, reading), start, lengthMs, count)
  }
}

/** Buckets from `start` on that begin before a moment; infinitely many when it is not ahead. */
function bucketsUntil(moment: number, start: number, lengthMs: number): number {
  return moment > start ? Math.ceil((moment - start) / lengthMs) : Number.POSITIVE_INFINITY
}

export interface SampleSequenceJson {
  readonly end: string
  readonly tracks: readonly {
    readonly samples: TrackSamplesJson
    readonly queue: RunRingJson
    readonly isSilent: boolean
  }[]
  readonly watches: readonly TermWatchJson[]
}
