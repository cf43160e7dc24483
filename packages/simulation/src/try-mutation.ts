import { type PlanFile, parsePlanDocuments } from '@dankai/plan'
import { mutatePlanNumber, type NumberPlace } from './mutate-plan.ts'
import { createCompiler, selectScenarios, testScenario } from './test-plans.ts'

export interface MutationOptions {
  readonly files: readonly PlanFile[]
  /** Path of the file the number stands in. */
  readonly file: string
  readonly place: NumberPlace
  readonly direction?: 'up' | 'down'
}

export type MutationResult =
  /** The changed plan is refused before it runs: the number is bound by the language. */
  | { readonly outcome: 'refused'; readonly before: string; readonly after: string; readonly message: string }
  | {
      readonly outcome: 'caught'
      readonly before: string
      readonly after: string
      readonly by: string
      readonly message: string
    }
  /** No scenario notices: the number is not covered. `ran` is how many were tried. */
  | { readonly outcome: 'survived'; readonly before: string; readonly after: string; readonly ran: number }
  | { readonly outcome: 'not a number'; readonly message: string }

/**
 * Does a number of a plan count? Changes it by one and runs the scenarios until one fails. Only scenarios whose compiled
 * plan is different at all are run: the others would do what they did before.
 */
export async function tryMutation(options: MutationOptions): Promise<MutationResult> {
  const { files, file, place, direction } = options
  const original = files.find(({ path }) => path === file)
  const text = original === undefined ? '' : textOf(original)
  const mutated = mutatePlanNumber(text, place, direction)
  if (!mutated.ok) return { outcome: 'not a number', message: `${file}: ${mutated.message}` }
  const { before, after } = mutated
  const documents = parsePlanDocuments(files)
  const changed = parsePlanDocuments(
    files.map(each => (each.path === file ? { path: file, text: mutated.text } : each)),
  )
  const [firstProblem] = changed.problems
  if (firstProblem) return { outcome: 'refused', before, after, message: firstProblem.message.en }
  const compileBefore = createCompiler(documents)
  const compileAfter = createCompiler(changed)
  let ran = 0
  for (const { plan, scenario } of selectScenarios(changed, {})) {
    const compiled = compileAfter(plan, scenario)
    if (!compiled.ok) return { outcome: 'refused', before, after, message: compiled.message }
    const unchanged = compileBefore(plan, scenario)
    if (unchanged.ok && JSON.stringify(unchanged.plan) === JSON.stringify(compiled.plan)) continue
    ran += 1
    const result = await testScenario(compiled, plan, scenario)
    const [failure] = result.failures
    if (failure) return { outcome: 'caught', before, after, by: scenario.name, message: failure.message }
  }
  return { outcome: 'survived', before, after, ran }
}

function textOf({ text }: PlanFile): string {
  return typeof text === 'string' ? text : new TextDecoder().decode(text)
}
