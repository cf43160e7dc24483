import {
  cohortPreviewSchema,
  explainCohortSchema,
  explainedCohortSchema,
  previewCohortSchema,
  scopeQuerySchema,
} from '@dankai/contract'
import {
  type CompiledFlag,
  type EvaluationContext,
  evaluateFlag,
  explainFlag,
  type FlagSet,
  type Parts,
  stratify,
} from '@dankai/flags'
import { createRoute } from '@hono/zod-openapi'
import type { z } from 'zod'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { HttpProblem } from '../../http/http-problem.ts'
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

const previewRoute = createRoute({
  method: 'post',
  path: '/v1/cohorts/preview',
  tags: ['flags'],
  summary: 'What a sample with quotas comes to, and how far off it is where people are short',
  request: { body: jsonBody(previewCohortSchema) },
  responses: {
    200: jsonAnswer('Thresholds of the strata and what is reached.', cohortPreviewSchema),
    ...problemAnswer,
  },
})

/** More than a person reads. */
const flagsMax = 200

export function useCohorts(api: Api, app: Application): void {
  api.openapi(route, async c => {
    requireKind(c.get('caller'), flagEditors)
    const { user, attributes, flag: key } = c.req.valid('json')
    const scope = requestScope(c)
    const { flags } = await app.environments.of(scope)
    const asked = key === undefined ? flags.all() : [flags.find(key)].flatMap(flag => flag ?? [])
    if (key !== undefined && asked.length === 0) throw unknownFlag(scope, key)
    const context = { ...attributes, targetingKey: user }
    const explained = asked.slice(0, flagsMax).map(flag => explainedOf(flag, context, flags))
    return c.json({ user, flags: explained, more: asked.length > flagsMax }, 200)
  })

  api.openapi(previewRoute, async c => {
    requireKind(c.get('caller'), flagEditors)
    return c.json(previewOf(c.req.valid('json')), 200)
  })
}

/** Shares are given in decimals, which add up to a little more or less than 1. */
const roundingMax = 1e-6

function previewOf({ share, quotas, population, rest }: z.infer<typeof previewCohortSchema>) {
  requireWhole(quotas, 'quotas')
  requireWhole(population, 'population')
  for (const [attribute, values] of Object.entries(quotas))
    for (const value of Object.keys(values))
      if (population[attribute]?.[value] === undefined)
        throw new HttpProblem(
          'invalid',
          `Cannot preview the sample: found no population of ${attribute} "${value}", expected its share. Give it.`,
        )
  const { strata, share: reached, parts } = stratified({ share, quotas, population, rest })
  return {
    asked: share,
    reached,
    isShort: reached < share - roundingMax,
    strata: strata.map(stratum => ({ where: stratumOf(stratum.where) ?? {}, share: stratum.share })),
    parts: Object.entries(quotas).flatMap(([attribute, values]) =>
      Object.entries(values).map(([value, quota]) => {
        return { attribute, value, quota, reached: parts[attribute]?.[value] ?? 0 }
      }),
    ),
  }
}

function stratified(design: Parameters<typeof stratify>[0]) {
  try {
    return stratify(design)
  } catch (error) {
    if (error instanceof RangeError)
      throw new HttpProblem('invalid', `${error.message}, expected fewer. Leave some out.`)
    throw error
  }
}

function requireWhole(parts: Parts, what: string): void {
  for (const [attribute, values] of Object.entries(parts)) {
    const sum = Object.values(values).reduce((total, part) => total + part, 0)
    if (Math.abs(sum - 1) > roundingMax)
      throw new HttpProblem(
        'invalid',
        `Cannot preview the sample: found ${what} of ${attribute} that add up to ${Number(sum.toFixed(6))}, expected 1. Correct them.`,
      )
  }
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
