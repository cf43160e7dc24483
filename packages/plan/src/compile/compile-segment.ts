import type { Segment } from '../compiled-plan.ts'
import type { PlanDocument } from '../plan-documents.ts'
import { entriesOf, getText, getValue, textsOf } from '../yaml-node.ts'

export function compileSegment(document: PlanDocument): Segment {
  const size = getText(document.root, 'size')
  return {
    name: document.name,
    include: Object.fromEntries(
      entriesOf(getValue(document.root, 'include')).map(({ key, value }) => [key, textsOf(value)]),
    ),
    where: getText(document.root, 'where'),
    size: size === null ? null : Number(size),
  }
}
