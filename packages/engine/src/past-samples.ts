import type { PastSample } from './metric-view.ts'
import type { SampleLogReader } from './ports.ts'
import { cellOf } from './sample-table.ts'

const hourMs = 3_600_000
/** Hours of one series kept: the present one, the one before it and the next, which is read ahead of its time. */
const hoursMax = 4

export interface PastQuery {
  readonly project: string
  readonly environment: string
  readonly service: string
  readonly series: string
}

/** Packed samples of other days by series and hour. What is long past does not change, so an hour is read once. */
export class PastSamples {
  readonly #log: SampleLogReader
  readonly #hours = new Map<string, Map<number, Promise<readonly PastSample[]>>>()

  constructor(log: SampleLogReader) {
    this.#log = log
  }

  /** Samples that begin in [from, to). */
  async read(query: PastQuery, from: number, to: number): Promise<readonly PastSample[]> {
    if (this.#log.history === undefined) return []
    const hours: Promise<readonly PastSample[]>[] = []
    for (let hour = Math.floor(from / hourMs) * hourMs; hour < to; hour += hourMs) hours.push(this.#hour(query, hour))
    return (await Promise.all(hours)).flat()
  }

  #hour(query: PastQuery, hour: number): Promise<readonly PastSample[]> {
    const key = `${query.project}/${query.environment}/${query.service}/${query.series}`
    const known = this.#hours.get(key) ?? new Map<number, Promise<readonly PastSample[]>>()
    this.#hours.set(key, known)
    const held = known.get(hour)
    if (held !== undefined) return held
    const reading = this.#readHour(query, hour)
    known.set(hour, reading)
    // An hour that could not be read is asked for again.
    reading.catch(() => known.delete(hour))
    for (const old of known.keys()) if (known.size > hoursMax) known.delete(old)
    return reading
  }

  async #readHour(query: PastQuery, hour: number): Promise<readonly PastSample[]> {
    const samples = await this.#log.history!({ ...query, from: hour, to: hour + hourMs })
    return samples.map(sample => {
      const { series: name, labels, track, trusted } = sample
      return { series: { name, labels, track, trusted }, cell: cellOf(sample, sample.start) }
    })
  }
}
