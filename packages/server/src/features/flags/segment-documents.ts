import type { FlagDefinition } from '@dankai/flags'
import { type PlanDocument, parsePlanDocuments, readFlagDocuments } from '@dankai/plan'
import type { DocumentStore, Scope } from '@dankai/store'
import type { DocumentText } from '../plans/document-text.ts'

export type Segments = FlagDefinition['segments']

/** Segments by name: those just given, else as they are applied. */
export async function readSegments(
  store: DocumentStore,
  scope: Scope,
  given: readonly DocumentText[],
  names: readonly string[],
): Promise<Segments> {
  const found: [string, { include: Record<string, string[]> }][] = []
  for (const name of new Set(names)) {
    const text =
      given.find(document => document.kind === 'Segment' && document.name === name)?.text ??
      (await store.get(scope, 'Segment', name))?.text
    if (text === undefined) continue
    const [document] = parsePlanDocuments([{ path: `Segment/${name}.yaml`, text }]).documents
    found.push([name, { include: document === undefined ? {} : includeIn(document.root) }])
  }
  return Object.fromEntries(found)
}

/** The flags whose applied documents name one of the segments just given, with those segments. */
export async function flagsNamingSegments(
  store: DocumentStore,
  scope: Scope,
  given: readonly DocumentText[],
): Promise<readonly { readonly key: string; readonly segments: Segments }[]> {
  const names = given.filter(({ kind }) => kind === 'Segment').map(({ name }) => name)
  if (names.length === 0) return []
  const segments = await readSegments(store, scope, given, names)
  const found: { readonly key: string; readonly segments: Segments }[] = []
  for (let after: string | null = null; ; ) {
    const page = await store.list(scope, { kind: 'Flag', limit: 200, after })
    for (const { name, text } of page.items) {
      const { documents } = parsePlanDocuments([{ path: `Flag/${name}.yaml`, text }])
      const asked = readFlagDocuments(documents).flatMap(document => document.segments)
      const named = Object.entries(segments).filter(([segment]) => asked.includes(segment))
      if (named.length > 0) found.push({ key: name, segments: Object.fromEntries(named) })
    }
    if (page.next === null) return found
    after = page.next
  }
}

function includeIn(root: PlanDocument['root']): Record<string, string[]> {
  const include = root.entries.get('include')?.value
  if (include?.kind !== 'map') return {}
  const attributes = [...include.entries].map(([attribute, { value }]) => [attribute, textsIn(value)] as const)
  return Object.fromEntries(attributes)
}

type Node = NonNullable<ReturnType<PlanDocument['root']['entries']['get']>>['value']

function textsIn(node: Node): string[] {
  if (node.kind === 'text') return [node.text]
  return node.kind === 'list' ? node.items.flatMap(item => (item.kind === 'text' ? [item.text] : [])) : []
}
