/**
 * Sends what a buffer holds, every so often, until the server has it.
 *
 * 1. A batch keeps its number until it is accepted, so that the server can tell a repetition from news. Numbers rise.
 * 2. One batch is on its way at a time, in order. The queue is bounded: what waits first in it gives way and is counted.
 *    After a failure the newest may go first: a server without its database still looks at it, while it is news.
 * 3. 429, 5xx, refused credentials and no answer are tried again, with back-off and as `Retry-After` asks. 413 halves
 *    the batch under new numbers. Any other refusal drops the batch, because repeating cannot help, and reports it.
 */
import { type Backoff, createBackoff } from './backoff.ts'
import type { Clock } from './clock.ts'
import type { PostJson, RequestOutcome } from './request.ts'

export interface BatchReportOptions<Item> {
  /** What is sent, for messages: "samples". */
  readonly what: string
  readonly path: string
  readonly sdk: string
  readonly post: PostJson
  readonly clock: Clock
  readonly random: () => number
  /** Empties the buffer. */
  readonly take: () => readonly Item[]
  /** How many the buffer could not hold. */
  readonly droppedBefore: () => number
  /** The part of the body that carries the items. */
  readonly bodyOf: (items: readonly Item[]) => object
  /** One of them as a person would name it, for messages. */
  readonly nameOf: (item: Item | undefined) => string
  /** What waits beyond so many batches gives way. */
  readonly batchesMax: number
  /** Sends news before what failed to be sent; the server must tell numbers apart in any order then. */
  readonly newestFirst: boolean
  readonly flushEveryMs: number
  readonly report: (error: Error) => void
}

/** What became of the items. */
export interface ReportFigures {
  readonly accepted: number
  /** The server said no. */
  readonly refused: number
  /** Never sent: not a number, too many series, or pushed out of a full queue. */
  readonly dropped: number
  readonly waiting: number
}

interface Batch<Item> {
  /** Given when it is first sent, so that numbers rise in the order of sending. */
  number: number | null
  readonly items: readonly Item[]
}

const itemsPerBatchMax = 500

export class BatchReports<Item> {
  readonly #options: BatchReportOptions<Item>
  readonly #backoff: Backoff
  readonly #queue: Batch<Item>[] = []
  #batches = 0
  #accepted = 0
  #refused = 0
  #dropped = 0
  #sending: Promise<boolean> | null = null
  #notBefore = 0
  #failing = false
  #closed = false
  #cancelTimer: () => void = () => {}

  constructor(options: BatchReportOptions<Item>) {
    this.#options = options
    this.#backoff = createBackoff({ firstMs: 200, ceilingMs: 10_000, random: options.random })
    this.#tickLater()
  }

  figures(): ReportFigures {
    const waiting = this.#queue.reduce((total, { items }) => total + items.length, 0)
    const dropped = this.#dropped + this.#options.droppedBefore()
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
    this.#enqueue(chunksOf(this.#options.take(), itemsPerBatchMax), 'last')
  }

  #enqueue(chunks: readonly (readonly Item[])[], place: 'first' | 'last'): void {
    const batches = chunks.map(items => ({ number: null, items }))
    if (place === 'first') this.#queue.unshift(...batches)
    else this.#queue.push(...batches)
    // The batch that is on its way stays: the server may have it already.
    const oldest = this.#sending === null ? 0 : 1
    const tooMany = Math.max(0, this.#queue.length - this.#options.batchesMax)
    for (const { items } of this.#queue.splice(oldest, tooMany)) this.#dropped += items.length
  }

  #send(): Promise<boolean> {
    if (this.#queue.length === 0) return Promise.resolve(true)
    this.#sending ??= this.#sendAll()
    return this.#sending
  }

  /** Marks itself ended in the same turn in which it finds the queue empty, so that nothing is queued unseen. */
  async #sendAll(): Promise<boolean> {
    const { sdk, path, clock, post, bodyOf } = this.#options
    try {
      for (let batch = this.#next(); batch !== undefined; batch = this.#next()) {
        batch.number ??= ++this.#batches
        const head = { sdk, sentAt: clock.now(), batch: batch.number }
        const outcome = await post(path, { ...head, ...bodyOf(batch.items) })
        if (!this.#settle(batch, outcome)) return false
      }
      return true
    } finally {
      this.#sending = null
    }
  }

  /** Puts it first in the queue. Batches that have a number stay before those that have none, in the order of sending. */
  #next(): Batch<Item> | undefined {
    const newest = this.#queue.at(-1)
    const isNews = this.#options.newestFirst && this.#failing && newest?.number === null
    if (!isNews) return this.#queue[0]
    this.#queue.pop()
    this.#queue.unshift(newest)
    return newest
  }

  /** False when the batch stays in the queue. */
  #settle(batch: Batch<Item>, outcome: RequestOutcome): boolean {
    if (outcome.kind === 'unreachable') return this.#retryLater('no answer', outcome.cause, null)
    const { status, body, retryAfterMs } = outcome
    if (isRetryable(status)) return this.#retryLater(`status ${status}`, undefined, retryAfterMs)
    this.#failing = false
    this.#backoff.reset()
    this.#queue.shift()
    if (status < 300) this.#countAccepted(batch, body)
    else if (status === 413 && batch.items.length > 1) this.#halve(batch)
    else this.#refuse(batch, status)
    return true
  }

  #retryLater(found: string, cause: unknown, retryAfterMs: number | null): false {
    this.#notBefore = this.#options.clock.now() + this.#backoff.next(retryAfterMs ?? 0)
    if (!this.#failing) this.#report(`Cannot send ${this.#options.what}: found ${found}, expected 202`, cause)
    this.#failing = true
    return false
  }

  #countAccepted({ items }: Batch<Item>, body: unknown): void {
    const refused = refusalsOf(body)
    this.#refused += refused.length
    this.#accepted += items.length - refused.length
    const first = refused[0]
    if (first === undefined) return
    const name = this.#options.nameOf(items[first.index])
    this.#report(`Cannot record ${name}: found ${first.code}: ${first.message}. ${refused.length} were refused`)
  }

  #halve({ items }: Batch<Item>): void {
    this.#enqueue(chunksOf(items, Math.ceil(items.length / 2)), 'first')
  }

  #refuse({ items }: Batch<Item>, status: number): void {
    this.#refused += items.length
    const { what } = this.#options
    this.#report(`Cannot send ${items.length} ${what}: found status ${status}, expected 202. They are dropped`)
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

export function chunksOf<Item>(items: readonly Item[], length: number): Item[][] {
  const chunks: Item[][] = []
  for (let from = 0; from < items.length; from += length) chunks.push(items.slice(from, from + length))
  return chunks
}
