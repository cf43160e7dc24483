/**
 * Unleash's client API and frontend API under `/unleash/api`, for its own SDKs with nothing changed but the address.
 *
 *  1. Server clients evaluate by themselves, so they need a key of kind sdk-server and get the flags they can follow.
 *  2. Frontend clients are told what the server evaluated: every flag their key may read, for one context.
 *  3. The environment is the key's. What clients call environment in their context is an attribute and no more.
 */
import { unleashToggleOf } from '@dankai/flag-formats'
import { type EvaluationContext, evaluateFlag } from '@dankai/flags'
import type { KeyKind, Scope } from '@dankai/store'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Application } from '../../application.ts'
import { allowAsking, allowPages } from '../../http/allow-pages.ts'
import type { Api, HttpContext } from '../../http/api.ts'
import { audienceOf, readScope, requireKind, scopeInHeaders } from '../../http/caller.ts'
import { etagOf, isKnownTag } from '../../http/etag.ts'
import { fieldsOf } from '../../http/fields.ts'
import { readJson } from '../../http/json-body.ts'
import { ChangeBroadcast } from '../../serving/change-broadcast.ts'
import { createRefusals } from '../../serving/refusals.ts'
import type { ServedEnvironment } from '../../serving/served-environment.ts'
import type { ServedView } from '../../serving/served-view.ts'
import { contextOfBody, contextOfQuery } from './unleash-context.ts'
import { UnleashFeed } from './unleash-feed.ts'
import { takeUnleashMetrics } from './unleash-metrics.ts'

const serverKinds: readonly KeyKind[] = ['sdk-server', 'admin']
const frontendKinds: readonly KeyKind[] = ['sdk-client', 'sdk-server', 'admin']
const jsonType = { 'content-type': 'application/json; charset=utf-8' }

export function useUnleash(api: Api, app: Application): void {
  const refusals = createRefusals('Unleash clients', app.log)
  const feeds = new WeakMap<ServedEnvironment, UnleashFeed>()
  const feedOf = (environment: ServedEnvironment): UnleashFeed => {
    const feed = feeds.get(environment) ?? new UnleashFeed(environment, refusals)
    feeds.set(environment, feed)
    return feed
  }
  const viewFor = (c: HttpContext, kinds: readonly KeyKind[]): Promise<ServedView> =>
    app.environments.viewFor(audienceOf(c.get('caller')), scopeOf(c, kinds))
  const broadcast = new ChangeBroadcast<ServedEnvironment>(app, 'unleash', {
    first: (environment, lastEventId) => feedOf(environment).framesAfter(lastEventId),
    change: environment => feedOf(environment).takeChange(),
  })

  api.get('/unleash/api/client/features', async c => {
    const feed = feedOf(await app.environments.of(scopeOf(c, serverKinds)))
    const namePrefix = c.req.query('namePrefix') ?? ''
    if (namePrefix !== '') return c.body(feed.bodyOf(namePrefix), 200, jsonType)
    const { json, etag } = feed.body
    if (isKnownTag(c.req.header('if-none-match'), etag)) return c.body(null, 304, { etag })
    return c.body(json, 200, { ...jsonType, etag })
  })

  api.get('/unleash/api/client/streaming', async c => {
    const environment = await app.environments.of(scopeOf(c, serverKinds))
    const { keyId } = c.get('caller')
    broadcast.join(environment, c.env.outgoing, { kind: 'server', keyId }, c.req.header('last-event-id') ?? null)
    return RESPONSE_ALREADY_SENT as never
  })

  for (const path of ['client', 'frontend', 'frontend/client']) {
    const kinds = path === 'client' ? serverKinds : frontendKinds
    const headers = path === 'client' ? {} : allowPages
    api.post(`/unleash/api/${path}/register`, async c => {
      scopeOf(c, kinds)
      await readJson(c)
      return c.body(null, 202, headers)
    })
    api.post(`/unleash/api/${path}/metrics`, async c => {
      takeUnleashMetrics(app, await viewFor(c, kinds), await readJson(c))
      return c.body(null, 202, headers)
    })
  }

  api.get('/unleash/api/frontend', async c => {
    const view = await viewFor(c, frontendKinds)
    return toggles(c, view, contextOfQuery(new URL(c.req.url).searchParams, app.now()))
  })

  api.post('/unleash/api/frontend', async c => {
    const view = await viewFor(c, frontendKinds)
    const { context } = fieldsOf(await readJson(c))
    return toggles(c, view, contextOfBody(context, app.now()))
  })
}

/** Mounted before the middleware, which wants a key: a page asks without one whether it may ask. */
export function useUnleashPages(api: Api): void {
  api.options('/unleash/api/frontend', () => allowAsking('GET, POST, OPTIONS'))
  api.options('/unleash/api/frontend/*', () => allowAsking('POST, OPTIONS'))
}

function scopeOf(c: HttpContext, kinds: readonly KeyKind[]): Scope {
  const caller = c.get('caller')
  requireKind(caller, kinds)
  return readScope(scopeInHeaders(c), caller)
}

/** Frontend clients are told of enabled toggles only: for any other they say "not enabled" by themselves. */
function toggles(c: HttpContext, { flags }: ServedView, context: EvaluationContext): Response {
  const found = flags.all().flatMap(flag => {
    const toggle = unleashToggleOf(flag.definition, evaluateFlag(flag, context))
    return toggle === null ? [] : [toggle]
  })
  const json = JSON.stringify({ toggles: found })
  const etag = etagOf(json)
  const headers = { etag, ...allowPages }
  return isKnownTag(c.req.header('if-none-match'), etag)
    ? c.body(null, 304, headers)
    : c.body(json, 200, { ...jsonType, ...headers })
}
