/**
 * Ids of segments, which our definitions do not have: made of what a segment is, so that the same segment of two flags
 * is one, and a changed one is another. A client then never meets a feature beside a segment of another time.
 */
import { murmur3, utf8Bytes } from '@dankai/flags'
import type { UnleashConstraint, UnleashSegment } from './unleash-format.ts'

/** A positive 31-bit number, which every client's integers hold. */
export function segmentIdOf(segment: {
  readonly name: string
  readonly constraints: readonly UnleashConstraint[]
}): number {
  return (murmur3(utf8Bytes(JSON.stringify([segment.name, segment.constraints]))) % 0x7fffffff) + 1
}

/** Null when two segments that differ have one id, which a client could not tell apart. */
export function joinSegments(
  known: ReadonlyMap<number, UnleashSegment>,
  more: readonly UnleashSegment[],
): ReadonlyMap<number, UnleashSegment> | null {
  const joined = new Map(known)
  for (const segment of more) {
    const present = joined.get(segment.id)
    if (present !== undefined && JSON.stringify(present) !== JSON.stringify(segment)) return null
    joined.set(segment.id, segment)
  }
  return joined
}
