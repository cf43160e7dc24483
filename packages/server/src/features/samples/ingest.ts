/**
 * The door for samples: bounded, durable before it says so, and at once on to the releases that watch.
 *
 *  1. What is being written is bounded in samples; beyond that a sender hears 429 and keeps its batch.
 *  2. An answer means the batch is in the log (or was there before): nothing that was accepted is lost.
 *  3. The in-process engine hears of a batch when it is durable; other instances through the store's hint.
 */
import { createHash } from 'node:crypto'
import type { SampleBatch, SampleLog, Scope, SeriesSample, StoredBatch } from '@dankai/store'
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

export function createIngest(options: {
  readonly log: Pick<SampleLog, 'append'>
  readonly now: () => number
  /** Called once a batch is durable. */
  readonly handOn: (batch: StoredBatch) => void
}): Ingest {
  const { log, now, handOn } = options
  let waiting = 0

  async function append(batch: SampleBatch): Promise<boolean> {
    const result = await log.append(batch)
    if ('refused' in result) throw new HttpProblem('invalid', result.refused)
    if ('duplicate' in result) return true
    handOn({ ...batch, id: result.id, receivedAt: now() })
    return false
  }

  return {
    get waiting() {
      return waiting
    },
    async take({ byService, ...batch }) {
      const size = [...byService.values()].reduce((total, samples) => total + samples.length, 0)
      if (waiting + size > waitingMax)
        throw new HttpProblem(
          'too-many-requests',
          `Cannot take ${size} samples: found ${waiting} waiting to be written, expected at most ${waitingMax}. Send them again in a second.`,
          {},
          { 'retry-after': '1' },
        )
      waiting += size
      try {
        const several = byService.size > 1
        const results = await Promise.all(
          [...byService].map(([service, samples]) =>
            append({ ...batch, service, samples, sdk: several ? senderOf(batch.sdk, service) : batch.sdk }),
          ),
        )
        return { duplicate: results.length > 0 && results.every(duplicate => duplicate) }
      } finally {
        waiting -= size
      }
    },
  }
}

/** A batch of several services is one batch of each: its number is told apart by service. */
function senderOf(sdk: string, service: string): string {
  const hash = createHash('sha256').update(`${sdk}\n${service}`).digest('hex')
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `4${hash.slice(13, 16)}`,
    `8${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-')
}
