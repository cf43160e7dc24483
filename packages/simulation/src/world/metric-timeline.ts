/**
 * The value of one metric on one track over time: a healthy value everywhere, and changes laid over it. Piecewise
 * constant; the newest change that covers a moment wins, so that a script reads like a list of things that happen.
 */
export type WorldValue = number | 'no data'

export interface ValueChange {
  readonly from: number
  /** Exclusive; null = until something else is said. */
  readonly to: number | null
  readonly value: WorldValue
}

/** The longest span around a moment in which no change begins or ends. */
interface ValueSpan {
  readonly from: number
  readonly to: number
  readonly value: WorldValue
}

export interface MetricTimeline {
  add(change: ValueChange): void
  valueAt(at: number): WorldValue
  /** Moments at which the value may change. */
  edges(): Iterable<number>
}

export function createMetricTimeline(good: number): MetricTimeline {
  const changes: ValueChange[] = []
  const edges = new Set<number>()
  const find = (at: number): ValueSpan => {
    let from = Number.NEGATIVE_INFINITY
    let to = Number.POSITIVE_INFINITY
    for (const edge of edges) {
      if (edge <= at && edge > from) from = edge
      if (edge > at && edge < to) to = edge
    }
    const newest = changes.findLast(change => change.from <= at && (change.to === null || at < change.to))
    return { from, to, value: newest?.value ?? good }
  }
  // Time goes forward: the same span is asked for again and again.
  let span = find(Number.NEGATIVE_INFINITY)
  const valueAt = (at: number): WorldValue => {
    if (at < span.from || at >= span.to) span = find(at)
    return span.value
  }

  return {
    add(change) {
      changes.push(change)
      edges.add(change.from)
      if (change.to !== null) edges.add(change.to)
      span = find(change.from)
    },
    valueAt,
    edges: () => edges,
  }
}
