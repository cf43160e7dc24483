/**
 * The documents of some paths, judged: what the person named is answered for, what stands beside it only helps.
 *
 *  1. A mistake in a neighbour never refuses what was asked about; the neighbour is left out instead, and named when
 *     something is missing without it.
 *  2. A file that holds nothing is a mistake, not a pass.
 */
import {
  checkPlan,
  documentKinds,
  type Note,
  type PlanCheck,
  type PlanDocument,
  type PlanDocuments,
  type Problem,
  parsePlanDocuments,
  renderProblem,
} from '@dankai/plan'
import { type Context, print } from './context.ts'
import { refuse } from './localized.ts'
import { type PlanFile, readPlanFiles } from './plan-files.ts'
import type { Terminal } from './terminal.ts'

export interface LoadedPlans {
  readonly problems: readonly Problem[]
  readonly notes: readonly Note[]
  /** Plans of the files that were named. */
  readonly plans: PlanCheck['plans']
  /** Everything that can be used, without what is wrong beside. */
  readonly documents: readonly PlanDocument[]
  readonly files: readonly PlanFile[]
  /** Documents of the files that were named. */
  readonly named: readonly PlanDocument[]
  /** What is wrong with neighbours that were left out. */
  readonly leftOut: readonly Problem[]
}

/** Each round leaves out the neighbours whose mistakes were found; a folder needs one, rarely two. */
const roundsMax = 3

/** With `judgeScenarios`, scenario files beside a plan are answered for as well. */
export function loadPlans(
  terminal: Terminal,
  paths: readonly string[],
  { judgeScenarios }: { readonly judgeScenarios: boolean },
): LoadedPlans {
  const files = readPlanFiles(terminal, paths)
  const given = parsePlanDocuments(files.given)
  const beside = parsePlanDocuments(files.beside)
  const isJudgedBeside = (file: string): boolean =>
    judgeScenarios && (/(^|[/\\])scenarios[/\\]/.test(file) || holdsScenarios(beside, file))
  const judged: PlanDocuments = {
    documents: [...given.documents, ...beside.documents.filter(({ file }) => isJudgedBeside(file))],
    problems: [...given.problems, ...beside.problems.filter(({ place }) => isJudgedBeside(place.file))],
  }
  const judgedFiles = new Set([...files.given.map(({ path }) => path), ...judged.documents.map(({ file }) => file)])
  const { check, helpers, leftOut } = checkWithNeighbours(judged, beside, judgedFiles)
  const documents = [...judged.documents, ...helpers]
  const usable = new Set(documents.map(({ file }) => file))
  const problems = [...files.problems, ...check.problems.filter(({ place }) => judgedFiles.has(place.file))]
  const names = new Set(given.documents.map(({ name }) => name))
  return {
    problems: problems.length === 0 ? emptinessOf(files.given, given) : problems,
    notes: check.notes.filter(({ place }) => judgedFiles.has(place.file)),
    plans: check.plans.filter(({ name }) => names.has(name)),
    documents,
    files: [...files.given, ...files.beside.filter(({ path }) => usable.has(path))],
    named: given.documents,
    leftOut,
  }
}

const holdsScenarios = ({ documents }: PlanDocuments, file: string): boolean =>
  documents.some(document => document.file === file && document.kind === 'Scenarios')

function checkWithNeighbours(judged: PlanDocuments, beside: PlanDocuments, judgedFiles: ReadonlySet<string>) {
  const isBeside = (problem: Problem): boolean => !judgedFiles.has(problem.place.file)
  let leftOut: readonly Problem[] = beside.problems.filter(isBeside)
  for (let round = 1; ; round++) {
    const wrong = new Set(leftOut.map(({ place }) => place.file))
    const helpers = beside.documents.filter(
      ({ file }) => round <= roundsMax && !judgedFiles.has(file) && !wrong.has(file),
    )
    const check = checkPlan({ documents: [...judged.documents, ...helpers], problems: judged.problems })
    const found = check.problems.filter(isBeside)
    if (found.length === 0) return { check, helpers, leftOut }
    leftOut = [...leftOut, ...found]
  }
}

function emptinessOf(files: readonly PlanFile[], { documents }: PlanDocuments): readonly Problem[] {
  const [first] = files
  if (documents.length > 0 || first === undefined) return []
  const message = refuse(
    {
      cannot: `read file "${first.path}"`,
      found: 'no document',
      expected: 'at least one',
      next: 'Begin with kind: ReleasePlan',
    },
    {
      cannot: `ファイル "${first.path}" を読めません`,
      found: '文書がありません',
      expected: '1 つ以上',
      next: 'kind: ReleasePlan から始めてください',
    },
  )
  return [{ code: 'no-document', place: { file: first.path, line: 1, column: 1 }, path: '', message }]
}

// ── Shown ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Names of whole documents may stand in a file that was left out; all other mistakes have nothing to do with it. */
const mayBeBeside = ({ code }: Problem): boolean =>
  Object.keys(documentKinds).some(kind => code === `unknown-${kind.toLowerCase()}`)

const neighboursShownMax = 5

/** A list as long as the language makes it may have been cut there. */
const problemsShownMax = 50

export function printProblems(context: Context, { problems, leftOut }: LoadedPlans, data: unknown): void {
  const { language } = context
  const isJapanese = language === 'ja'
  print(context, data, () => [
    ...problems.map(problem => renderProblem(problem, language)),
    ...(problems.length < problemsShownMax
      ? []
      : [isJapanese ? '（ここまで。残りは直してから）' : '… and maybe more; repair these first']),
    ...(problems.some(mayBeBeside) ? leftOut : [])
      .slice(0, neighboursShownMax)
      .map(
        problem => `${isJapanese ? '隣で使わなかった: ' : 'left out beside it: '}${renderProblem(problem, language)}`,
      ),
  ])
}

export function problemData(problem: Problem | Note, { language }: Context): object {
  const { file, line, column } = problem.place
  return { file, line, column, code: problem.code, path: problem.path, message: problem.message[language] }
}
