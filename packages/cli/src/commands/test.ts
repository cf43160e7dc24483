import { createCompiler, type ScenarioResult, selectScenarios, testScenario } from '@dankai/simulation'
import { answeredNo, type CommandEnd, refused } from '../command-end.ts'
import { type Context, say } from '../context.ts'
import { type LoadedPlans, loadPlans, printProblems, problemData } from '../loaded-plans.ts'

export interface TestCommandOptions {
  readonly plan?: string
  readonly scenario?: string
}

/** `dankai test PATH…`: every scenario of the plans; exit code 1 when one fails, with what happened instead. */
export async function testPlans(
  context: Context,
  paths: readonly string[],
  options: TestCommandOptions,
): Promise<void> {
  const loaded = loadPlans(context.terminal, paths, { judgeScenarios: true })
  if (loaded.problems.length > 0) {
    const problems = loaded.problems.map(problem => problemData(problem, context))
    printProblems(context, loaded, { passed: 0, failed: 0, problems, results: [] })
    throw answeredNo()
  }
  const results = await runAll(context, loaded, options)
  if (results.length === 0) throw noScenario(paths, options)
  const failed = results.filter(result => !result.passed).length
  const passed = results.length - failed
  if (context.json) context.terminal.out(JSON.stringify({ passed, failed, problems: [], results: results.map(asData) }))
  else context.terminal.out(say(context, `${passed} passed, ${failed} failed`, `成功 ${passed}、失敗 ${failed}`))
  if (failed > 0) throw answeredNo()
}

async function runAll(
  context: Context,
  loaded: LoadedPlans,
  options: TestCommandOptions,
): Promise<readonly ScenarioResult[]> {
  const compile = createCompiler({ documents: loaded.documents, problems: [] })
  const results: ScenarioResult[] = []
  for (const { plan, scenario } of choose(loaded, options)) {
    const result = await testScenario(compile(plan, scenario), plan, scenario)
    if (!context.json) for (const line of linesOf(result)) context.terminal.out(line)
    results.push(result)
  }
  return results
}

/** Scenarios that were named are run as they are; a plan that was named is tested by its own, not its neighbours'. */
function choose({ documents, named }: LoadedPlans, { plan, scenario }: TestCommandOptions) {
  const wanted = { ...(plan === undefined ? {} : { plan }), ...(scenario === undefined ? {} : { named: scenario }) }
  if (named.some(({ kind }) => kind === 'Scenarios')) return selectScenarios({ documents: named, problems: [] }, wanted)
  const plans = new Set(named.filter(({ kind }) => kind === 'ReleasePlan').map(({ name }) => name))
  return selectScenarios({ documents, problems: [] }, wanted).filter(selected => plans.has(selected.plan))
}

function linesOf(result: ScenarioResult): readonly string[] {
  return [
    `${result.passed ? '✓' : '✗'} ${result.plan}: ${result.scenario}`,
    ...result.failures.map(failure => `    ${failure.message}`),
  ]
}

function asData(result: ScenarioResult): object {
  const { file, line, column } = result.place
  return {
    plan: result.plan,
    scenario: result.scenario,
    file,
    line,
    column,
    passed: result.passed,
    outcome: result.trace?.outcome ?? null,
    failures: result.failures.map(failure => failure.message),
  }
}

function noScenario(paths: readonly string[], { plan, scenario }: TestCommandOptions): CommandEnd {
  const shown = paths.join(' ')
  const wanted = [plan && ` of plan "${plan}"`, scenario && ` with "${scenario}" in its name`].filter(Boolean).join('')
  return refused(
    'no-scenario',
    {
      cannot: `test "${shown}"`,
      found: `no scenario${wanted}`,
      expected: 'at least one',
      next: 'Write kind: Scenarios beside the plan.',
    },
    {
      cannot: `"${shown}" を試せません`,
      found: wanted === '' ? '筋書きがありません' : '当てはまる筋書きがありません',
      expected: '1 つ以上',
      next: '計画の隣に kind: Scenarios を書いてください。',
    },
  )
}
