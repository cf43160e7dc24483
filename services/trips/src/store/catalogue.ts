import { createHash } from 'node:crypto'
import { integerBelow, randomFrom } from '../core/random.ts'
import type { RegionRow, TripCategoryRow, TripPlanRow } from '../core/rows.ts'

export interface Catalogue {
  readonly categories: readonly TripCategoryRow[]
  readonly regions: readonly RegionRow[]
  readonly plans: readonly TripPlanRow[]
}

/** Day of the migration that created the categories. */
const CREATED_AT = '2026-01-20T01:00:00.000Z'

const CATEGORIES = [
  { name: '温泉', description: '湯めぐりと旅館', icon: 'hot-spring', themes: ['湯めぐり', '露天風呂の宿'] },
  { name: '世界遺産', description: '寺社と遺跡', icon: 'temple', themes: ['世界遺産ウォーク', '朝の参拝'] },
  { name: 'グルメ', description: '市場と食べ歩き', icon: 'bowl', themes: ['市場の朝ごはん', '食べ歩き'] },
  { name: 'アウトドア', description: '山と川', icon: 'mountain', themes: ['トレッキング', 'ラフティング'] },
  { name: '離島', description: '船で渡る島', icon: 'island', themes: ['離島ホッピング', '星空の島'] },
  { name: 'アート', description: null, icon: null, themes: ['美術館めぐり', '工房体験'] },
] as const

const REGIONS: readonly RegionRow[] = [
  ['札幌', 43.06, 141.35],
  ['函館', 41.77, 140.73],
  ['仙台', 38.27, 140.87],
  ['日光', 36.75, 139.6],
  ['東京', 35.68, 139.76],
  ['箱根', 35.23, 139.11],
  ['金沢', 36.56, 136.66],
  ['高山', 36.14, 137.25],
  ['京都', 35.01, 135.77],
  ['奈良', 34.69, 135.8],
  ['大阪', 34.69, 135.5],
  ['直島', 34.46, 133.99],
  ['広島', 34.39, 132.46],
  ['別府', 33.28, 131.49],
  ['長崎', 32.75, 129.88],
  ['屋久島', 30.34, 130.51],
  ['那覇', 26.21, 127.68],
  ['石垣島', 24.34, 124.16],
].map(([name, latitude, longitude]) => ({ name, latitude, longitude }) as RegionRow)

/** One plan for each region and theme: 216 plans, the same on every machine, so that ids can be known in advance. */
export function createCatalogue(): Catalogue {
  const categories = CATEGORIES.map(({ name, description, icon }) => ({
    id: uuidOf(`category ${name}`),
    name,
    description,
    icon,
    created_at: CREATED_AT,
    updated_at: CREATED_AT,
  }))
  return { categories, regions: REGIONS, plans: REGIONS.flatMap(region => plansOf(region, categories)) }
}

function plansOf(region: RegionRow, categories: readonly TripCategoryRow[]): readonly TripPlanRow[] {
  return CATEGORIES.flatMap((category, index) =>
    category.themes.map(theme => planOf(region, theme, categories[index]!)),
  )
}

function planOf(region: RegionRow, theme: string, category: TripCategoryRow): TripPlanRow {
  const id = uuidOf(`plan ${region.name} ${theme}`)
  const random = randomFrom(Number.parseInt(id.slice(0, 8), 16))
  const isPlaced = random() < 0.9
  return {
    id,
    title: `${region.name} ${theme}`,
    description: `${region.name}で楽しむ${category.name}の旅。${theme}を含みます。`,
    region: region.name,
    category_id: random() < 0.85 ? category.id : null,
    price_yen: 8_000 + 1_000 * integerBelow(random, 60),
    popularity: Math.round(random() * 1_000) / 1_000,
    seats_per_day: 20 + integerBelow(random, 30),
    latitude: isPlaced ? region.latitude + (random() - 0.5) / 10 : null,
    longitude: isPlaced ? region.longitude + (random() - 0.5) / 10 : null,
  }
}

/** A UUID (version 8: of our own making) that depends on the text only. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
