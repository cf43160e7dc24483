import type { ScopeQuery } from '@dankai/contract'
import { everywhere, type KeyKind, type Scope } from '@dankai/store'
import { HttpProblem } from './http-problem.ts'

/** Who asks, as the key says. */
export interface Caller {
  readonly name: string
  readonly kind: KeyKind
  readonly project: string
  readonly environment: string
  readonly roles: readonly string[]
}

/** Where those live who read flags: on servers, or in users' hands. */
export const audiences = ['server', 'client'] as const
export type Audience = (typeof audiences)[number]

export const audienceOf = ({ kind }: Pick<Caller, 'kind'>): Audience => (kind === 'sdk-client' ? 'client' : 'server')

export const defaultScope: Scope = { project: 'default', environment: 'production' }

/** Where a request acts: the key's place, or, for a key of several places, the one it names. */
export function scopeFor(caller: Caller, query: ScopeQuery = {}): Scope {
  return {
    project: placeFor('project', caller.project, query.project),
    environment: placeFor('environment', caller.environment, query.environment),
  }
}

function placeFor(what: 'project' | 'environment', ofKey: string, asked: string | undefined): string {
  if (ofKey === everywhere) return asked ?? defaultScope[what]
  if (asked === undefined || asked === ofKey) return ofKey
  throw new HttpProblem(
    'forbidden',
    `Cannot act in ${what} "${asked}": found a key of ${what} "${ofKey}", expected one of "${asked}". Use a key of that ${what}.`,
  )
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
    `Cannot do this with a key of kind "${caller.kind}": expected ${kinds.join(' or ')}. Ask an admin for one.`,
  )
}

/** SDKs name their environment in a header, people in the query. */
export function requestScope(c: { readonly req: ScopedRequest; get(name: 'caller'): Caller }): Scope {
  const asked = (name: 'project' | 'environment'): ScopeQuery =>
    withName(name, c.req.query(name) ?? c.req.header(`dankai-${name}`))
  return scopeFor(c.get('caller'), { ...asked('project'), ...asked('environment') })
}

interface ScopedRequest {
  query(name: string): string | undefined
  header(name: string): string | undefined
}

const withName = (name: 'project' | 'environment', value: string | undefined): ScopeQuery =>
  value === undefined || value === '' || value.length > 100 ? {} : { [name]: value }
