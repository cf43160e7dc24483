import type { DocumentChange, DocumentProblem } from '@dankai/contract'
import { renderProblem } from '@dankai/plan'
import { answeredNo, misused } from '../command-end.ts'
import { type Context, print, say } from '../context.ts'
import { problemData } from '../loaded-plans.ts'
import { type PlanFile, readPlanFiles } from '../plan-files.ts'

interface ApplyResult {
  readonly ok: boolean
  readonly problems: readonly DocumentProblem[]
  readonly changes: readonly DocumentChange[]
}

export interface ApplyCommandOptions {
  readonly file: readonly string[]
  readonly dryRun?: boolean
  readonly why?: string
}

/** `dankai apply -f DIR`: shows the difference first, changes nothing twice, and changes nothing at all with --dry-run. */
export async function applyPlans(
  context: Context,
  paths: readonly string[],
  options: ApplyCommandOptions,
): Promise<void> {
  const all = [...paths, ...options.file]
  if (all.length === 0) throw nothingToApply()
  const { given, problems } = readPlanFiles(context.terminal, all)
  if (problems.length > 0) {
    const data = { ok: false, problems: problems.map(problem => problemData(problem, context)), changes: [] }
    print(context, data, () => problems.map(problem => renderProblem(problem, context.language)))
    throw answeredNo()
  }
  const send = (dryRun: boolean): Promise<ApplyResult> =>
    context.api.post('/v1/plans', {
      files: given.map(decode),
      dryRun,
      why: options.why || null,
      locale: context.language,
    })
  const preview = await send(true)
  if (!context.json) for (const line of previewLines(preview)) context.terminal.out(line)
  const isFinal = !preview.ok || options.dryRun === true || preview.changes.every(isUnchanged)
  const result = isFinal ? preview : await send(false)
  print(context, result, () => (preview.ok ? [summaryOf(context, result, options.dryRun === true)] : []))
  if (!result.ok) throw answeredNo()
}

const isUnchanged = ({ change }: DocumentChange): boolean => change === 'unchanged'

/** Bytes that are no UTF-8 arrive as marks, which the language refuses. */
const decode = ({ path, text }: PlanFile) => ({ file: path, text: new TextDecoder().decode(text) })

function previewLines({ problems, changes }: ApplyResult): readonly string[] {
  return [
    ...problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`),
    ...changes
      .filter(change => !isUnchanged(change))
      .flatMap(({ change, kind, name, diff }) => [`${change} ${kind} ${name}`, ...diff.map(line => `  ${line}`)]),
  ]
}

function summaryOf(context: Context, { changes }: ApplyResult, isDryRun: boolean): string {
  const count = (wanted: DocumentChange['change']): number => changes.filter(({ change }) => change === wanted).length
  const [created, changed, unchanged] = [count('created'), count('changed'), count('unchanged')]
  return isDryRun
    ? say(
        context,
        `would apply: ${created} created, ${changed} changed, ${unchanged} unchanged`,
        `適用すると: 新規 ${created}、変更 ${changed}、同じ ${unchanged}`,
      )
    : say(
        context,
        `applied: ${created} created, ${changed} changed, ${unchanged} unchanged`,
        `適用しました: 新規 ${created}、変更 ${changed}、同じ ${unchanged}`,
      )
}

function nothingToApply(): Error {
  return misused(
    { cannot: 'apply', found: 'no path', expected: 'plan files or a folder', next: 'Give -f PATH.' },
    {
      cannot: '適用できません',
      found: 'パスがありません',
      expected: '計画のファイルかフォルダ',
      next: '-f PATH で指定してください。',
    },
  )
}
