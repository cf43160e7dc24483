import { scopeQuerySchema, setStageSchema, stageResultSchema } from '@dankai/contract'
import {
  applyStage,
  completeFlag,
  type FlagDefinition,
  type FlagEnvironment,
  flagEnvironments,
  type LifecycleStage,
  type StageRules,
  stageTexts,
} from '@dankai/flags'
import type { FlagCare, Scope, StoredFlag } from '@dankai/store'
import { createRoute } from '@hono/zod-openapi'
import type { z } from 'zod'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { type Caller, covers, requestScope, requireKind } from '../../http/caller.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { jsonAnswer, jsonBody, problemAnswer } from '../../http/route-parts.ts'
import { changeFlag } from './change-flag.ts'
import { readStages } from './flag-policy.ts'
import { flagEditors, flagParams, ifMatch } from './flag-routes.ts'
import { definitionsByKey } from './prerequisite-refusals.ts'
import { readFlag, refusalOf, versionOf } from './write-flag.ts'

type SetStage = z.infer<typeof setStageSchema>
type Outcome = z.infer<typeof stageResultSchema>['environments'][number]

const route = createRoute({
  method: 'post',
  path: '/v1/flags/{key}/stage',
  tags: ['flags'],
  summary: 'Take a flag to a stage of its life, in every environment',
  request: { params: flagParams, query: scopeQuerySchema, headers: ifMatch, body: jsonBody(setStageSchema) },
  responses: { 200: jsonAnswer('What became of each environment.', stageResultSchema), ...problemAnswer },
})

/**
 * Development, staging and production are written one after another, so that a feature never comes to production
 * before it is where it was tested. An environment that has no such flag yet gets this one, exposing nobody.
 */
export function useFlagStages(api: Api, app: Application): void {
  api.openapi(route, async c => {
    const caller = c.get('caller')
    requireKind(caller, flagEditors)
    const scope = requestScope(c)
    const { key } = c.req.valid('param')
    const body = c.req.valid('json')
    const stages = await readStages(app.store.settings, scope)
    requireStep(key, body, stages)
    const flag = await readFlag(app, scope, key)
    const header = c.req.valid('header')['if-match']
    if (header !== undefined && versionOf(header) !== flag.version)
      throw await refusalOf(app, scope, flag.definition, versionOf(header), {
        ok: false,
        code: 'conflict',
        present: flag,
      })
    const environments: Outcome[] = []
    for (const environment of environmentsFor(caller, scope, body)) {
      const outcome = await setStage(app, { ...scope, environment }, stages[environment], flag, body, caller)
      environments.push({ environment, ...outcome })
    }
    return c.json({ stage: body.stage, task: stageTexts[body.stage].task, environments }, 200)
  })
}

/** A step too far would give everybody the change. */
function requireStep(key: string, { stage, step }: SetStage, stages: Readonly<Record<string, StageRules>>): void {
  const last = Math.max(...Object.values(stages).map(rules => rules[stage]?.shares.length ?? 0)) - 1
  if (step <= last) return
  throw new HttpProblem(
    'invalid',
    `Cannot take flag "${key}" to stage "${stage}": found step ${step}, expected ${last === 0 ? 'no step' : `0 to ${last}`}. Nothing was changed.`,
  )
}

function environmentsFor(caller: Caller, { project }: Scope, { environments }: SetStage): readonly FlagEnvironment[] {
  const allowed = flagEnvironments.filter(environment => covers(caller, { project, environment }))
  const forbidden = (environments ?? []).filter(environment => !allowed.includes(environment))
  if (forbidden.length === 0 && allowed.length > 0)
    return allowed.filter(environment => environments?.includes(environment) ?? true)
  throw new HttpProblem(
    'forbidden',
    `Cannot set a stage in ${forbidden.join(', ') || 'any environment'}: found a key of environment "${caller.environment}", expected one of ${flagEnvironments.join(', ')}. Use a key of that environment.`,
  )
}

async function setStage(
  app: Application,
  scope: Scope,
  stages: StageRules,
  model: StoredFlag,
  { stage, step, why }: SetStage,
  { name: by }: Caller,
): Promise<Omit<Outcome, 'environment'>> {
  const { key } = model
  const want = (present: StoredFlag | null) => {
    const before = present === null ? unexposed(model.definition) : completeFlag(present.definition)
    const care = careAt(present?.care ?? model.care, stage, step, app.now())
    return { definition: applyStage(before, stages, stage, step), care }
  }
  const others = await definitionsByKey(app, scope)
  const about = { by, why: why ?? `stage ${stageTexts[stage].label}`, others }
  const result = await changeFlag(app, scope, key, want, about)
  const version = (result.kind === 'conflict' ? null : result.flag)?.version ?? null
  if (result.kind === 'changed') {
    const detail = { stage, step, version }
    const entry = { ...scope, by, action: 'set flag stage', subject: key, why, detail }
    await Promise.all([app.environments.refresh(scope), app.store.audit.append(entry)])
  }
  const { kind } = result
  return { result: kind, version, detail: kind === 'held' || kind === 'conflict' ? result.why : null }
}

const unexposed = (flag: FlagDefinition): FlagDefinition => ({
  ...flag,
  exposure: { share: 0, cohorts: [], shadow: false },
})

function careAt(care: FlagCare, stage: LifecycleStage, stageStep: number, now: number): FlagCare {
  const isAvailable = stage === 'generalAvailability' || stage === 'cleanup'
  return {
    ...care,
    stage,
    stageStep,
    stageSince: care.stage === stage ? care.stageSince : now,
    gaAt: isAvailable ? (care.gaAt ?? now) : null,
  }
}
