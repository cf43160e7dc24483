import type { Features } from '../core/features.ts'
import type { RegionRow, TripCategoryRow, TripPlanRow } from '../core/rows.ts'

export interface TripView {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly region: string
  readonly priceYen: number
  readonly map: { readonly latitude: number; readonly longitude: number } | null
  readonly category?: { readonly id: string; readonly name: string; readonly icon: string | null } | null
}

export type RenderTrip = (plan: TripPlanRow) => TripView

/** How a version shows a plan. Fields are only ever added: an older app reads the answer of a newer API. */
export function createRenderTrip(
  features: Features,
  categories: readonly TripCategoryRow[],
  regions: readonly RegionRow[],
): RenderTrip {
  const categoryById = new Map(categories.map(category => [category.id, category]))
  const regionByName = new Map(regions.map(region => [region.name, region]))
  return plan => ({
    id: plan.id,
    title: plan.title,
    description: plan.description,
    region: plan.region,
    priceYen: plan.price_yen,
    map: mapOf(plan) ?? (features.mapAlwaysShown ? mapOf(regionByName.get(plan.region)) : null),
    ...(features.tripCategories
      ? { category: renderCategory(plan.category_id === null ? undefined : categoryById.get(plan.category_id)) }
      : {}),
  })
}

function mapOf(place: { latitude: number | null; longitude: number | null } | undefined): TripView['map'] {
  if (!place || place.latitude === null || place.longitude === null) return null
  return { latitude: place.latitude, longitude: place.longitude }
}

function renderCategory(category: TripCategoryRow | undefined): NonNullable<TripView['category']> | null {
  return category ? { id: category.id, name: category.name, icon: category.icon } : null
}
