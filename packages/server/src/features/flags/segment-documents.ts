import type { FlagDefinition } from '@dankai/flags'
import { type PlanDocument, parsePlanDocuments } from '@dankai/plan'
import type { DocumentStore, Scope } from '@dankai/store'
import type { DocumentText } from '../plans/document-text.ts'

/** Segments by name: those just given, else as they are applied. */
export async function readSegments(
  store: DocumentStore,
  scope: Scope,
  given: readonly DocumentText[],
  names: readonly string[],
): Promise<FlagDefinition['segments']> {
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
