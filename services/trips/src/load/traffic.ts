import { type Day, daysAfter } from '../core/day.ts'
import { integerBelow, type Random, randomFrom } from '../core/random.ts'

export type RequestKind = 'search' | 'version-check' | 'listing' | 'create'

/** One request to come: who asks what, and how long after the one before. */
export interface PlannedRequest {
  readonly kind: RequestKind
  readonly userId: string
  readonly gapMs: number
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

export interface TrafficOptions {
  readonly seed: number
  /** Requests a second. */
  readonly rate: number
  readonly users: number
  readonly today: Day
  readonly planIds: readonly string[]
}

const SEARCHED = ['温泉', '京都', '市場', 'トレッキング', '美術館', '離島', '星空', '']
const BOOKED_DAYS_AHEAD = 180

/**
 * An endless, seeded sequence of requests.
 *
 * 1. The users come in a seeded order; each comes once before any comes again.
 * 2. Nothing is kept for a user: every request is made anew, as from a device that was never seen.
 * 3. Arrivals are random and independent (Poisson) at the rate, as those of real users.
 */
export function createTraffic(options: TrafficOptions): () => PlannedRequest {
  const random = randomFrom(options.seed)
  const nextUser = createUserOrder(options.users, random)
  return () => {
    const userId = `user-${nextUser()}`
    const gapMs = (-Math.log(1 - random()) * 1_000) / options.rate
    return { userId, gapMs, ...planRequest(kindAt(random()), userId, random, options) }
  }
}

function kindAt(share: number): RequestKind {
  if (share < 0.6) return 'search'
  if (share < 0.75) return 'version-check'
  return share < 0.85 ? 'listing' : 'create'
}

/** A walk over all users with a seeded start and stride; a stride without common divisor meets everyone. */
function createUserOrder(users: number, random: Random): () => number {
  const stride = strideFor(users, random)
  let at = integerBelow(random, users)
  return () => {
    at = (at + stride) % users
    return at
  }
}

function strideFor(users: number, random: Random): number {
  let stride = 1 + integerBelow(random, users)
  while (greatestCommonDivisor(stride, users) !== 1) stride += 1
  return stride
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

type Asked = Omit<PlannedRequest, 'userId' | 'gapMs'>

function planRequest(kind: RequestKind, userId: string, random: Random, options: TrafficOptions): Asked {
  const headers = { 'x-user-id': userId, accept: 'application/json' }
  switch (kind) {
    case 'search':
      return { kind, method: 'GET', path: searchPath(random, options), headers, body: null }
    case 'version-check':
      return {
        kind,
        method: 'GET',
        path: '/api/v1/app/version-check',
        headers: { ...headers, ...appHeaders(random) },
        body: null,
      }
    case 'listing':
      return {
        kind,
        method: 'GET',
        path: `/api/v1/trips?limit=10&offset=${10 * integerBelow(random, 20)}`,
        headers,
        body: null,
      }
    case 'create':
      return {
        kind,
        method: 'POST',
        path: '/api/v1/bookings/create',
        headers: { ...headers, 'content-type': 'application/json' },
        body: bookingBody(random, options),
      }
  }
}

/** Half of the searches are for a plan, half for one that can be booked on a day. */
function searchPath(random: Random, options: TrafficOptions): string {
  const q = encodeURIComponent(SEARCHED[integerBelow(random, SEARCHED.length)]!)
  if (random() < 0.5) return `/api/v1/search?q=${q}&limit=10&suggestions=true`
  return `/api/v1/bookings/search?q=${q}&limit=10&date=${dayAhead(random, options)}`
}

function appHeaders(random: Random): Record<string, string> {
  return { 'x-app-version': random() < 0.7 ? '1.6.0' : '1.5.0', 'x-platform': random() < 0.5 ? 'ios' : 'android' }
}

function bookingBody(random: Random, options: TrafficOptions): string {
  const planId = options.planIds[integerBelow(random, options.planIds.length)]!
  return JSON.stringify({ planId, date: dayAhead(random, options), travellers: 1 + integerBelow(random, 2) })
}

function dayAhead(random: Random, { today }: TrafficOptions): Day {
  return daysAfter(today, 2 + integerBelow(random, BOOKED_DAYS_AHEAD))
}
