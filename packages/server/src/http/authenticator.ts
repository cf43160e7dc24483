/**
 * From the Authorization header to a caller.
 *
 *  1. Verified keys are remembered for a few seconds: a thousand SDKs do not become a thousand queries, and a revoked
 *     key still stops working everywhere within five seconds.
 *  2. When the database is away, a key that was good within the last hour is still good: an emergency stop must not
 *     depend on it.
 *  3. Only digests are remembered, and unknown keys as well, so that guessing costs the database nothing extra. What a
 *     connection sent last is kept beside it for as long as it is open, because the next request mostly sends it again.
 *  4. On a loopback address a request without a key is the local admin; `checkLocalRequest` has judged it before.
 */
import { hash, timingSafeEqual } from 'node:crypto'
import { everywhere, type KeyStore, type VerifiedKey } from '@dankai/store'
import { answeredWithin } from './answered-within.ts'
import type { Caller } from './caller.ts'
import { HttpProblem } from './http-problem.ts'

export interface Authenticator {
  /** At once for a key that was verified just now. `connection`: what the request came over. */
  authenticate(authorization: string | null, connection?: object): Caller | Promise<Caller>
  /** After a key was revoked here. */
  forget(): void
}

interface Known {
  readonly caller: Caller | null
  readonly at: number
}

/** What a request presents as its key, ready to be looked up. */
interface Presented {
  readonly authorization: string
  /** Undefined when there is none in it. */
  readonly secret: string | undefined
  readonly slot: string
  readonly isAdmin: boolean
}

/** With the look after open streams (`StreamClients`) less than the five seconds that a revoked key has. */
const freshMs = 3_000
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
  const lastOn = new WeakMap<object, Presented>()

  function ask(slot: string, secret: string): Promise<VerifiedKey | null> {
    const before = asking.get(slot)
    if (before !== undefined) return before
    const answer = keys.verify(secret).finally(() => asking.delete(slot))
    asking.set(slot, answer)
    return answer
  }

  function read(authorization: string): Presented {
    const secret = secretIn(authorization)
    const digested = digest(secret ?? '')
    const isAdmin = admin !== null && secret !== undefined && timingSafeEqual(digested, admin)
    return { authorization, secret, slot: digested.toString('base64'), isAdmin }
  }

  function presentedOn(authorization: string, connection: object | undefined): Presented {
    const before = connection === undefined ? undefined : lastOn.get(connection)
    if (before?.authorization === authorization) return before
    const presented = read(authorization)
    if (connection !== undefined && presented.secret !== undefined) lastOn.set(connection, presented)
    return presented
  }

  async function verify(slot: string, secret: string): Promise<Caller | null> {
    const before = known.get(slot)
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
    authenticate(authorization, connection) {
      if (authorization === null && allowLocal) return adminCaller('local')
      const { secret, slot, isAdmin } = presentedOn(authorization ?? '', connection)
      if (isAdmin) return adminCaller('admin')
      if (secret === undefined) throw unauthorized(authorization)
      const before = known.get(slot)
      if (before !== undefined && now() - before.at < freshMs) return allowed(before.caller, authorization)
      return verify(slot, secret).then(caller => allowed(caller, authorization))
    },
    forget() {
      known.clear()
      asking.clear()
    },
  }
}

function allowed(caller: Caller | null, authorization: string | null): Caller {
  if (caller === null) throw unauthorized(authorization)
  return caller
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
  return { name, kind: 'admin', project: everywhere, environment: everywhere, roles: ['admin'], keyId: null }
}

function callerOf({ key, principal, roles }: VerifiedKey): Caller {
  return {
    name: principal.name,
    kind: key.kind,
    project: key.project,
    environment: key.environment,
    roles: key.kind === 'admin' ? [...roles, 'admin'] : roles,
    keyId: key.id,
  }
}

function unauthorized(authorization: string | null): HttpProblem {
  const found = authorization === null ? 'no key' : 'a key that is not known or not valid'
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
