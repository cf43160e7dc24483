/**
 * Exponential back-off with full jitter: a random part of a ceiling that doubles. After an outage thousands of clients
 * return; the jitter spreads them evenly instead of letting them come in waves. A server that knows that it has thousands
 * of clients asks them to spread over more than the first ceiling.
 */
export interface Backoff {
  /** How long to wait before the next attempt: at least `leastMs`, and a random part of at least `spreadMs`. */
  next(leastMs?: number, spreadMs?: number): number
  /** An attempt was good: begin again. */
  reset(): void
}

export interface BackoffOptions {
  readonly firstMs: number
  readonly ceilingMs: number
  readonly random: () => number
}

export function createBackoff({ firstMs, ceilingMs, random }: BackoffOptions): Backoff {
  let ceiling = firstMs
  return {
    next(leastMs = 0, spreadMs = 0) {
      const delayMs = random() * Math.max(ceiling, spreadMs)
      ceiling = Math.min(ceiling * 2, ceilingMs)
      return Math.max(delayMs, leastMs)
    },
    reset() {
      ceiling = firstMs
    },
  }
}
