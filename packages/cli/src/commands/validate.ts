import { checkPlan, type Note, type Problem, parsePlanDocuments, renderProblem } from '@dankai/plan'
import { type Context, print } from '../context.ts'
import { CommandEnd, exitCode } from '../exit-code.ts'
import { givenFiles, readPlanFiles } from '../plan-files.ts'

/** `dankai validate PATH…`: every mistake with file, line and column; notes never refuse. Exit code 1 when one is wrong. */
export async function validatePlans(context: Context, paths: readonly string[]): Promise<void> {
  const given = givenFiles(context.terminal, paths)
  const documents = parsePlanDocuments(readPlanFiles(context.terminal, paths))
  const whole = checkPlan(documents)
  // What stands beside a given file resolves its names; its own mistakes are not what was asked about.
  const isGiven = (problem: Problem): boolean => given.has(problem.place.file)
  const problems = whole.problems.filter(isGiven)
  const names = new Set(documents.documents.filter(({ file }) => given.has(file)).map(({ name }) => name))
  const check = {
    ok: problems.length === 0,
    problems,
    notes: whole.notes.filter(isGiven),
    plans: whole.plans.filter(({ name }) => names.has(name)),
  }
  const data = {
    ok: check.ok,
    plans: check.plans,
    problems: check.problems.map(problem => asData(problem, context)),
    notes: check.notes.map(note => asData(note, context)),
  }
  if (!check.ok)
    throw new CommandEnd(
      exitCode.no,
      check.problems.map(problem => renderProblem(problem, context.language)).join('\n'),
      data,
    )
  const noteWord = context.language === 'ja' ? '注意' : 'Note'
  print(context, data, () => [
    ...check.notes.map(note => `${noteWord} ${renderProblem(note, context.language)}`),
    ...check.plans.map(plan => `✓ ${plan.name}${plan.strategies.length > 0 ? ` (${plan.strategies.join(', ')})` : ''}`),
  ])
}

function asData(problem: Problem | Note, context: Context): object {
  const { file, line, column } = problem.place
  return { file, line, column, code: problem.code, path: problem.path, message: problem.message[context.language] }
}
