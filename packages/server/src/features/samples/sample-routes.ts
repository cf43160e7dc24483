import { sampleBatchSchema, sampleReceiptSchema } from '@dankai/contract'
import { createRoute } from '@hono/zod-openapi'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { jsonAnswer, jsonBody, problemAnswer } from '../../http/route-parts.ts'
import { countEvaluations } from './count-evaluations.ts'
import { readSamples } from './read-samples.ts'

const route = createRoute({
  method: 'post',
  path: '/v1/samples',
  tags: ['sdk'],
  summary: 'Report what was measured since the last batch',
  request: { body: jsonBody(sampleBatchSchema) },
  responses: {
    202: jsonAnswer('Durable. Refused samples are named; sending them again does not help.', sampleReceiptSchema),
    ...problemAnswer,
  },
})

export function useSamples(api: Api, app: Application): void {
  api.openapi(route, async c => {
    const caller = c.get('caller')
    requireKind(caller, ['sdk-server', 'sdk-client', 'admin'])
    const { sdk, batch, sentAt, samples } = c.req.valid('json')
    const { byService, refused } = readSamples(samples, sentAt, app.now())
    for (const { code } of refused) app.metrics.samplesRefused.inc({ code })
    const accepted = samples.length - refused.length
    if (accepted > 0) {
      const endTimer = app.metrics.commitSeconds.startTimer()
      const trusted = caller.kind !== 'sdk-client'
      const { duplicate } = await app.ingest.take({ ...requestScope(c), sdk, no: batch, trusted, byService })
      endTimer()
      if (duplicate) app.metrics.batchesRepeated.inc()
      else {
        app.metrics.samplesAccepted.inc(accepted)
        // The samples are kept; that nobody could be asked which flags there are must not make them come again.
        await countEvaluations(app, requestScope(c), byService, trusted).catch(error =>
          c.get('log').debug({ err: error }, 'cannot count evaluations of flags'),
        )
      }
    }
    return c.json({ accepted, refused: refused.slice(0, 1_000) }, 202)
  })
}
