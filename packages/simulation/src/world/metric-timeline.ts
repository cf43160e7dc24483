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

export interface ValueSpan {
  readonly from: number
  readonly to: number
  readonly value: WorldValue
}

export interface MetricTimeline {
  readonly good: number
  add(change: ValueChange): void
  valueAt(at: number): WorldValue
  /** Spans of equal value that cover [from, to) without holes, in order. */
  spans(from: number, to: number): readonly ValueSpan[]
  /** Moments at which the value may change. */
  edges(): Iterable<number>
}

export function createMetricTimeline(good: number): MetricTimeline {
  const changes: ValueChange[] = []
  const edges = new Set<number>()

  const valueAt = (at: number): WorldValue => {
    for (let index = changes.length - 1; index >= 0; index -= 1) {
      const change = changes[index]!
      if (change.from <= at && (change.to === null || at < change.to)) return change.value
    }
    return good
  }

  return {
    good,
    add(change) {
      changes.push(change)
      edges.add(change.from)
      if (change.to !== null) edges.add(change.to)
    },
    valueAt,
    spans(from, to) {
      const cuts = [from, ...[...edges].filter(edge => edge > from && edge < to).sort((a, b) => a - b), to]
      const spans: ValueSpan[] = []
      for (let index = 0; index + 1 < cuts.length; index += 1) {
        const span = { from: cuts[index]!, to: cuts[index + 1]!, value: valueAt(cuts[index]!) }
        const last = spans.at(-1)
        if (last?.value === span.value) spans[spans.length - 1] = { ...last, to: span.to }
        else spans.push(span)
      }
      return spans
    },
    edges: () => edges,
  }
}
