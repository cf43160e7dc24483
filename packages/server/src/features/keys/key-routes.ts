import {
  createdKeySchema,
  createKeySchema,
  groupListSchema,
  keyListSchema,
  pageQuerySchema,
  principalListSchema,
  principalSchema,
  setPrincipalSchema,
} from '@dankai/contract'
import { type ApiKey, everywhere, type Membership, type Principal, type Scope } from '@dankai/store'
import { createRoute } from '@hono/zod-openapi'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { type Caller, defaultScope, requireKind } from '../../http/caller.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { idParams, jsonAnswer, jsonBody, nameParams, problemAnswer } from '../../http/route-parts.ts'

const createKeyRoute = createRoute({
  method: 'post',
  path: '/v1/keys',
  tags: ['access'],
  summary: 'Make a key',
  request: { body: jsonBody(createKeySchema) },
  responses: { 201: jsonAnswer('The key; its secret is shown this once.', createdKeySchema), ...problemAnswer },
})
const listKeysRoute = createRoute({
  method: 'get',
  path: '/v1/keys',
  tags: ['access'],
  summary: 'List keys',
  request: { query: pageQuerySchema },
  responses: { 200: jsonAnswer('A page of keys, without secrets.', keyListSchema), ...problemAnswer },
})
const revokeKeyRoute = createRoute({
  method: 'delete',
  path: '/v1/keys/{id}',
  tags: ['access'],
  summary: 'Revoke a key',
  request: { params: idParams },
  responses: { 204: { description: 'It no longer works; elsewhere within five seconds.' }, ...problemAnswer },
})
const listPrincipalsRoute = createRoute({
  method: 'get',
  path: '/v1/principals',
  tags: ['access'],
  summary: 'List people and machines',
  request: { query: pageQuerySchema },
  responses: { 200: jsonAnswer('A page of principals with their groups.', principalListSchema), ...problemAnswer },
})
const setPrincipalRoute = createRoute({
  method: 'put',
  path: '/v1/principals/{name}',
  tags: ['access'],
  summary: 'Make a principal, or set the groups it is in',
  request: { params: nameParams, body: jsonBody(setPrincipalSchema) },
  responses: { 200: jsonAnswer('The principal as it stands now.', principalSchema), ...problemAnswer },
})
const disablePrincipalRoute = createRoute({
  method: 'delete',
  path: '/v1/principals/{name}',
  tags: ['access'],
  summary: 'Disable a principal and all its keys',
  request: { params: nameParams },
  responses: { 204: { description: 'Disabled.' }, ...problemAnswer },
})
const listGroupsRoute = createRoute({
  method: 'get',
  path: '/v1/groups',
  tags: ['access'],
  summary: 'Groups (roles) and who is in them',
  responses: { 200: jsonAnswer('Every group with its members.', groupListSchema), ...problemAnswer },
})

