import { nameSchema } from '@dankai/contract'
import { everywhere, type KeyKind, type Scope } from '@dankai/store'
import { describeIssue } from './describe-issue.ts'
import { HttpProblem } from './http-problem.ts'

/** Who asks, as the key says. */
export interface Caller {
  readonly name: string
  readonly kind: KeyKind
  readonly project: string
  readonly environment: string
  readonly roles: readonly string[]
  /** Null: the admin key of the settings, or none on a loopback address; neither can be revoked. */
  readonly keyId: string | null
}

/** Where those live who read flags: on servers, or in users' hands. */
export const audiences = ['server', 'client'] as const
export type Audience = (typeof audiences)[number]

export const audienceOf = ({ kind }: Pick<Caller, 'kind'>): Audience => (kind === 'sdk-client' ? 'client' : 'server')

export const defaultScope: Scope = { project: 'default', environment: 'production' }

type Place = keyof Scope

/** The place that a request names; undefined or null where it names none. */
export type AskedScope = { readonly [Name in Place]: string | null | undefined }

/** Whether what is done can be done everywhere at once, which is asked for as `*`. */
export interface ScopeOptions {
  readonly allowsEverywhere?: boolean
}

/** Where a request acts: the key's place, or, for a key of several places, the one it names. */
export function readScope(asked: AskedScope, caller: Caller, options: ScopeOptions = {}): Scope {
  return {
    project: placeFor('project', caller.project, asked.project, options),
    environment: placeFor('environment', caller.environment, asked.environment, options),
  }
}

function placeFor(what: Place, ofKey: string, asked: string | null | undefined, options: ScopeOptions): string {
  if (asked === undefined || asked === null) return ofKey === everywhere ? defaultScope[what] : ofKey
  if (asked === ofKey && (asked !== everywhere || options.allowsEverywhere === true)) return asked
  if (asked !== everywhere || options.allowsEverywhere !== true) requirePlaceName(what, asked)
  if (ofKey === everywhere) return asked
  throw new HttpProblem(
    'forbidden',
    `Cannot act in ${what} "${asked}": found a key of ${what} "${ofKey}", expected one of "${asked}". Use a key of that ${what}.`,
  )
}

const shownMax = 60

/** Names are parts of keys and paths, so they have letters that cannot be taken for anything else. */
export function requirePlaceName(what: Place, asked: unknown): void {
  const [issue] = nameSchema.safeParse(asked).error?.issues ?? []
  if (issue === undefined) return
  const shown = typeof asked === 'string' ? ` ${JSON.stringify(asked.slice(0, shownMax))}` : ''
  throw new HttpProblem('malformed', `Cannot act in ${what}${shown}: ${describeIssue(issue, asked).message}.`)
}

export function covers(caller: Caller, scope: Scope): boolean {
  return (
    (caller.project === everywhere || caller.project === scope.project) &&
    (caller.environment === everywhere || caller.environment === scope.environment)
  )
}

export function requireKind(caller: Caller, kinds: readonly KeyKind[]): void {
  if (kinds.includes(caller.kind)) return
  throw new HttpProblem(
    'forbidden',
    `Cannot use this key here: found one of kind "${caller.kind}", expected ${kinds.join(' or ')}. Ask an admin for one.`,
  )
}

/** SDKs name their environment in a header, people in the query. */
export function askedScope({ req }: ScopedRequest): AskedScope {
  const asked = (name: Place): string | undefined => req.query(name) ?? req.header(`dankai-${name}`)
  return { project: asked('project'), environment: asked('environment') }
}

/** For protocols whose queries have names of their own. */
export function scopeInHeaders({ req }: ScopedRequest): AskedScope {
  return { project: req.header('dankai-project'), environment: req.header('dankai-environment') }
}

export function requestScope(c: ScopedRequest & { get(name: 'caller'): Caller }, options: ScopeOptions = {}): Scope {
  return readScope(askedScope(c), c.get('caller'), options)
}

interface ScopedRequest {
  readonly req: {
    query(name: string): string | undefined
    header(name: string): string | undefined
  }
}
