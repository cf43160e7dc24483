/**
 * What plans are compiled with: the other kinds of documents of the environment, and the plans that steps name.
 *
 *  1. A plan that nobody names is not read: starting one release costs the same beside ten plans and a thousand.
 *  2. When a document that is no plan is about to change, every plan is read, because any may use it.
 *  3. What is stored was bounded when it was applied; the bound on files is for those a person sends.
 */
import { findNamedPlans, type PlanDocuments, parsePlanDocuments } from '@dankai/plan'
import type { DocumentStore, Scope, StoredDocument } from '@dankai/store'

const planKind = 'ReleasePlan'

/** What is applied already, not replaced by what is given, and has a say in it. */
export async function readSurroundings(
  store: DocumentStore,
  scope: Scope,
  given: PlanDocuments,
): Promise<PlanDocuments> {
  const replaced = new Set(given.documents.map(keyOf))
  const helpers = (await store.helpers(scope)).filter(document => !replaced.has(keyOf(document)))
  const around = parseStored(helpers)
  if (given.documents.every(({ kind }) => kind === planKind)) return withNamedPlans(store, scope, given, around)
  const plans = await readPlans(store, scope)
  return joinDocuments(around, parseStored(plans.filter(document => !replaced.has(keyOf(document)))))
}

export function parseStored(stored: readonly StoredDocument[]): PlanDocuments {
  const parsed = stored.map(({ kind, name, text }) =>
    parsePlanDocuments([{ path: `applied/${kind}/${name}.yaml`, text }]),
  )
  return {
    documents: parsed.flatMap(({ documents }) => documents),
    problems: parsed.flatMap(({ problems }) => problems),
  }
}

export function joinDocuments(one: PlanDocuments, other: PlanDocuments): PlanDocuments {
  return {
    documents: [...one.documents, ...other.documents],
    problems: [...one.problems, ...other.problems],
  }
}

export const keyOf = ({ kind, name }: { readonly kind: string; readonly name: string }): string => `${kind}\n${name}`

/** Plans are named by plans, which name others. */
async function withNamedPlans(
  store: DocumentStore,
  scope: Scope,
  given: PlanDocuments,
  around: PlanDocuments,
): Promise<PlanDocuments> {
  const known = new Set(given.documents.map(({ name }) => name))
  let found = around
  for (let news = joinDocuments(given, around); news.documents.length > 0; ) {
    const names = [...new Set(news.documents.flatMap(findNamedPlans))].filter(name => !known.has(name))
    for (const name of names) known.add(name)
    const plans = await Promise.all(names.map(name => store.get(scope, planKind, name)))
    news = parseStored(plans.filter(plan => plan !== null))
    found = joinDocuments(found, news)
  }
  return found
}

async function readPlans(store: DocumentStore, scope: Scope): Promise<readonly StoredDocument[]> {
  const plans: StoredDocument[] = []
  for (let after: string | null = null; ; ) {
    const page = await store.list(scope, { kind: planKind, limit: 200, after })
    plans.push(...page.items)
    if (page.next === null) return plans
    after = page.next
  }
}
