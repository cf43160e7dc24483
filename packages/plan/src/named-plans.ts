import type { PlanDocument } from './plan-documents.ts'
import { getText, type YamlNode } from './yaml-node.ts'

/** Names of the plans that steps anywhere in a document need or halt: those it is compiled with. */
export function findNamedPlans({ root }: PlanDocument): readonly string[] {
  return namesIn(root)
}

function namesIn(node: YamlNode): readonly string[] {
  if (node.kind === 'text') return []
  if (node.kind === 'list') return node.items.flatMap(namesIn)
  const own = [getText(node, 'needs'), getText(node, 'halt')].filter(name => name !== null)
  return [...own, ...[...node.entries.values()].flatMap(({ value }) => namesIn(value))]
}
