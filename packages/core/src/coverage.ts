/**
 * Covered time: how long a phase was really watched. Pause, missing data and a gap in deciding stop the clock without
 * resetting it. Spans may overlap (a pause during a gap counts once).
 */
export interface UncoveredSpan {
  readonly from: number
  readonly to: number | null
  readonly why: string
}

/** Milliseconds of [from, now) that no span covers. */
export function coveredMs(from: number, now: number, spans: readonly UncoveredSpan[]): number {
  if (spans.length === 0) return Math.max(0, now - from)
  let lost = 0
  let reach = from
  for (const span of spans) {
    const start = Math.max(span.from, reach)
    const end = Math.min(span.to ?? now, now)
    if (end > start) {
      lost += end - start
      reach = end
    }
  }
  return Math.max(0, now - from - lost)
}

/** Adds a span, keeping them ordered by start. */
export function openSpan(spans: readonly UncoveredSpan[], from: number, why: string): readonly UncoveredSpan[] {
  return [...spans, { from, to: null, why }].sort((a, b) => a.from - b.from)
}

/** Closes the open span of this cause. */
export function closeSpan(spans: readonly UncoveredSpan[], to: number, why: string): readonly UncoveredSpan[] {
  return spans.map(span => (span.why === why && span.to === null ? { ...span, to: Math.max(to, span.from) } : span))
}
