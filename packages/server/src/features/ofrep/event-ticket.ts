/**
 * Who may follow the changes of an environment, in a path: an EventSource can send no key.
 *
 * A ticket says that its audience may hear of the environment for as long as the key is valid that asked for it, and is
 * signed with the server's secret key. It tells of no flag; what a stream says is that something changed. It stays the
 * same for as long as the secret does, as a client would take another address for another stream.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Audience, Caller } from '../../http/caller.ts'
import type { ServedView } from '../../serving/served-view.ts'

interface Followed extends Pick<ServedView, 'scope' | 'audience'> {
  readonly keyId: Caller['keyId']
}

type Place = readonly [project: string, environment: string, audience: Audience, keyId?: Caller['keyId']]

export interface EventTickets {
  ticketFor(followed: Followed): string
  /** Null when it was not given out here. */
  followedWith(ticket: string): Followed | null
}

/** Without a secret that lasts, tickets end with the process. */
export function createEventTickets(secret: Buffer | null): EventTickets {
  const key = createHmac('sha256', secret ?? randomBytes(32))
    .update('ofrep events')
    .digest()
  const known = new Map<string, string>()
  const sign = (place: string): Buffer => createHmac('sha256', key).update(place).digest().subarray(0, 16)
  return {
    ticketFor({ scope, audience, keyId }) {
      const place = JSON.stringify([scope.project, scope.environment, audience, keyId])
      const ticket =
        known.get(place) ?? `${Buffer.from(place).toString('base64url')}.${sign(place).toString('base64url')}`
      if (known.size < 10_000) known.set(place, ticket)
      return ticket
    },
    followedWith(ticket) {
      const [place = '', signature = ''] = ticket.split('.', 2).map(part => Buffer.from(part, 'base64url'))
      const text = place.toString('utf8')
      const expected = sign(text)
      if (signature.length !== expected.length || !timingSafeEqual(Buffer.from(signature), expected)) return null
      const [project, environment, audience, keyId] = JSON.parse(text) as Place
      // One that was signed before tickets named their key.
      return keyId === undefined ? null : { scope: { project, environment }, audience, keyId }
    },
  }
}
