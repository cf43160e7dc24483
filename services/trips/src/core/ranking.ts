import type { TripPlanRow } from './rows.ts'

/** The arms of the experiment `search-algorithm-variant`; any other variant is the default ranking. */
export type RankingVariant = 'control' | 'ml_ranking' | 'hybrid'

export interface RankingFacts {
  readonly freeSeats: (plan: TripPlanRow) => number
  readonly likedCategoryIds: ReadonlySet<string>
}

export function rankingVariantOf(variant: string): RankingVariant {
  return variant === 'ml_ranking' || variant === 'hybrid' ? variant : 'control'
}

export function rankPlans(
  plans: readonly TripPlanRow[],
  variant: RankingVariant,
  facts: RankingFacts,
): readonly TripPlanRow[] {
  if (variant === 'control') return plans
  const learned = (plan: TripPlanRow) => learnedScore(plan, facts)
  const score = variant === 'ml_ranking' ? learned : (plan: TripPlanRow) => (learned(plan) + plan.popularity) / 2
  return plans
    .map(plan => ({ plan, score: score(plan) }))
    .sort(byScore)
    .map(({ plan }) => plan)
}

function byScore(a: { plan: TripPlanRow; score: number }, b: { plan: TripPlanRow; score: number }): number {
  return b.score - a.score || (a.plan.id < b.plan.id ? -1 : 1)
}

/** A linear score with fixed weights; a trained model would stand here, behind the same signature. */
function learnedScore(plan: TripPlanRow, { freeSeats, likedCategoryIds }: RankingFacts): number {
  const isLiked = plan.category_id !== null && likedCategoryIds.has(plan.category_id) ? 1 : 0
  const cheapness = 1 / (1 + plan.price_yen / 50_000)
  const free = freeSeats(plan) / plan.seats_per_day
  return 0.45 * plan.popularity + 0.3 * isLiked + 0.15 * cheapness + 0.1 * free
}
