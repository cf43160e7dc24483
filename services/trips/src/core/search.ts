import type { TripPlanRow } from './rows.ts'

/**
 * Search over the catalogue, in the way of each version.
 *
 * 1. Both ways give the same plans in the same order: most popular first, then by id.
 * 2. v1.5.0 looks at every plan and sorts what it found, each time.
 * 3. v1.6.0 sorts once and looks only at the plans that hold the rarest pair of letters of the text; `examined` says at
 *    how many, so that "faster" is a number that does not depend on the machine.
 */
export interface SearchQuery {
  readonly text: string
  readonly categoryId: string | null
  readonly limit: number
  readonly offset: number
}

export interface SearchResult {
  readonly plans: readonly TripPlanRow[]
  readonly total: number
  readonly examined: number
}

export type Search = (query: SearchQuery) => SearchResult

/** A plan with the text that is searched, put together once. */
interface Entry {
  readonly plan: TripPlanRow
  readonly text: string
}

export function searchByScan(plans: readonly TripPlanRow[]): Search {
  const entries = plans.map(entryOf)
  return query => pageOf(matching(entries, query).sort(byPopularity), query, entries.length)
}

export function searchByIndex(plans: readonly TripPlanRow[]): Search {
  const sorted = [...plans].sort(byPopularity).map(entryOf)
  const byPair = indexByPair(sorted)
  return query => {
    const candidates = candidatesFor(query, sorted, byPair)
    return pageOf(matching(candidates, query), query, candidates.length)
  }
}

export function byPopularity(a: TripPlanRow, b: TripPlanRow): number {
  return b.popularity - a.popularity || (a.id < b.id ? -1 : 1)
}

function entryOf(plan: TripPlanRow): Entry {
  return { plan, text: `${plan.title}\n${plan.region}\n${plan.description}`.toLowerCase() }
}

function matching(entries: readonly Entry[], { text, categoryId }: SearchQuery): TripPlanRow[] {
  const wanted = text.toLowerCase()
  return entries
    .filter(({ plan }) => categoryId === null || plan.category_id === categoryId)
    .filter(entry => entry.text.includes(wanted))
    .map(({ plan }) => plan)
}

function pageOf(found: readonly TripPlanRow[], { offset, limit }: SearchQuery, examined: number): SearchResult {
  return { plans: found.slice(offset, offset + limit), total: found.length, examined }
}

function indexByPair(entries: readonly Entry[]): ReadonlyMap<string, readonly Entry[]> {
  const index = new Map<string, Entry[]>()
  for (const entry of entries) {
    for (const pair of new Set(pairsOf(entry.text))) {
      const holders = index.get(pair)
      if (holders) holders.push(entry)
      else index.set(pair, [entry])
    }
  }
  return index
}

function pairsOf(text: string): readonly string[] {
  return Array.from({ length: Math.max(0, text.length - 1) }, (_, at) => text.slice(at, at + 2))
}

function candidatesFor(
  query: SearchQuery,
  all: readonly Entry[],
  byPair: ReadonlyMap<string, readonly Entry[]>,
): readonly Entry[] {
  return pairsOf(query.text.toLowerCase())
    .map(pair => byPair.get(pair) ?? [])
    .reduce((fewest, holders) => (holders.length < fewest.length ? holders : fewest), all)
}
