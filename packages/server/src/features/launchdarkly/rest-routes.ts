/**
 * The part of LaunchDarkly's REST API that people's scripts and runbooks use: read a flag and patch it.
 *
 *  1. A change goes the way of every change here: optimistic locking, history with who and why, audit.
 *  2. A flag that a live release moves is not changed this way: LaunchDarkly has no word for breaking the glass.
 *  3. One request changes a flag in one environment.
 */
import {
  environmentsInLaunchDarklyPatch,
  type LaunchDarklyPatch,
  type LaunchDarklyPatchAbout,
  type LaunchDarklyRestFlag,
  launchDarklyRestFlag,
  patchLaunchDarklyFlag,
} from '@dankai/flag-formats'
import { everywhere, type Scope, type StoredFlag } from '@dankai/store'
import type { Application } from '../../application.ts'
import type { Api, HttpContext } from '../../http/api.ts'
import { defaultScope, readScope, requireKind } from '../../http/caller.ts'
import { type Fields, isFields } from '../../http/fields.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { readJson } from '../../http/json-body.ts'
import { stopsFlag, stopsIn } from '../../serving/served-flags.ts'
import { flagEditors, flagReaders } from '../flags/flag-routes.ts'
import { readFlag, writeFlag } from '../flags/write-flag.ts'
import { launchDarklyError } from './launchdarkly-protocol.ts'

const path = '/launchdarkly/api/v2/flags/:project/:key{.+}'
const commentLengthMax = 2_000

export function useLaunchDarklyRest(api: Api, app: Application): void {
  api.get(path, async c => {
    requireKind(c.get('caller'), flagReaders)
    const scope = scopeOf(c, c.req.query('env'))
    const flag = await readFlag(app, scope, c.req.param('key'))
    return c.json(await shown(app, scope, flag), 200)
  })

  api.patch(path, async c => {
    const caller = c.get('caller')
    requireKind(caller, flagEditors)
    const { patch, comment, environment } = await patchIn(c)
    const scope = scopeOf(c, environment)
    const flag = await readFlag(app, scope, c.req.param('key'))
    if (flag.heldBy !== null)
      return launchDarklyError(
        409,
        `Cannot change flag "${flag.key}": found it moved by live release ${flag.heldBy}, expected it free. Act on the release (dankai abort, hold or resume), or break the glass: dankai flags set.`,
      )
    const result = patchLaunchDarklyFlag(flag.definition, patch, await aboutOf(app, scope, flag))
    if (!result.ok) return launchDarklyError(result.status, `Cannot change flag "${flag.key}": ${result.message}.`)
    if (!flag.definition.on && result.value.on && isStopped(app, scope, flag))
      return launchDarklyError(
        409,
        `Cannot change flag "${flag.key}": found an emergency stop in force, expected none before it is switched on. Lift it first: dankai emergency clear.`,
      )
    const isDry = c.req.query('dryRun') === 'true'
    if (isDry || JSON.stringify(result.value) === JSON.stringify(flag.definition))
      return c.json(await shown(app, scope, { ...flag, definition: result.value }), 200)
    const written = await write(app, scope, flag, result.value, comment, caller.name)
    return written instanceof Response ? written : c.json(await shown(app, scope, written), 200)
  })
}

const isStopped = (app: Application, scope: Scope, flag: StoredFlag): boolean =>
  stopsIn(app.stops.active, scope).some(stop => stopsFlag(stop, flag))

async function write(
  app: Application,
  scope: Scope,
  flag: StoredFlag,
  definition: StoredFlag['definition'],
  why: string | null,
  by: string,
): Promise<StoredFlag | Response> {
  const change = { definition, expectedVersion: flag.version, breakGlass: false, why, by }
  try {
    return await writeFlag(app, scope, { ...change, action: 'patch flag (LaunchDarkly API)' })
  } catch (error) {
    if (!(error instanceof HttpProblem) || error.code !== 'conflict') throw error
    return launchDarklyError(409, error.message, undefined, 'optimistic_locking_error')
  }
}

/** The key's own environment, or the one the request is about. */
function scopeOf(c: HttpContext, environment: string | undefined): Scope {
  const caller = c.get('caller')
  const project = c.req.param('project') ?? defaultScope.project
  return readScope({ project, environment }, caller)
}

async function shown(app: Application, scope: Scope, flag: StoredFlag): Promise<LaunchDarklyRestFlag> {
  return launchDarklyRestFlag(flag.definition, await aboutOf(app, scope, flag))
}

async function aboutOf(app: Application, scope: Scope, flag: StoredFlag): Promise<LaunchDarklyPatchAbout> {
  const { flags } = await app.environments.of(scope)
  const variantsOf = (key: string): readonly string[] => Object.keys(flags.find(key)?.definition.variants ?? {})
  return {
    ...scope,
    changedAt: flag.changedAt,
    description: flag.care?.description ?? '',
    variationOf: (key, variant) => {
      const place = variantsOf(key).indexOf(variant)
      return place < 0 ? undefined : place
    },
    variantOf: (key, place) => variantsOf(key)[place],
  }
}

interface AskedPatch {
  readonly patch: LaunchDarklyPatch
  readonly comment: string | null
  readonly environment: string | undefined
}

async function patchIn(c: HttpContext): Promise<AskedPatch> {
  const type = c.req.header('content-type') ?? ''
  const body = await bodyOf(c)
  if (/domain-model\s*=\s*launchdarkly\.semanticpatch/i.test(type)) {
    const { instructions, environmentKey, comment } = body as Fields
    const environment = typeof environmentKey === 'string' ? environmentKey : ownEnvironment(c)
    return { patch: { kind: 'semantic', value: instructions }, comment: commentIn(comment), environment }
  }
  const { patch, comment } = plainPatch(type, body)
  const environments = environmentsInLaunchDarklyPatch(patch)
  if (environments.length > 1)
    throw malformed(`found changes of ${environments.length} environments, expected one. Send one request for each`)
  return { patch, comment, environment: environments[0] ?? c.req.query('env') }
}

/** A list, or `{patch, comment}`, is a JSON Patch; `{merge, comment}`, or any other object, is a merge patch. */
function plainPatch(type: string, body: unknown): Pick<AskedPatch, 'patch' | 'comment'> {
  if (Array.isArray(body)) return { patch: { kind: 'json', value: body }, comment: null }
  const { patch, merge, comment } = body as Fields
  if (patch !== undefined) return { patch: { kind: 'json', value: patch }, comment: commentIn(comment) }
  if (merge !== undefined) return { patch: { kind: 'merge', value: merge }, comment: commentIn(comment) }
  if (/json-patch/i.test(type)) throw malformed('found no list of operations, expected a JSON Patch')
  return { patch: { kind: 'merge', value: body }, comment: null }
}

/** LaunchDarkly asks for it always; a key of one environment has said it already. */
function ownEnvironment(c: HttpContext): string {
  const { environment } = c.get('caller')
  if (environment !== everywhere) return environment
  throw malformed('found no "environmentKey", expected the environment that the instructions are about')
}

async function bodyOf(c: HttpContext): Promise<Fields | readonly unknown[]> {
  const body = await readJson(c)
  if (isFields(body) || Array.isArray(body)) return body
  throw malformed('found neither an object nor a list, expected a patch')
}

const commentIn = (comment: unknown): string | null =>
  typeof comment === 'string' && comment.trim() !== '' ? comment.slice(0, commentLengthMax) : null

const malformed = (what: string): HttpProblem => new HttpProblem('malformed', `Cannot change the flag: ${what}.`)
