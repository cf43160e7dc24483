/**
 * The door for samples: bounded, durable before it says so, and at once on to the releases that watch.
 *
 *  1. What is being written is bounded in samples; beyond that a sender hears 429 and keeps its batch.
 *  2. An answer means the batch is in the log (or was there before): nothing that was accepted is lost.
 *  3. Without the database a sender hears 503 and keeps its batch; this instance looks at it in memory meanwhile.
 *  4. The in-process engine hears of a batch when it is durable; other instances through the store's hint.
 */
import type { SeriesSample } from '@dankai/engine'
import type { NewSampleBatch, SampleLog, Scope } from '@dankai/store'
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
  /** Called once a batch is durable. */
  readonly handOn: (batch: NewSampleBatch) => void
  /** Called with a batch the database could not take: rules that roll back now are judged on it all the same. */
  readonly keepOffline: (batch: NewSampleBatch) => void
}): Ingest {
  const { log, handOn, keepOffline } = options
  let waiting = 0
  return {
    get waiting() {
      return waiting
    },
    async take({ byService, ...batch }) {
      const services = [...byService].map(([service, samples]) => ({ service, samples }))
      const size = services.reduce((total, { samples }) => total + samples.length, 0)
      if (waiting + size > waitingMax) throw full(size, waiting)
      waiting += size
      try {
        const result = await log.append({ ...batch, services }).catch(error => {
          keepOffline({ ...batch, services })
          throw error
        })
        if ('refused' in result) throw new HttpProblem('invalid', result.refused)
        if ('duplicate' in result) return { duplicate: true }
        handOn({ ...batch, services })
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
