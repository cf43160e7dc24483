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

export function searchByScan(plans: readonly TripPlanRow[]): Search {
  return query => {
    const found = plans.filter(plan => matches(plan, query)).sort(byPopularity)
    return pageOf(found, query, plans.length)
  }
}

export function searchByIndex(plans: readonly TripPlanRow[]): Search {
  const sorted = [...plans].sort(byPopularity)
  const byPair = indexByPair(sorted)
  return query => {
    const candidates = candidatesFor(query, sorted, byPair)
    return pageOf(
      candidates.filter(plan => matches(plan, query)),
      query,
      candidates.length,
    )
  }
}

export function byPopularity(a: TripPlanRow, b: TripPlanRow): number {
  return b.popularity - a.popularity || (a.id < b.id ? -1 : 1)
}

function pageOf(found: readonly TripPlanRow[], { offset, limit }: SearchQuery, examined: number): SearchResult {
  return { plans: found.slice(offset, offset + limit), total: found.length, examined }
}

function matches(plan: TripPlanRow, { text, categoryId }: SearchQuery): boolean {
  return (
    (categoryId === null || plan.category_id === categoryId) &&
    (text === '' || searchedText(plan).includes(text.toLowerCase()))
  )
}

function searchedText(plan: TripPlanRow): string {
  return `${plan.title}\n${plan.region}\n${plan.description}`.toLowerCase()
}

function indexByPair(plans: readonly TripPlanRow[]): ReadonlyMap<string, readonly TripPlanRow[]> {
  const index = new Map<string, TripPlanRow[]>()
  for (const plan of plans) {
    for (const pair of new Set(pairsOf(searchedText(plan)))) {
      const holders = index.get(pair)
      if (holders) holders.push(plan)
      else index.set(pair, [plan])
    }
  }
  return index
}

function pairsOf(text: string): readonly string[] {
  return Array.from({ length: Math.max(0, text.length - 1) }, (_, at) => text.slice(at, at + 2))
}

function candidatesFor(
  query: SearchQuery,
  all: readonly TripPlanRow[],
  byPair: ReadonlyMap<string, readonly TripPlanRow[]>,
): readonly TripPlanRow[] {
  return pairsOf(query.text.toLowerCase())
    .map(pair => byPair.get(pair) ?? [])
    .reduce((fewest, holders) => (holders.length < fewest.length ? holders : fewest), all)
}
