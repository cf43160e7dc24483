/**
 * The two questions a caller asks: is everything in these documents right, and what is the plan I run?
 *
 * 1. A plan is compiled only when all of its strategies are right: what is chosen tomorrow must not fail tomorrow.
 * 2. Problems come in the order of the files, at most fifty; notes never refuse anything.
 */

import { checkOtherDocument } from './check-document.ts'
import { chooseStrategy, listStrategies } from './compile/choose-strategy.ts'
import type { CompileSettings, PlanCompilation } from './compile/compile-plan.ts'
import { compileReleasePlan } from './compile/compile-plan.ts'
import { indexDocuments, reportUnknown } from './compile/scope.ts'
import type { CompiledPlan } from './compiled-plan.ts'
import { freezeDeep } from './freeze-deep.ts'
import { checkShape } from './language/check-shape.ts'
import { documentKinds, isDocumentKind } from './language/documents.ts'
import { mapOf } from './language/shape.ts'
import { lintPlan } from './lint/lint-plan.ts'
import { notePlan } from './lint/note-plan.ts'
import type { PlanDocument, PlanDocuments } from './plan-documents.ts'
import type { Note, Problem, ProblemLog } from './problem.ts'
import { createProblemLog, problemsAtMost, refuse, sortByPlace } from './problem.ts'

export interface PlanSettings {
  /** The roles there are, when the caller knows them; unknown ones are then refused. */
  readonly roles?: readonly string[]
  /** True once sequential tests can show safety; until then `shown safe` would wait for ever. */
  readonly canShowSafety?: boolean
}

export interface PlanChoice extends PlanSettings {
  readonly plan: string
  readonly strategy?: string
  readonly releaseType?: string
}

export type PlanResult =
  | { readonly ok: true; readonly plan: CompiledPlan; readonly notes: readonly Note[] }
  | { readonly ok: false; readonly problems: readonly Problem[] }

export interface PlanCheck {
  readonly ok: boolean
  readonly problems: readonly Problem[]
  readonly notes: readonly Note[]
  readonly plans: readonly { readonly name: string; readonly strategies: readonly string[] }[]
}

/** Every document, every plan, every strategy. */
export function checkPlan(documents: PlanDocuments, settings: PlanSettings = {}): PlanCheck {
  const log = startLog(documents)
  checkDocuments(documents, log)
  const plans = documents.documents.filter(({ kind, name }) => kind === 'ReleasePlan' && name !== '')
  const compiled = plans.flatMap(plan => compileStrategies(plan, documents, settings, log))
  const notes = compiled.flatMap(compilation => notePlan(compilation))
  return {
    ok: log.list().length === 0,
    problems: sortByPlace(log.list()),
    notes: boundNotes(notes),
    plans: plans.map(plan => ({ name: plan.name, strategies: listStrategies(plan.root) })),
  }
}

export function compilePlan(documents: PlanDocuments, choice: PlanChoice): PlanResult {
  const log = startLog(documents)
  const plans = documents.documents.filter(({ kind }) => kind === 'ReleasePlan')
  const plan = plans.find(({ name }) => name === choice.plan)
  if (!plan) {
    const at = { place: { file: documents.documents[0]?.file ?? '', line: 1, column: 1 }, path: 'plan' }
    reportUnknown(
      log,
      'unknown-releaseplan',
      { en: 'plan', ja: '計画' },
      choice.plan,
      plans.map(({ name }) => name),
      at,
    )
    return { ok: false, problems: log.list() }
  }
  checkDocuments(documents, log)
  const compiled = compileStrategies(plan, documents, choice, log)
  const strategy = chooseStrategy(plan, choice, log)
  const chosen = compiled.find(compilation => compilation.plan.strategy === strategy)
  checkReleaseType(choice.releaseType, chosen, log)
  if (log.list().length > 0 || !chosen) return { ok: false, problems: sortByPlace(log.list()) }
  return { ok: true, plan: freezeDeep(chosen.plan), notes: boundNotes(notePlan(chosen)) }
}

/** A slip in the release type would choose the default strategy without a word. */
function checkReleaseType(type: string | undefined, chosen: PlanCompilation | undefined, log: ProblemLog): void {
  if (type === undefined || !chosen || chosen.scope.labels.has(type)) return
  const at = { place: chosen.parts.root.place, path: 'releaseType' }
  reportUnknown(log, 'unknown-release-type', { en: 'release type', ja: 'リリース種別' }, type, chosen.scope.labels, at)
}

function startLog(documents: PlanDocuments): ProblemLog {
  const log = createProblemLog()
  for (const problem of documents.problems) log.add(problem.code, problem, problem.message)
  return log
}

function boundNotes(notes: readonly Note[]): readonly Note[] {
  const kept = new Map<string, Note>()
  for (const note of sortByPlace(notes)) kept.set(`${note.place.file}:${note.place.line}:${note.message.en}`, note)
  return [...kept.values()].slice(0, problemsAtMost)
}

function checkDocuments({ documents }: PlanDocuments, log: ProblemLog): void {
  const seen = new Set<string>()
  const index = indexDocuments(documents)
  for (const document of documents) {
    if (!isDocumentKind(document.kind)) {
      reportKind(document, log)
      continue
    }
    checkShape(
      document.root,
      mapOf(() => documentKinds[document.kind as keyof typeof documentKinds]),
      log,
    )
    const key = `${document.kind} ${document.name}`
    if (document.name !== '' && seen.has(key)) reportTwice(document, log)
    seen.add(key)
    checkOtherDocument(document, index, log)
  }
}

function reportKind(document: PlanDocument, log: ProblemLog): void {
  const at = document.root.entries.get('kind')?.value ?? document.root
  const kinds = Object.keys(documentKinds)
  if (document.kind !== '')
    return reportUnknown(log, 'unknown-kind', { en: 'kind', ja: '種類' }, document.kind, kinds, at)
  const en = {
    cannot: 'read this document',
    found: 'no "kind"',
    expected: `one of ${kinds.join(', ')}`,
    next: 'Add kind: ReleasePlan',
  }
  const ja = {
    cannot: 'この文書を読めません',
    found: '"kind" がありません',
    expected: `${kinds.join('、')} のどれか`,
    next: 'kind: ReleasePlan を加えてください',
  }
  log.add('unknown-kind', at, refuse(en, ja))
}

function reportTwice({ kind, name, root }: PlanDocument, log: ProblemLog): void {
  const en = {
    cannot: `read ${kind} "${name}"`,
    found: 'a second document of this name',
    expected: 'each name once',
    next: 'Rename one of them, or delete it',
  }
  const ja = {
    cannot: `${kind} "${name}" を読めません`,
    found: '同じ名前の文書がもう 1 つあります',
    expected: '1 つずつの名前',
    next: 'どちらかの名前を変えるか削除してください',
  }
  log.add('duplicate-name', root, refuse(en, ja))
}

function compileStrategies(
  plan: PlanDocument,
  documents: PlanDocuments,
  settings: PlanSettings,
  log: ProblemLog,
): readonly PlanCompilation[] {
  const compileSettings: CompileSettings = {
    documents: indexDocuments(documents.documents),
    roles: settings.roles ? new Set(settings.roles) : null,
  }
  const strategies = listStrategies(plan.root)
  return (strategies.length === 0 ? [null] : strategies).map(strategy => {
    const compilation = compileReleasePlan(plan, strategy, compileSettings, log)
    lintPlan(compilation, { canShowSafety: settings.canShowSafety ?? false })
    return compilation
  })
}
