import { type Day, daysBetween, isWeekend } from './day.ts'
import type { TripPlanRow } from './rows.ts'

export interface PriceLine {
  readonly label: string
  readonly yen: number
}

export interface Price {
  readonly perTravellerYen: number
  readonly totalYen: number
  readonly lines: readonly PriceLine[]
}

export interface PriceQuestion {
  readonly plan: TripPlanRow
  readonly travelDay: Day
  readonly today: Day
  readonly travellers: number
  /** Seats already booked for that day: what makes the price move in real time. */
  readonly bookedSeats: number
}

/** A full day costs this much more than an empty one. */
const FULL_DAY_SHARE = 0.3
const WEEKEND_SHARE = 0.1
const LAST_WEEK_SHARE = 0.1
const EARLY_SHARE = -0.05
const EARLY_DAYS = 90

/** The price of v1.5.0: what the catalogue says. */
export function listPrice(plan: TripPlanRow, travellers: number): Price {
  const yen = plan.price_yen
  return { perTravellerYen: yen, totalYen: yen * travellers, lines: [{ label: '基本料金', yen }] }
}

/** The price of v1.6.0: it follows demand, the day of the week and how early one books. */
export function realTimePrice(question: PriceQuestion): Price {
  const base = question.plan.price_yen
  const lines = [
    { label: '基本料金', yen: base },
    ...adjustments(question).map(({ label, share }) => ({ label, yen: toHundreds(base * share) })),
  ]
  const perTravellerYen = lines.reduce((sum, line) => sum + line.yen, 0)
  return {
    perTravellerYen,
    totalYen: perTravellerYen * question.travellers,
    lines: lines.filter((line, index) => index === 0 || line.yen !== 0),
  }
}

function adjustments(question: PriceQuestion): readonly { label: string; share: number }[] {
  const daysAhead = daysBetween(question.today, question.travelDay)
  const demand = Math.min(1, question.bookedSeats / question.plan.seats_per_day)
  return [
    { label: '混雑', share: demand * FULL_DAY_SHARE },
    { label: '週末', share: isWeekend(question.travelDay) ? WEEKEND_SHARE : 0 },
    { label: '直前', share: daysAhead < 7 ? LAST_WEEK_SHARE : 0 },
    { label: '早割', share: daysAhead >= EARLY_DAYS ? EARLY_SHARE : 0 },
  ]
}

function toHundreds(yen: number): number {
  return Math.round(yen / 100) * 100
}
