/** Everything stored by name belongs to a project and an environment; `everywhere` stands for all of them. */
export interface Scope {
  readonly project: string
  readonly environment: string
}

export const everywhere = '*'

/** One page of a bounded list. `next` is opaque; null when this was the last page. */
export interface Page<Item> {
  readonly items: readonly Item[]
  readonly next: string | null
}

export interface PageRequest {
  /** `next` of the page before; absent for the first. */
  readonly after?: string | null
  /** At most 200 whatever is asked. */
  readonly limit?: number
}

export const pageLimitMax = 200

export function pageLimit(request: PageRequest, whenAbsent = 50): number {
  return Math.max(1, Math.min(request.limit ?? whenAbsent, pageLimitMax))
}
