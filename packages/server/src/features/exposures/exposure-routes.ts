import { exposureBatchSchema, exposureReceiptSchema } from '@dankai/contract'
import { createRoute } from '@hono/zod-openapi'
import type { Application } from '../../application.ts'
import { answeredWithin } from '../../http/answered-within.ts'
import type { Api } from '../../http/api.ts'
import { audienceOf, requestScope, requireKind } from '../../http/caller.ts'
import { jsonAnswer, jsonBody, problemAnswer } from '../../http/route-parts.ts'
import { readExposures } from './read-exposures.ts'

/** Before senders give up on their own, so that they hear why; they keep the batch and come again. */
const answeredWithinMs = 3_000
const refusedShownMax = 1_000

const route = createRoute({
  method: 'post',
  path: '/v1/exposures',
  tags: ['sdk'],
  summary: 'Say which users were given which variants, and what they did',
  request: { body: jsonBody(exposureBatchSchema) },
  responses: {
    202: jsonAnswer('Durable. Refused entries are named; sending them again does not help.', exposureReceiptSchema),
    ...problemAnswer,
  },
})

export function useExposures(api: Api, app: Application): void {
  api.openapi(route, async c => {
    requireKind(c.get('caller'), ['sdk-server', 'sdk-client', 'admin'])
    const scope = requestScope(c)
    const { sdk, batch, ...sent } = c.req.valid('json')
    const view = await app.environments.viewFor(audienceOf(c.get('caller')), scope)
    const find = (key: string) => view.find(key)
    const { exposures, outcomes, refused } = readExposures(sent, find, app.now())
    const accepted = exposures.length + outcomes.length
    if (accepted > 0) {
      // An outcome counts for exposures that are known: also for those of this server, which wait a few seconds.
      if (outcomes.length > 0) await answeredWithin(app.servedExposures.flush(), answeredWithinMs, 'write exposures')
      const recording = app.store.exposures.record({ ...scope, sdk, no: batch, exposures, outcomes })
      await answeredWithin(recording, answeredWithinMs, 'write exposures')
    }
    return c.json({ accepted, refused: refused.slice(0, refusedShownMax) }, 202)
  })
}
