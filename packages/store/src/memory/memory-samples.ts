import type { SampleBatch, SeriesSample } from '@dankai/engine'
import {
  finestMs,
  groupByHour,
  nameOfKey,
  type PackedHour,
  packSamples,
  type SampleHourKey,
  sampleRetention,
  unpackHour,
} from '../sample-hour.ts'
import type { NewSampleBatch, SampleHistoryQuery, SampleLog } from '../sample-ports.ts'
import { isIn, type MemoryState, scopedKey } from './memory-state.ts'

/** Remembered numbers of one SDK; older ones count as taken. */
const windowLength = 62
const batchesAtOnce = 500
const historyMax = 20_000

interface Sender {
  highest: number
  readonly recent: Set<number>
}

interface Hour {
  readonly key: SampleHourKey
  resolutionMs: number
  body: PackedHour
}

export function createMemorySamples(state: MemoryState): SampleLog {
  const batches: SampleBatch[] = []
  const senders = new Map<string, Sender>()
  const hours = new Map<string, Hour>()
  let lastId = 0
  let packedUpTo = 0

  return {
    async append(batch) {
      const now = await state.now()
      if (!takeNumber(senders, batch)) return { duplicate: true }
      for (const part of batch.services) write(batch, part, now)
      return { id: batch.services.length === 0 ? 0 : lastId }
    },
    async read(afterId, filter, limit) {
      const found: SampleBatch[] = []
      for (let index = indexAfter(batches, afterId); index < batches.length && found.length < limit; index++) {
        const batch = batches[index]!
        if (filter === null || (isIn(batch, filter) && filter.services.includes(batch.service))) found.push(batch)
      }
      return { batches: found, cursor: found.length >= limit ? found.at(-1)!.id : Math.max(afterId, lastId) }
    },
    async head() {
      return lastId
    },
    async idBefore(receivedAt) {
      return batches.findLast(batch => batch.receivedAt < receivedAt)?.id ?? 0
    },
    subscribe(listener) {
      return state.hints.subscribe(hint => {
        if (hint.kind === 'samples' || hint.kind === 'reconnected') listener(hint)
      })
    },
    async compact() {
      const unpacked = batches.slice(indexAfter(batches, packedUpTo))
      for (let from = 0; from < unpacked.length; from += batchesAtOnce) pack(unpacked.slice(from, from + batchesAtOnce))
      packedUpTo = lastId
      return { batches: unpacked.length }
    },
    async prune() {
      const now = await state.now()
      for (const [index, { resolutionMs, keptMs }] of sampleRetention.entries()) {
        coarsen(now - keptMs, resolutionMs, sampleRetention[index + 1]?.resolutionMs ?? null)
      }
      const oldest = now - sampleRetention[0].keptMs
      while (batches[0] !== undefined && batches[0].receivedAt < oldest && batches[0].id <= packedUpTo) batches.shift()
    },
    async history(query) {
      return historyOf(hours.values(), query)
    },
  }

  function write(
    batch: NewSampleBatch,
    { service, samples }: NewSampleBatch['services'][number],
    receivedAt: number,
  ): void {
    const { project, environment, trusted } = batch
    batches.push({ id: ++lastId, project, environment, service, receivedAt, trusted, samples })
    state.hints.tell({ kind: 'samples', project, environment, service })
  }

  function pack(added: readonly SampleBatch[]): void {
    for (const [name, { key, samples }] of groupByHour(added)) {
      const hour = hours.get(name)
      const known = hour === undefined ? [] : unpackHour(key, hour.body)
      const resolutionMs = hour?.resolutionMs ?? finestMs
      hours.set(name, { key, resolutionMs, body: packSamples([...known, ...samples], key.hour, resolutionMs) })
    }
  }

  function coarsen(before: number, resolutionMs: number, coarser: number | null): void {
    for (const hour of [...hours.values()]) {
      if (hour.key.hour >= before) continue
      if (coarser === null) hours.delete(nameOfKey(hour.key))
      else if (hour.resolutionMs === resolutionMs) {
        hour.resolutionMs = coarser
        hour.body = packSamples(unpackHour(hour.key, hour.body), hour.key.hour, coarser)
      }
    }
  }
}

function takeNumber(senders: Map<string, Sender>, { no, ...batch }: NewSampleBatch): boolean {
  const name = scopedKey(batch, batch.sdk)
  const sender = senders.get(name)
  if (sender === undefined) {
    senders.set(name, { highest: no, recent: new Set([no]) })
    return true
  }
  if (sender.recent.has(no) || no <= sender.highest - windowLength) return false
  sender.recent.add(no)
  sender.highest = Math.max(sender.highest, no)
  for (const known of sender.recent) if (known <= sender.highest - windowLength) sender.recent.delete(known)
  return true
}

/** Ids ascend, so the place is found by halving. */
function indexAfter(batches: readonly SampleBatch[], id: number): number {
  let [from, to] = [0, batches.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (batches[middle]!.id <= id) from = middle + 1
    else to = middle
  }
  return from
}

function historyOf(
  hours: Iterable<Hour>,
  query: SampleHistoryQuery,
): readonly (SeriesSample & { readonly trusted: boolean })[] {
  const { service, series, from, to } = query
  const asked = [...hours].filter(({ key }) => isIn(key, query) && key.service === service && key.series === series)
  const samples = asked
    .flatMap(({ key, body }) => unpackHour(key, body))
    .filter(({ start }) => start >= from && start < to)
  return samples.sort((one, other) => one.start - other.start).slice(0, historyMax)
}
