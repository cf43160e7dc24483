import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** Which of the two versions a user is sent to, and is then said to have been served. */
export type Track = 'stable' | 'canary'

export interface Route {
  readonly userId: string
  readonly track: Track
  /** The gateway named this user itself and must tell the browser, or every request would be another user. */
  readonly isNewUser: boolean
}

export const USER_COOKIE = 'triptrip_user'

const USER_ID_PATTERN = /^[\w.@:|-]{1,128}$/
const COOKIE_PATTERN = new RegExp(`(?:^|;\\s*)${USER_COOKIE}=([^;]*)`)

/**
 * Sends each user to one track: by the flag, the same answer for the same user, and `x-canary: true` to the canary
 * whatever the flag says.
 */
export function routeUser(headers: IncomingHttpHeaders, isCanaryUser: (userId: string) => boolean): Route {
  const known = knownUserId(headers)
  const userId = known ?? randomUUID()
  const track = headers['x-canary'] === 'true' || isCanaryUser(userId) ? 'canary' : 'stable'
  return { userId, track, isNewUser: known === null }
}

function knownUserId(headers: IncomingHttpHeaders): string | null {
  const header = headers['x-user-id']
  const found = typeof header === 'string' ? header : COOKIE_PATTERN.exec(headers.cookie ?? '')?.[1]
  return found !== undefined && USER_ID_PATTERN.test(found) ? found : null
}
