import { testPlans as runScenarios, type ScenarioResult } from '@dankai/simulation'
import type { Context } from '../context.ts'
import { CommandEnd, exitCode } from '../exit-code.ts'
import { readPlanFiles } from '../plan-files.ts'

/** `dankai test PATH…`: every scenario of the plans; exit code 1 when one fails, with what happened instead. */
export async function testPlans(
  context: Context,
  paths: readonly string[],
  options: { plan?: string; scenario?: string },
): Promise<void> {
  const results = await runScenarios({
    files: readPlanFiles(context.terminal, paths),
    ...(options.plan === undefined ? {} : { plan: options.plan }),
    ...(options.scenario === undefined ? {} : { named: options.scenario }),
    onResult: result => {
      if (!context.json) for (const line of linesOf(result)) context.terminal.out(line)
    },
  })
  const failed = results.filter(result => !result.passed)
  if (context.json)
    context.terminal.out(
      JSON.stringify({ passed: results.length - failed.length, failed: failed.length, results: results.map(asData) }),
    )
  else context.terminal.out(`${results.length - failed.length} passed, ${failed.length} failed`)
  if (results.length === 0)
    throw new CommandEnd(
      exitCode.no,
      `Cannot test "${paths.join(' ')}": found no scenario, expected at least one. Write kind: Scenarios beside the plan.`,
    )
  if (failed.length > 0) throw new CommandEnd(exitCode.no, '')
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
