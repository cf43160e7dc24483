import type { Localized } from './problem.ts'

/** The known name nearest to what was written, or null when none is near enough to be what was meant. */
export function findNearest(written: string, known: Iterable<string>): string | null {
  if (written.length > 64) return null
  const allowed = written.length <= 3 ? 1 : written.length <= 8 ? 2 : 3
  let best: string | null = null
  let bestDistance = allowed + 1
  for (const name of known) {
    const distance = measureEdits(written.toLowerCase(), name.toLowerCase(), bestDistance)
    if (distance < bestDistance) [best, bestDistance] = [name, distance]
  }
  return best
}

/** The next step for an unknown name: the nearest one, else all of them. */
export function suggestName(written: string, known: Iterable<string>, what: Localized): Localized {
  const names = [...known]
  const nearest = findNearest(written, names)
  if (nearest !== null) return { en: `Did you mean "${nearest}"?`, ja: `"${nearest}" のことですか?` }
  if (names.length === 0)
    return { en: `Add ${what.en} "${written}" first`, ja: `先に${what.ja} "${written}" を加えてください` }
  const shown = names.slice(0, 12).join(', ')
  return { en: `Known: ${shown}`, ja: `使えるもの: ${shown}` }
}

/** Levenshtein distance with transpositions; gives up once `limit` is reached. */
function measureEdits(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1
      let cost = Math.min(previous[column]! + 1, current[column - 1]! + 1, previous[column - 1]! + same)
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) cost = Math.min(cost, beforePrevious[column - 2]! + 1)
      current.push(cost)
    }
    beforePrevious = previous
    previous = current
  }
  return previous[b.length]!
}
