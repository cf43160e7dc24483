import type { StartRelease } from '@dankai/contract'
import type { CreateResult } from '@dankai/engine'
import type { Scope } from '@dankai/store'
import type { Application } from '../../application.ts'
import type { Caller } from '../../http/caller.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { stopsIn } from '../../serving/served-flags.ts'
import { refuseOverdueFlags } from '../flags/flag-policy.ts'
import { compileStored } from '../plans/plan-library.ts'
import { unknownPlan } from '../plans/plan-routes.ts'
import { missingParts } from './missing-parts.ts'

/** Compiles the plan from what is applied now, refuses what is not live, and starts. Returns the release's id. */
export async function startRelease(
  app: Application,
  scope: Scope,
  caller: Caller,
  start: StartRelease,
): Promise<string> {
  refuseWhileStopped(app, scope)
  const compiled = await compileStored(app.store.documents, scope, start)
  if (compiled === null) throw unknownPlan(start.plan)
  if (!compiled.ok)
    throw new HttpProblem('invalid', compiled.problems[0]?.message ?? `Cannot compile plan "${start.plan}".`, {
      problems: compiled.problems,
    })
  const { plan, digest } = compiled
  const labels = [...new Set([...start.labels, ...(start.releaseType === null ? [] : [start.releaseType])])]
  const missing = await missingParts(plan, labels, scope, app)
  if (missing.length > 0) throw notLive(start.plan, missing)
  await refuseOverdueFlags(app.store, scope, { plan: start.plan, service: plan.service }, app.now())
  const result = await app.engine.create({
    ...scope,
    plan,
    planDigest: digest,
    version: start.version,
    labels,
    by: caller.name,
    exemption: start.exemption,
    supports: app.supports,
  })
  if (!result.ok) throw notStarted(start.plan, result)
  await untilFirstDecision(app, result.id)
  return result.id
}

/** Another instance may take the release over in the same moment; one of the two decides first. */
const turnsMax = 5

/**
 * The first decision opens the first gates, and an answer that says "waits for an approval" must mean that it can be
 * given. A release that waits for its calendar writes nothing; a few turns then end this all the same.
 */
async function untilFirstDecision(app: Application, id: string): Promise<void> {
  for (let turn = 0; turn < turnsMax; turn++) {
    await app.engine.turn(id)
    const release = await app.store.reader.get(id)
    if (release === null || release.seq > 1) return
  }
}

function refuseWhileStopped(app: Application, scope: Scope): void {
  const stop = stopsIn(app.stops.active, scope).find(({ stops }) => stops.kind === 'everything')
  if (stop === undefined) return
  throw new HttpProblem(
    'not-possible',
    `Cannot start a release: found an emergency stop by ${stop.by} (${stop.why ?? 'no reason'}), expected none. Lift it first: dankai emergency clear.`,
  )
}

function notLive(plan: string, missing: readonly string[]): HttpProblem {
  return new HttpProblem('not-live', `Cannot start "${plan}": ${missing[0]}`, { missing })
}

function notStarted(plan: string, result: Extract<CreateResult, { ok: false }>): HttpProblem {
  if ('holder' in result)
    return new HttpProblem(
      'held',
      `Cannot start "${plan}": found hand "${result.hand}" held by live release ${result.holder}, expected it free. Wait for that release to end, or roll it back.`,
      { hand: result.hand, holder: result.holder },
    )
  const missing = result.refusals.map(({ message }) => message)
  return new HttpProblem('not-live', missing[0] ?? `Cannot start "${plan}".`, { missing })
}
