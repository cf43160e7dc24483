/**
 * The door for samples: bounded, durable before it says so, and at once on to the releases that watch.
 *
 *  1. What is being written is bounded in samples; beyond that a sender hears 429 and keeps its batch.
 *  2. An answer means the batch is in the log (or was there before): nothing that was accepted is lost.
 *  3. Without the database a sender hears 503 and keeps its batch; this instance looks at it in memory meanwhile, once
 *     however often it comes.
 *  4. The in-process engine hears of a batch when it is durable; other instances through the store's hint.
 */
import type { SeriesSample } from '@dankai/engine'
import type { AppendResult, NewSampleBatch, SampleLog, Scope } from '@dankai/store'
import { answeredWithin, LateAnswer } from '../../http/answered-within.ts'
import { HttpProblem } from '../../http/http-problem.ts'

export interface IngestBatch extends Scope {
  readonly sdk: string
  readonly no: number
  readonly trusted: boolean
  readonly byService: ReadonlyMap<string, readonly SeriesSample[]>
}

export interface Ingest {
  /** Resolves when durable. Throws 429 when full. */
  take(batch: IngestBatch): Promise<{ readonly duplicate: boolean }>
  readonly waiting: number
}

/** About a second of what 2 cores write; more would only wait here instead of at the senders. */
const waitingMax = 100_000
/** A database that takes longer may be away, and what is looked at too late counts as late: it is looked at in memory. */
const durableWithinMs = 2_000
/** Before senders give up on their own, so that they hear why. */
const answeredWithinMs = 3_000
/** Numbers of batches looked at in memory; more than all senders can have waiting. */
const heldMax = 50_000

export function createIngest(options: {
  readonly log: Pick<SampleLog, 'append'>
  /** Called once a batch is durable. */
  readonly handOn: (batch: NewSampleBatch) => void
  /** Called with a batch the database could not take: rules that roll back now are judged on it all the same. */
  readonly keepOffline: (batch: NewSampleBatch) => void
}): Ingest {
  const { log, handOn, keepOffline } = options
  const held = new Set<string>()
  let waiting = 0

  function hold(batch: NewSampleBatch): void {
    const key = JSON.stringify([batch.project, batch.environment, batch.sdk, batch.no])
    if (held.has(key)) return
    held.add(key)
    if (held.size > heldMax) held.delete(held.values().next().value ?? '')
    keepOffline(batch)
  }

  /** The write goes on when the answer cannot wait: the sender comes again, and its number is taken once. */
  async function write(batch: NewSampleBatch): Promise<AppendResult> {
    const writing = log.append(batch)
    try {
      return await answeredWithin(writing, durableWithinMs, 'write samples')
    } catch (error) {
      hold(batch)
      if (!(error instanceof LateAnswer)) throw error
    }
    return answeredWithin(writing, answeredWithinMs - durableWithinMs, 'write samples')
  }

  return {
    get waiting() {
      return waiting
    },
    async take({ byService, ...sent }) {
      const services = [...byService].map(([service, samples]) => ({ service, samples }))
      const size = services.reduce((total, { samples }) => total + samples.length, 0)
      if (waiting + size > waitingMax) throw full(size, waiting)
      const batch = { ...sent, services }
      waiting += size
      try {
        const result = await write(batch)
        if ('refused' in result) throw new HttpProblem('invalid', result.refused)
        if ('duplicate' in result) return { duplicate: true }
        handOn(batch)
        return { duplicate: false }
      } finally {
        waiting -= size
      }
    },
  }
}

function full(size: number, waiting: number): HttpProblem {
  return new HttpProblem(
    'too-many-requests',
    `Cannot take ${size} samples: found ${waiting} waiting to be written, expected at most ${waitingMax}. Send them again in a second.`,
    {},
    { 'retry-after': '1' },
  )
}
