import type { TripPlanRow } from './rows.ts'

export interface Suggestion {
  readonly plan: TripPlanRow
  readonly score: number
  readonly reasons: readonly string[]
}

export interface Taste {
  /** Plans the user marked as favourites or booked, newest first. */
  readonly liked: readonly TripPlanRow[]
}

/**
 * Trip suggestions of v1.6.0: plans near to what the user liked in category, region and price, never one of those
 * again. Without any history it is popularity alone. The same taste gives the same suggestions.
 */
export function suggestTrips(plans: readonly TripPlanRow[], { liked }: Taste, limit: number): readonly Suggestion[] {
  const known = new Set(liked.map(plan => plan.id))
  return plans
    .filter(plan => !known.has(plan.id))
    .map(plan => assessPlan(plan, liked))
    .sort((a, b) => b.score - a.score || (a.plan.id < b.plan.id ? -1 : 1))
    .slice(0, limit)
}

function assessPlan(plan: TripPlanRow, liked: readonly TripPlanRow[]): Suggestion {
  const category = shareOf(liked, other => plan.category_id !== null && other.category_id === plan.category_id)
  const region = shareOf(liked, other => other.region === plan.region)
  const price = shareOf(liked, other => Math.abs(other.price_yen - plan.price_yen) <= other.price_yen * 0.25)
  const reasons = [
    ...(category > 0 ? ['お気に入りと同じカテゴリ'] : []),
    ...(region > 0 ? [`${plan.region}がお好きなようです`] : []),
    ...(price > 0 ? ['いつもの価格帯'] : []),
  ]
  const score = 0.4 * category + 0.25 * region + 0.15 * price + 0.2 * plan.popularity
  return { plan, score, reasons: reasons.length > 0 ? reasons : ['人気のプラン'] }
}

function shareOf(liked: readonly TripPlanRow[], isNear: (plan: TripPlanRow) => boolean): number {
  return liked.length === 0 ? 0 : liked.filter(isNear).length / liked.length
}
