/**
 * How a stop that was asked for becomes one that is kept, whatever became of the id it came with.
 *
 *  1. The same stop (place, target, id) that is in force is one stop, however often and wherever it is posted.
 *  2. An id that is taken (by a stop that was lifted, or by another one) never keeps a stop from coming into force: it
 *     gets another id. That one follows from what was found, so that all instances that are asked come to the same.
 *  3. A stop that is lifted stays so when an instance that was away tells of it late.
 */
import { createHash, randomUUID } from 'node:crypto'
import type { Overlay, OverlayStore } from '@dankai/store'
import type { Stop } from '../../serving/served-flags.ts'

/** Semantics G2. */
export const databaseWithinMs = 1_000
/** An id that was used up this often is a constant of some script; instances need not agree any more. */
const idsMax = 8

export const isSameStop = (one: Stop, other: Stop): boolean => one.id === other.id && isSameQuestion(one, other)

/** The same place and target, whatever the ids. */
export function isSameQuestion(one: Stop, other: Stop): boolean {
  return one.project === other.project && one.environment === other.environment && targetKey(one) === targetKey(other)
}

function targetKey({ stops }: Stop): string {
  switch (stops.kind) {
    case 'everything':
      return 'everything'
    case 'release':
      return `release ${stops.releaseId}`
    case 'flag':
      return `flag ${stops.key}`
  }
}

/**
 * The overlay that stands for the stop in the database; a lifted one only when it was lifted after `askedAt`. Ends
 * without another attempt when nobody `isWaiting`, as whoever gave up keeps the stop elsewhere.
 */
export async function keepStop(
  overlays: Pick<OverlayStore, 'stop'>,
  stop: Stop,
  { askedAt, isWaiting }: { readonly askedAt: number; readonly isWaiting: () => boolean },
): Promise<Overlay> {
  let { id } = stop
  for (let ids = 1; ; ids++) {
    const kept = await overlays.stop({ ...stop, id })
    if (isSameQuestion(kept, stop) && (kept.clearedAt === null || isLiftedAfter(kept.clearedAt, askedAt))) return kept
    if (!isWaiting()) throw new Error('the stop is kept elsewhere')
    id = ids < idsMax ? nextId(kept, stop) : randomUUID()
  }
}

/** Whoever lifts has waited for the answer, which takes as long as the database was waited for. */
const isLiftedAfter = (clearedAt: number, askedAt: number): boolean => clearedAt > askedAt + databaseWithinMs

function nextId({ id, clearedAt }: Overlay, stop: Stop): string {
  const said = JSON.stringify([id, clearedAt, stop.project, stop.environment, targetKey(stop)])
  const hex = createHash('sha256').update(said).digest('hex')
  // Version 8 is the one whose bits are the maker's own.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
