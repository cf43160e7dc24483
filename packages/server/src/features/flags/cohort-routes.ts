import { explainCohortSchema, explainedCohortSchema, scopeQuerySchema } from '@dankai/contract'
import { type CompiledFlag, type EvaluationContext, evaluateFlag, explainFlag, type FlagSet } from '@dankai/flags'
import { createRoute } from '@hono/zod-openapi'
import type { z } from 'zod'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { jsonAnswer, jsonBody, problemAnswer } from '../../http/route-parts.ts'
import { flagEditors } from './flag-routes.ts'
import { unknownFlag } from './write-flag.ts'

type Explained = z.infer<typeof explainedCohortSchema>['flags'][number]

const route = createRoute({
  method: 'post',
  path: '/v1/cohorts/explain',
  tags: ['flags'],
  summary: 'Why a user is in or out of what flags expose, as they are served now',
  request: { query: scopeQuerySchema, body: jsonBody(explainCohortSchema) },
  responses: { 200: jsonAnswer('Each flag with the steps of its decision.', explainedCohortSchema), ...problemAnswer },
})

/** More than a person reads. */
const flagsMax = 200

export function useCohorts(api: Api, app: Application): void {
  api.openapi(route, async c => {
    requireKind(c.get('caller'), flagEditors)
    const { user, attributes, flag: key } = c.req.valid('json')
    const { flags } = await app.environments.of(requestScope(c))
    const asked = key === undefined ? flags.all() : [flags.find(key)].flatMap(flag => flag ?? [])
    if (key !== undefined && asked.length === 0) throw unknownFlag(key)
    const context = { ...attributes, targetingKey: user }
    const explained = asked.slice(0, flagsMax).map(flag => explainedOf(flag, context, flags))
    return c.json({ user, flags: explained, more: asked.length > flagsMax }, 200)
  })
}

function explainedOf(flag: CompiledFlag, context: EvaluationContext, flags: FlagSet): Explained {
  const { definition } = flag
  const others = (key: string) => {
    const other = flags.find(key)
    return other === undefined ? null : evaluateFlag(other, context)
  }
  const { evaluation, steps } = explainFlag(definition, context, evaluateFlag(flag, context), others)
  const { variant, value, reason, ruleId, inExperiment, errorCode } = evaluation
  return {
    flag: definition.key,
    ...{ variant, value, reason, ruleId, inExperiment, errorCode },
    steps: steps.map(step => ({ ...step, stratum: stratumOf(step.stratum) })),
  }
}

function stratumOf(where: Readonly<Record<string, readonly string[]>> | null): Record<string, string[]> | null {
  return where === null
    ? null
    : Object.fromEntries(Object.entries(where).map(([attribute, values]) => [attribute, [...values]]))
}
