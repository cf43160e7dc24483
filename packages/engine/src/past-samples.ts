import { CellStore } from './cell-store.ts'
import type { SampleLogReader, SeriesSample } from './ports.ts'
import { labelKey, type SeriesName } from './sample-table.ts'

const hourMs = 3_600_000
/** Hours of one series kept: the present one, the one before it and the next, which is read ahead of its time. */
const hoursMax = 4

export interface PastQuery {
  readonly project: string
  readonly environment: string
  readonly service: string
  readonly series: string
}

/** Samples of one hour in order of time; a cell's series is named by its number. */
export interface PastHour {
  readonly series: readonly SeriesName[]
  readonly cells: CellStore
}

/** Packed samples of other days by series and hour. What is long past does not change, so an hour is read once. */
export class PastSamples {
  readonly #log: SampleLogReader
  readonly #hours = new Map<string, Map<number, Promise<PastHour>>>()

  constructor(log: SampleLogReader) {
    this.#log = log
  }

  /** The hours in which samples that begin in [from, to) are. */
  async read(query: PastQuery, from: number, to: number): Promise<readonly PastHour[]> {
    if (this.#log.history === undefined) return []
    const hours: Promise<PastHour>[] = []
    for (let hour = Math.floor(from / hourMs) * hourMs; hour < to; hour += hourMs) hours.push(this.#hour(query, hour))
    return Promise.all(hours)
  }

  #hour(query: PastQuery, hour: number): Promise<PastHour> {
    const key = `${query.project}/${query.environment}/${query.service}/${query.series}`
    const known = this.#hours.get(key) ?? new Map<number, Promise<PastHour>>()
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

  async #readHour(query: PastQuery, hour: number): Promise<PastHour> {
    const samples = await this.#log.history!({ ...query, from: hour, to: hour + hourMs })
    return hourOf(samples)
  }
}

function hourOf(samples: readonly (SeriesSample & { readonly trusted: boolean })[]): PastHour {
  const cells = new CellStore()
  const series: SeriesName[] = []
  const numbers = new Map<string, number>()
  for (const sample of samples) {
    const { series: name, labels, track, trusted, start, lengthMs } = sample
    const key = `${name} ${track} ${trusted} ${labelKey(labels)}`
    const number = numbers.get(key) ?? series.push({ name, labels, track, trusted }) - 1
    numbers.set(key, number)
    cells.add(cells.append(number, start, lengthMs, start), sample)
  }
  return { series, cells }
}