export function useKeys(api: Api, app: Application): void {
  const { keys, principals } = app.store

  api.openapi(createKeyRoute, async c => {
    requireKind(c.get('caller'), ['admin'])
    const body = c.req.valid('json')
    const principal = await principalNamed(app, body.principal, 'machine')
    const scope = {
      project: body.project ?? defaultScope.project,
      environment: body.environment ?? defaultScope.environment,
    }
    if (body.kind.startsWith('sdk-') && Object.values(scope).includes(everywhere)) throw wideSdkKey()
    const { key, secret } = await keys.create({
      ...scope,
      kind: body.kind,
      name: body.name,
      principalId: principal.id,
      expiresAt: body.expiresAt,
    })
    await audit(app, c.get('caller'), 'create key', key.id, { kind: key.kind, principal: principal.name, ...scope })
    return c.json({ ...keyView(key), secret }, 201)
  })

  api.openapi(listKeysRoute, async c => {
    requireKind(c.get('caller'), ['admin'])
    const { limit, cursor } = c.req.valid('query')
    const page = await keys.list({ limit, after: cursor ?? null })
    return c.json({ items: page.items.map(keyView), next: page.next }, 200)
  })

  api.openapi(revokeKeyRoute, async c => {
    requireKind(c.get('caller'), ['admin'])
    const { id } = c.req.valid('param')
    if (!(await keys.revoke(id)))
      throw new HttpProblem('not-found', `Cannot revoke key "${id}": found no such live key.`)
    app.authenticator.forget()
    await app.streams.verifyKeys()
    await audit(app, c.get('caller'), 'revoke key', id, {})
    return c.body(null, 204)
  })

  api.openapi(listPrincipalsRoute, async c => {
    requireKind(c.get('caller'), ['admin', 'ci'])
    const { limit, cursor } = c.req.valid('query')
    const page = await principals.list({ limit, after: cursor ?? null })
    return c.json({ items: await Promise.all(page.items.map(item => principalView(app, item))), next: page.next }, 200)
  })

  api.openapi(setPrincipalRoute, async c => {
    requireKind(c.get('caller'), ['admin'])
    const { name } = c.req.valid('param')
    const { kind, memberships } = c.req.valid('json')
    const principal = await principalNamed(app, name, kind)
    await principals.setMemberships(principal.id, memberships)
    app.authenticator.forget()
    await audit(app, c.get('caller'), 'set groups', name, { memberships })
    return c.json(await principalView(app, principal), 200)
  })

  api.openapi(disablePrincipalRoute, async c => {
    requireKind(c.get('caller'), ['admin'])
    const { name } = c.req.valid('param')
    const principal = await principals.byName(name)
    if (principal === null || !(await principals.disable(principal.id)))
      throw new HttpProblem('not-found', `Cannot disable "${name}": found no such active principal.`)
    app.authenticator.forget()
    await app.streams.verifyKeys()
    await audit(app, c.get('caller'), 'disable principal', name, {})
    return c.body(null, 204)
  })

  api.openapi(listGroupsRoute, async c => {
    requireKind(c.get('caller'), ['admin', 'ci'])
    return c.json({ items: await groupsOf(app) }, 200)
  })
}

const wideSdkKey = (): HttpProblem =>
  new HttpProblem('invalid', 'Cannot make an SDK key for all environments: expected one project and one environment.')

async function principalNamed(app: Application, name: string, kind: Principal['kind']): Promise<Principal> {
  const { principals } = app.store
  const present = await principals.byName(name)
  if (present !== null) return present
  const created = await principals.create({ name, kind })
  const principal = created.ok ? created.principal : await principals.byName(name)
  if (principal === null)
    throw new HttpProblem('conflict', `Cannot make principal "${name}": somebody else did. Try again.`)
  return principal
}

/** Groups are few and people some hundreds; a bound all the same. */
const principalsReadMax = 1_000

async function groupsOf(app: Application): Promise<{ role: string; members: string[] }[]> {
  const members = new Map<string, Set<string>>()
  let after: string | null = null
  for (let read = 0; read < principalsReadMax; read += 200) {
    const page = await app.store.principals.list({ limit: 200, after })
    for (const principal of page.items)
      for (const { role } of await app.store.principals.memberships(principal.id)) {
        const names = members.get(role) ?? new Set()
        members.set(role, names.add(principal.name))
      }
    if (page.next === null) break
    after = page.next
  }
  return [...members].map(([role, names]) => ({ role, members: [...names] }))
}

async function principalView(app: Application, principal: Principal) {
  const memberships = await app.store.principals.memberships(principal.id)
  return { ...principal, memberships: memberships.map((membership: Membership) => ({ ...membership })) }
}

function keyView(key: ApiKey) {
  const { id, kind, name, prefix, principalId, project, environment, createdAt, expiresAt, revokedAt, usedAt } = key
  return { id, kind, name, prefix, principalId, project, environment, createdAt, expiresAt, revokedAt, usedAt }
}

/** Keys and people belong to no environment, so their entries stand under "*". */
const nowhere: Scope = { project: everywhere, environment: everywhere }

async function audit(
  app: Application,
  caller: Caller,
  action: string,
  subject: string,
  detail: Record<string, unknown>,
): Promise<void> {
  await app.store.audit.append({ ...nowhere, by: caller.name, action, subject, why: null, detail })
}
