/**
 * Sends what the buffer holds, about once a second, until the server has it.
 *
 * 1. A batch keeps its number until it is accepted, so that the server can tell a repetition from news. Numbers rise.
 * 2. One batch is on its way at a time, in order. The queue is bounded: what waits first in it gives way and is counted.
 *    After a failure the newest goes first: a server without its database still looks at it, while it is news.
 * 3. 429, 5xx, refused credentials and no answer are tried again, with back-off and as `Retry-After` asks. 413 halves
 *    the batch under new numbers. Any other refusal drops the batch, because repeating cannot help, and reports it.
 */
import { type Backoff, createBackoff } from './backoff.ts'
import type { Clock } from './clock.ts'
import type { PostJson, RequestOutcome } from './request.ts'
import { chunksOf, type Sample, type SampleBuffer } from './sample-buffer.ts'

export interface SampleReportOptions {
  readonly sdk: string
  readonly post: PostJson
  readonly clock: Clock
  readonly random: () => number
  readonly buffer: SampleBuffer
  readonly flushEveryMs: number
  readonly report: (error: Error) => void
}

/** What became of the samples, in samples. */
export interface SampleFigures {
  readonly accepted: number
  /** The server said no. */
  readonly refused: number
  /** Never sent: not a number, too many series, or pushed out of a full queue. */
  readonly dropped: number
  readonly waiting: number
}

interface Batch {
  /** Given when it is first sent, so that numbers rise in the order of sending. */
  batch: number | null
  readonly samples: readonly Sample[]
}

const samplesPerBatchMax = 500
/** Two minutes of one batch a second: older samples come too late to decide anything. */
const batchesMax = 120

export class SampleReports {
  readonly #options: SampleReportOptions
  readonly #backoff: Backoff
  readonly #queue: Batch[] = []
  #batches = 0
  #accepted = 0
  #refused = 0
  #dropped = 0
  #sending: Promise<boolean> | null = null
  #notBefore = 0
  #failing = false
  #closed = false
  #cancelTimer: () => void = () => {}

  constructor(options: SampleReportOptions) {
    this.#options = options
    this.#backoff = createBackoff({ firstMs: 200, ceilingMs: 10_000, random: options.random })
    this.#tickLater()
  }

  figures(): SampleFigures {
    const waiting = this.#queue.reduce((total, { samples }) => total + samples.length, 0)
    const dropped = this.#dropped + this.#options.buffer.dropped
    return { accepted: this.#accepted, refused: this.#refused, dropped, waiting }
  }

  /** Sends everything at once, whatever the back-off says. True when the server has it all. */
  flush(): Promise<boolean> {
    this.#collect()
    this.#notBefore = 0
    return this.#send()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelTimer()
    await this.flush()
  }

  #tickLater(): void {
    const { clock, flushEveryMs } = this.#options
    this.#cancelTimer = clock.after(flushEveryMs, () => {
      if (this.#closed) return
      this.#tickLater()
      this.#collect()
      if (clock.now() >= this.#notBefore) void this.#send()
    })
  }

  #collect(): void {
    this.#enqueue(chunksOf(this.#options.buffer.take(), samplesPerBatchMax), 'last')
  }

  #enqueue(chunks: readonly (readonly Sample[])[], place: 'first' | 'last'): void {
    const batches = chunks.map(samples => ({ batch: null, samples }))
    if (place === 'first') this.#queue.unshift(...batches)
    else this.#queue.push(...batches)
    // The batch that is on its way stays: the server may have it already.
    const oldest = this.#sending === null ? 0 : 1
    const tooMany = Math.max(0, this.#queue.length - batchesMax)
    for (const { samples } of this.#queue.splice(oldest, tooMany)) this.#dropped += samples.length
  }

  #send(): Promise<boolean> {
    if (this.#queue.length === 0) return Promise.resolve(true)
    this.#sending ??= this.#sendAll()
    return this.#sending
  }

  /** Marks itself ended in the same turn in which it finds the queue empty, so that nothing is queued unseen. */
  async #sendAll(): Promise<boolean> {
    const { sdk, clock, post } = this.#options
    try {
      for (let batch = this.#next(); batch !== undefined; batch = this.#next()) {
        batch.batch ??= ++this.#batches
        const outcome = await post('/v1/samples', { sdk, sentAt: clock.now(), ...batch })
        if (!this.#settle(batch, outcome)) return false
      }
      return true
    } finally {
      this.#sending = null
    }
  }

  /** Puts it first in the queue. Batches that have a number stay before those that have none, in the order of sending. */
  #next(): Batch | undefined {
    const newest = this.#queue.at(-1)
    if (!this.#failing || newest === undefined || newest.batch !== null) return this.#queue[0]
    this.#queue.pop()
    this.#queue.unshift(newest)
    return newest
  }

  /** False when the batch stays in the queue. */
  #settle(batch: Batch, outcome: RequestOutcome): boolean {
    if (outcome.kind === 'unreachable') return this.#retryLater('no answer', outcome.cause, null)
    const { status, body, retryAfterMs } = outcome
    if (isRetryable(status)) return this.#retryLater(`status ${status}`, undefined, retryAfterMs)
    this.#failing = false
    this.#backoff.reset()
    this.#queue.shift()
    if (status < 300) this.#countAccepted(batch, body)
    else if (status === 413 && batch.samples.length > 1) this.#halve(batch)
    else this.#refuse(batch, status)
    return true
  }

  #retryLater(found: string, cause: unknown, retryAfterMs: number | null): false {
    this.#notBefore = this.#options.clock.now() + this.#backoff.next(retryAfterMs ?? 0)
    if (!this.#failing) this.#report(`Cannot send samples: found ${found}, expected 202`, cause)
    this.#failing = true
    return false
  }

  #countAccepted(batch: Batch, body: unknown): void {
    const refused = refusalsOf(body)
    this.#refused += refused.length
    this.#accepted += batch.samples.length - refused.length
    const first = refused[0]
    if (first === undefined) return
    const series = batch.samples[first.index]?.series
    this.#report(
      `Cannot record sample "${series}": found ${first.code}: ${first.message}. ${refused.length} were refused`,
    )
  }

  #halve({ samples }: Batch): void {
    this.#enqueue(chunksOf(samples, Math.ceil(samples.length / 2)), 'first')
  }

  #refuse({ samples }: Batch, status: number): void {
    this.#refused += samples.length
    this.#report(`Cannot send ${samples.length} samples: found status ${status}, expected 202. They are dropped`)
  }

  #report(message: string, cause?: unknown): void {
    this.#options.report(new Error(message, { cause }))
  }
}

function isRetryable(status: number): boolean {
  return status >= 500 || status === 429 || status === 408 || status === 401 || status === 403
}

interface Refusal {
  readonly index: number
  readonly code: string
  readonly message: string
}

function refusalsOf(body: unknown): readonly Refusal[] {
  const refused = (body as { refused?: unknown } | null)?.refused
  return Array.isArray(refused) ? refused : []
}
