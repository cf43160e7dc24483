import type { Escalation } from '../compiled-plan.ts'
import type { PlanDocument } from '../plan-documents.ts'
import { readDurationMs } from '../quantity.ts'
import { entriesOf, getText, getValue, itemsOf, textOf } from '../yaml-node.ts'

export function compileEscalation(document: PlanDocument): Escalation {
  return {
    name: document.name,
    levels: itemsOf(getValue(document.root, 'levels')).map(node => ({
      who: getText(node, 'who') ?? '',
      respondWithinMs: readDurationMs(getText(node, 'respondWithin') ?? '') ?? 0,
      nextMs: readDurationMs(getText(node, 'next') ?? ''),
      does: getText(node, 'does'),
      emergenciesOnly: getText(node, 'emergenciesOnly') === 'true',
      call: itemsOf(getValue(node, 'call')).map(person =>
        Object.fromEntries(entriesOf(person).map(({ key, value }) => [key, textOf(value) ?? ''])),
      ),
    })),
  }
}
