/**
 * From the Authorization header to a caller.
 *
 *  1. Verified keys are remembered for a few seconds: a thousand SDKs do not become a thousand queries, and a revoked
 *     key still stops working everywhere within `freshMs`.
 *  2. When the database is away, a key that was good within the last hour is still good: an emergency stop must not
 *     depend on it.
 *  3. Only digests are remembered, and unknown keys as well, so that guessing costs the database nothing extra.
 *  4. On a loopback address a request without a key is the local admin; `checkLocalRequest` has judged it before.
 */
import { hash, timingSafeEqual } from 'node:crypto'
import { everywhere, type KeyStore, type VerifiedKey } from '@dankai/store'
import { answeredWithin } from './answered-within.ts'
import type { Caller } from './caller.ts'
import { HttpProblem } from './http-problem.ts'

export interface Authenticator {
  authenticate(authorization: string | null): Promise<Caller>
  /** After a key was revoked here. */
  forget(): void
}

interface Known {
  readonly caller: Caller | null
  readonly at: number
}

const freshMs = 5_000
const withoutDatabaseMs = 3_600_000
/** A database that is slower than this counts as away, for a key that was good before. */
const askedWithinMs = 500
const knownMax = 10_000

export function createAuthenticator(options: {
  readonly keys: Pick<KeyStore, 'verify'>
  readonly adminKey: string | null
  readonly allowLocal: boolean
  readonly now: () => number
}): Authenticator {
  const { keys, allowLocal, now } = options
  const admin = options.adminKey === null ? null : digest(options.adminKey)
  const known = new Map<string, Known>()
  /** Keys that the database is asked about: a thousand requests at once ask once. */
  const asking = new Map<string, Promise<VerifiedKey | null>>()

  function ask(slot: string, secret: string): Promise<VerifiedKey | null> {
    const before = asking.get(slot)
    if (before !== undefined) return before
    const answer = keys.verify(secret).finally(() => asking.delete(slot))
    asking.set(slot, answer)
    return answer
  }

  async function verify(secret: string): Promise<Caller | null> {
    const digested = digest(secret)
    if (admin !== null && timingSafeEqual(digested, admin)) return adminCaller('admin')
    const slot = digested.toString('base64')
    const before = known.get(slot)
    if (before !== undefined && now() - before.at < freshMs) return before.caller
    try {
      const isGood = before !== undefined && before.caller !== null && now() - before.at < withoutDatabaseMs
      const verified = await (isGood
        ? answeredWithin(ask(slot, secret), askedWithinMs, 'verify a key')
        : ask(slot, secret))
      const caller = verified === null ? null : callerOf(verified)
      remember(known, slot, { caller, at: now() })
      return caller
    } catch (error) {
      if (before !== undefined && now() - before.at < withoutDatabaseMs) return before.caller
      throw error
    }
  }

  return {
    async authenticate(authorization) {
      if (authorization === null && allowLocal) return adminCaller('local')
      const secret = secretIn(authorization ?? '')
      const caller = secret === undefined ? null : await verify(secret)
      if (caller === null)
        throw unauthorized(authorization === null ? 'no key' : 'a key that is not known or not valid')
      return caller
    },
    forget() {
      known.clear()
      asking.clear()
    },
  }
}

/**
 * Basic is for browsers, which can send nothing else: any name, the key as password. Clients of LaunchDarkly and Unleash
 * send the key as it is, some of LaunchDarkly's for telephones after `api_key`.
 */
function secretIn(authorization: string): string | undefined {
  if (/^[\x21-\x7e]{1,512}$/.test(authorization)) return authorization
  const bearer = /^(?:Bearer|api_key) ([\x21-\x7e]{1,512})$/i.exec(authorization)?.[1]
  if (bearer !== undefined) return bearer
  const basic = /^Basic ([A-Za-z0-9+/=]{1,1000})$/i.exec(authorization)?.[1]
  return basic === undefined ? undefined : /^[^:]*:(.+)$/.exec(Buffer.from(basic, 'base64').toString('utf8'))?.[1]
}

function adminCaller(name: string): Caller {
  return { name, kind: 'admin', project: everywhere, environment: everywhere, roles: ['admin'] }
}

function callerOf({ key, principal, roles }: VerifiedKey): Caller {
  return {
    name: principal.name,
    kind: key.kind,
    project: key.project,
    environment: key.environment,
    roles: key.kind === 'admin' ? [...roles, 'admin'] : roles,
  }
}

function unauthorized(found: string): HttpProblem {
  return new HttpProblem(
    'unauthorized',
    `Cannot answer: found ${found}, expected "Authorization: Bearer KEY". An admin makes keys: POST /v1/keys.`,
    {},
    { 'www-authenticate': 'Bearer, Basic realm="Dankai"' },
  )
}

function remember(known: Map<string, Known>, slot: string, entry: Known): void {
  known.delete(slot)
  known.set(slot, entry)
  if (known.size > knownMax) known.delete(known.keys().next().value ?? '')
}

const digest = (secret: string): Buffer => hash('sha256', secret, 'buffer')
