/**
 * A running release takes over the plan as it is applied now.
 *
 *  1. Only criteria, rules and holds may change; anything else is a new release, and every such change is named.
 *  2. Tightening needs nobody's leave. Loosening needs whoever had to approve the start: one person who holds every
 *     approving role, or an admin.
 */
import type { Amendment } from '@dankai/engine'
import { type CompiledPlan, describePlanChange, type PlanChange, type Step } from '@dankai/plan'
import type { ReleaseDetail } from '@dankai/store'
import type { Application } from '../../application.ts'
import type { Caller } from '../../http/caller.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { compileStored } from '../plans/plan-library.ts'
import { unknownPlan } from '../plans/plan-routes.ts'
import { missingParts } from './missing-parts.ts'

export async function prepareAmendment(
  app: Application,
  caller: Caller,
  release: ReleaseDetail,
  why: string,
): Promise<Amendment> {
  const choice = { plan: release.plan, strategy: release.state.strategy, releaseType: null }
  const compiled = await compileStored(app.store.documents, release, choice)
  if (compiled === null) throw unknownPlan(release.plan)
  if (!compiled.ok)
    throw new HttpProblem('invalid', compiled.problems[0]?.message ?? `Cannot compile plan "${release.plan}".`, {
      problems: compiled.problems,
    })
  const { plan: amended, digest } = compiled
  const changes = describePlanChange(release.compiledPlan, amended)
  refuseOtherChanges(release, changes)
  refuseLoosening(caller, release, changes)
  const missing = await missingParts(amended, release.state.labels, release, app)
  if (missing.length > 0)
    throw new HttpProblem('not-live', `Cannot amend "${release.plan}": ${missing[0]}`, { missing })
  const told = changes.map(({ message }) => message.en)
  return { amended, planDigest: digest, by: caller.name, why, changes: told }
}

function refuseOtherChanges(release: ReleaseDetail, changes: readonly PlanChange[]): void {
  const others = changes.filter(({ mayAmend }) => !mayAmend)
  if (others.length === 0) return
  throw new HttpProblem(
    'not-possible',
    `Cannot amend release "${release.id}": found ${others[0]?.message.en}, expected only criteria, rules and holds to change. Start a new release for the rest.`,
    { changes: changes.slice(0, 100).map(viewOf) },
  )
}

function refuseLoosening(caller: Caller, release: ReleaseDetail, changes: readonly PlanChange[]): void {
  const loosens = changes.filter(({ direction }) => direction === 'loosens')
  const missing = approvingRoles(release.compiledPlan).filter(role => !caller.roles.includes(role))
  if (loosens.length === 0 || missing.length === 0 || caller.roles.includes('admin')) return
  throw new HttpProblem(
    'forbidden',
    `Cannot loosen release "${release.id}" (${loosens[0]?.message.en}): found "${caller.name}" without ${missing.join(', ')}, expected the roles that approved its start. Ask one of them, or an admin.`,
    { changes: changes.slice(0, 100).map(viewOf) },
  )
}

function approvingRoles(plan: CompiledPlan): readonly string[] {
  const rolesOf = (steps: readonly Step[]): readonly string[] =>
    steps.flatMap(({ action }) => {
      if (action.verb === 'approve') return [action.role]
      return action.verb === 'do' ? rolesOf(action.steps) : []
    })
  return [...new Set(rolesOf(plan.before))]
}

const viewOf = ({ path, direction, mayAmend, message }: PlanChange) => ({
  path,
  direction,
  mayAmend,
  message: message.en,
})
