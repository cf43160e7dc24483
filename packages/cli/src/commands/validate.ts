import { renderProblem } from '@dankai/plan'
import { answeredNo } from '../command-end.ts'
import { type Context, print, say } from '../context.ts'
import { loadPlans, printProblems, problemData } from '../loaded-plans.ts'

/** `dankai validate PATH…`: every mistake with file, line and column; notes never refuse. Exit code 1 when one is wrong. */
export function validatePlans(context: Context, paths: readonly string[]): void {
  const loaded = loadPlans(context.terminal, paths, { judgeScenarios: false })
  const { problems, notes, plans, named } = loaded
  const data = {
    ok: problems.length === 0,
    plans,
    problems: problems.map(problem => problemData(problem, context)),
    notes: notes.map(note => ({ severity: note.severity, ...problemData(note, context) })),
  }
  if (problems.length > 0) {
    printProblems(context, loaded, data)
    throw answeredNo()
  }
  print(context, data, () => [
    ...notes.map(note => `${say(context, 'Note', '注意')} ${renderProblem(note, context.language)}`),
    ...plans.map(({ name, strategies }) => `✓ ${name}${strategies.length > 0 ? ` (${strategies.join(', ')})` : ''}`),
    ...(plans.length > 0 ? [] : named.map(({ kind, name }) => `✓ ${kind} ${name}`.trimEnd())),
  ])
}
