import type { SampleBatch } from './ports.ts'

/** About a millisecond; then whatever else is waiting has its turn. After a take-over there are hundreds of thousands. */
const samplesPerTurn = 1_000

/** In order, each of about as many samples as one turn of the event loop takes. */
export function slicesOf(batches: readonly SampleBatch[]): readonly (readonly SampleBatch[])[] {
  const slices: SampleBatch[][] = []
  let room = 0
  for (const batch of batches) {
    if (room <= 0) slices.push([])
    room = (room <= 0 ? samplesPerTurn : room) - batch.samples.length
    slices.at(-1)!.push(batch)
  }
  return slices
}

export function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
