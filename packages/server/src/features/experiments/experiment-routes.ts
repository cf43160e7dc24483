import { experimentSchema, flagKeySchema, scopeQuerySchema } from '@dankai/contract'
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { jsonAnswer, problemAnswer } from '../../http/route-parts.ts'
import { readFlag } from '../flags/write-flag.ts'
import { assessExperiment } from './assess-experiment.ts'
import { findShareChange } from './find-share-change.ts'

const name = z.string().min(1).max(256)

const route = createRoute({
  method: 'get',
  path: '/v1/experiments/{flag}',
  tags: ['flags'],
  summary: 'What an experiment has shown so far; may be looked at any time',
  request: {
    params: z.object({ flag: flagKeySchema }),
    query: z.object({
      ...scopeQuerySchema.shape,
      event: name.optional().describe('Only what users did under this name.'),
      control: name.optional().describe('The variant others are compared with; default: the off variant.'),
    }),
  },
  responses: { 200: jsonAnswer('Users, sample ratio and results per variant.', experimentSchema), ...problemAnswer },
})

/** Each is a question to the database; more than people look at on one page. */
const eventsMax = 20

export function useExperiments(api: Api, app: Application): void {
  api.openapi(route, async c => {
    requireKind(c.get('caller'), ['admin', 'ci'])
    const scope = requestScope(c)
    const { exposures } = app.store
    const flag = await readFlag(app, scope, c.req.valid('param').flag)
    const { event, control = flag.definition.offVariant } = c.req.valid('query')
    if (!Object.hasOwn(flag.definition.variants, control))
      throw new HttpProblem(
        'invalid',
        `Cannot compare with "${control}": found no such variant, expected one of ${Object.keys(flag.definition.variants).join(', ')}. Name one.`,
      )
    await app.servedExposures.flush()
    const known = await exposures.events(scope, flag.key)
    const asked = event === undefined ? known.slice(0, eventsMax) : [event]
    const exposed = await exposures.variants(scope, flag.key)
    const events = []
    for (const one of asked) events.push({ event: one, outcomes: await exposures.outcomes(scope, flag.key, one) })
    const more = event === undefined && known.length > eventsMax
    const changedAt = await findShareChange(app.store.flags, scope, flag, exposed)
    return c.json(assessExperiment(flag, control, exposed, events, more, changedAt), 200)
  })
}
