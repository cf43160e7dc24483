/**
 * Full jitter over the upper half: `first × 2^(attempt-1)`, at most `most`, of which at least half is waited. Many
 * releases that fail together do not come back together, and none comes back at once.
 */
export function backOffMs(attempt: number, firstMs: number, mostMs: number, random: () => number): number {
  const ceiling = Math.min(mostMs, firstMs * 2 ** Math.min(30, Math.max(0, attempt - 1)))
  return Math.ceil(ceiling / 2 + (random() * ceiling) / 2)
}
