import { type Day, daysAfter, daysBetween } from './day.ts'
import { listPrice, type Price, realTimePrice } from './pricing.ts'
import type { BookingRow, TripPlanRow } from './rows.ts'

export interface BookingRequest {
  readonly planId: string
  readonly date: Day
  readonly travellers: number
}

export interface BookingQuestion {
  readonly request: BookingRequest
  readonly plan: TripPlanRow
  readonly bookedSeats: number
  readonly userId: string
  readonly today: Day
}

/** A booking before it is stored: who stores it gives it an id and a time. */
export type BookingDraft = Omit<BookingRow, 'id' | 'payment_id' | 'created_at'>

/** What the booking confirmation screen of v1.6.0 shows. */
export interface Confirmation {
  readonly title: string
  readonly lines: Price['lines']
  readonly totalYen: number
  readonly cancelFreeUntil: Day
}

export type BookingDecision =
  | { readonly kind: 'accepted'; readonly draft: BookingDraft; readonly confirmation: Confirmation | null }
  | { readonly kind: 'refused'; readonly code: 'date-out-of-range' | 'sold-out'; readonly detail: string }

/** As far ahead as a day can be booked; also what bounds the number of days the store has to count seats for. */
export const BOOKING_HORIZON_DAYS = 365
const CANCEL_FREE_DAYS = 3

export function decideLegacyBooking(question: BookingQuestion): BookingDecision {
  return refusalOf(question) ?? accept(question, 'legacy', listPrice(question.plan, question.request.travellers), null)
}

/** The new flow books at the price of this moment and says what the confirmation screen needs. */
export function decideNewBooking(question: BookingQuestion): BookingDecision {
  const refusal = refusalOf(question)
  if (refusal) return refusal
  const price = priceOf(question)
  return accept(question, 'new', price, {
    title: question.plan.title,
    lines: price.lines,
    totalYen: price.totalYen,
    cancelFreeUntil: cancelFreeUntil(question),
  })
}

function priceOf({ request, plan, today, bookedSeats }: BookingQuestion): Price {
  return realTimePrice({ plan, travelDay: request.date, today, travellers: request.travellers, bookedSeats })
}

function cancelFreeUntil({ request, today }: BookingQuestion): Day {
  const until = daysAfter(request.date, -CANCEL_FREE_DAYS)
  return until < today ? today : until
}

function accept(
  { request, plan, userId }: BookingQuestion,
  flow: BookingRow['flow'],
  price: Price,
  confirmation: Confirmation | null,
): BookingDecision {
  const draft: BookingDraft = {
    user_id: userId,
    plan_id: plan.id,
    travel_date: request.date,
    travellers: request.travellers,
    total_yen: price.totalYen,
    flow,
  }
  return { kind: 'accepted', draft, confirmation }
}

function refusalOf({ request, plan, bookedSeats, today }: BookingQuestion): BookingDecision | null {
  const daysAhead = daysBetween(today, request.date)
  if (daysAhead < 1 || daysAhead > BOOKING_HORIZON_DAYS) {
    const last = daysAfter(today, BOOKING_HORIZON_DAYS)
    const detail = `Cannot book "${plan.title}": found date "${request.date}", expected a day from ${daysAfter(today, 1)} to ${last}. Choose another day.`
    return { kind: 'refused', code: 'date-out-of-range', detail }
  }
  const free = plan.seats_per_day - bookedSeats
  if (request.travellers > free) {
    const detail = `Cannot book "${plan.title}": found ${free} free seats on ${request.date}, expected ${request.travellers}. Choose another day.`
    return { kind: 'refused', code: 'sold-out', detail }
  }
  return null
}
