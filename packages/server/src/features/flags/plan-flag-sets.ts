import type { planFlagSetsSchema } from '@dankai/contract'
import type { DocumentStore, Scope } from '@dankai/store'
import type { z } from 'zod'
import { compileStored, planFacts } from '../plans/plan-library.ts'

export type PlanFlagSets = z.infer<typeof planFlagSetsSchema>

/**
 * The sets of an applied plan as a release of it would pin them; null: no such plan. Where no strategy is the default
 * one, the first stands for all: an emergency does not wait for the choice.
 */
export async function readPlanFlagSets(
  documents: DocumentStore,
  scope: Scope,
  plan: string,
): Promise<PlanFlagSets | null> {
  const stored = await documents.get(scope, 'ReleasePlan', plan)
  if (stored === null) return null
  const [first] = planFacts(stored).strategies
  const byDefault = await compileStored(documents, scope, { plan, strategy: null, releaseType: null })
  const compiled =
    byDefault?.ok === false && first !== undefined
      ? await compileStored(documents, scope, { plan, strategy: first, releaseType: null })
      : byDefault
  if (compiled === null) return null
  if (!compiled.ok) return { plan, universe: [], sets: [], problem: compiled.problems[0]?.message ?? 'not known' }
  const { flagSets } = compiled.plan
  return {
    plan,
    universe: [...new Set(Object.values(flagSets).flatMap(set => Object.keys(set)))],
    sets: Object.entries(flagSets).map(([name, values]) => ({ name, values: { ...values } })),
    problem: null,
  }
}
