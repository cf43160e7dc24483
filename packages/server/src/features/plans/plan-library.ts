/**
 * The documents of an environment, and plans compiled from them.
 *
 *  1. A plan is compiled from everything that is applied, so that what it names is what stands there now.
 *  2. Applying is all or nothing: a change of a helper document that would break a plan is refused.
 *  3. Applying the same files again changes nothing and says so.
 */
import { createHash } from 'node:crypto'
import type { DocumentChange, DocumentProblem } from '@dankai/contract'
import {
  type CompiledPlan,
  canonicalPlanJson,
  checkPlan,
  compilePlan,
  type Language,
  type Note,
  type PlanDocument,
  type Problem,
  parsePlanDocuments,
} from '@dankai/plan'
import type { DocumentStore, Scope, StoredDocument } from '@dankai/store'
import { type DocumentText, type SourceFile, textsOfDocuments } from './document-text.ts'
import { diffLines } from './line-diff.ts'
import { joinDocuments, keyOf, parseStored, readSurroundings } from './stored-documents.ts'

/** Scenarios test a plan before it is applied; a server has no use for them. */
const unstoredKinds = new Set(['Scenarios', 'Scenario'])

export interface Review {
  readonly ok: boolean
  readonly problems: DocumentProblem[]
  readonly documents: readonly DocumentText[]
}

/** Judges the files together with what is applied already and not replaced by them. */
export async function reviewFiles(
  files: readonly SourceFile[],
  store: DocumentStore,
  scope: Scope,
  language: Language,
): Promise<Review> {
  const given = parsePlanDocuments(files.map(({ file, text }) => ({ path: file, text })))
  const documents = textsOfDocuments(
    given.documents.filter(({ kind, name }) => name !== '' && !unstoredKinds.has(kind)),
    files,
  )
  const check = checkPlan(joinDocuments(given, await readSurroundings(store, scope, given)))
  const problems = [
    ...check.problems.map(problem => problemOf(problem, 'error', language)),
    ...check.notes.map(note => problemOf(note, note.severity, language)),
  ]
  return { ok: check.ok, problems, documents }
}

/** null when no plan of that name is applied. */
export async function compileStored(
  store: DocumentStore,
  scope: Scope,
  choice: { readonly plan: string; readonly strategy: string | null; readonly releaseType: string | null },
): Promise<
  | { readonly ok: true; readonly plan: CompiledPlan; readonly digest: string }
  | { readonly ok: false; readonly problems: DocumentProblem[] }
  | null
> {
  const stored = await store.get(scope, 'ReleasePlan', choice.plan)
  if (stored === null) return null
  const given = parseStored([stored])
  const result = compilePlan(joinDocuments(given, await readSurroundings(store, scope, given)), {
    plan: choice.plan,
    ...(choice.strategy === null ? {} : { strategy: choice.strategy }),
    ...(choice.releaseType === null ? {} : { releaseType: choice.releaseType }),
  })
  if (!result.ok) return { ok: false, problems: result.problems.map(problem => problemOf(problem, 'error', 'en')) }
  return { ok: true, plan: result.plan, digest: digestOf(result.plan) }
}

export interface PlanFacts {
  readonly name: string
  readonly title: string | null
  readonly service: string
  readonly strategies: string[]
}

export function planFacts(document: StoredDocument): PlanFacts {
  const { documents } = parseStored([document])
  const root = documents[0]?.root
  const strategies = root?.entries.get('strategies')?.value
  return {
    name: document.name,
    title: scalar(root, 'title'),
    service: scalar(root, 'service') ?? document.name,
    strategies: strategies?.kind === 'map' ? [...strategies.entries.keys()] : [],
  }
}

function scalar(root: PlanDocument['root'] | undefined, key: string): string | null {
  const value = root?.entries.get(key)?.value
  return value?.kind === 'text' ? value.text : null
}

export async function applyDocuments(
  store: DocumentStore,
  scope: Scope,
  apply: {
    readonly documents: readonly DocumentText[]
    readonly by: string
    readonly why: string | null
    readonly dryRun: boolean
  },
): Promise<DocumentChange[]> {
  const before = await textsBefore(store, scope, apply.documents)
  const applied = await store.apply({ ...scope, ...apply })
  const texts = new Map(apply.documents.map(document => [keyOf(document), document.text]))
  return applied.map(({ kind, name, change, digest }) => {
    const key = keyOf({ kind, name })
    return { kind, name, change, digest, diff: diffLines(before.get(key) ?? '', texts.get(key) ?? '') }
  })
}

async function textsBefore(
  store: DocumentStore,
  scope: Scope,
  documents: readonly DocumentText[],
): Promise<ReadonlyMap<string, string>> {
  const stored = await Promise.all(documents.map(({ kind, name }) => store.get(scope, kind, name)))
  return new Map(stored.flatMap(document => (document === null ? [] : [[keyOf(document), document.text]])))
}

function problemOf(
  problem: Problem | Note,
  severity: DocumentProblem['severity'],
  language: Language,
): DocumentProblem {
  const { code, place, path, message } = problem
  return { severity, code, ...place, path, message: message[language] }
}

const digestOf = (plan: CompiledPlan): string => createHash('sha256').update(canonicalPlanJson(plan)).digest('hex')
