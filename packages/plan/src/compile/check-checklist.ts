import { parseCondition } from '../condition-grammar.ts'
import type { PlanDocument } from '../plan-documents.ts'
import type { ProblemLog } from '../problem.ts'
import type { YamlNode } from '../yaml-node.ts'
import { getValue, itemsOf, textOf } from '../yaml-node.ts'
import { describeGrammarError } from './condition-refusal.ts'

/** A checklist no plan names yet has no metrics to look up, but its conditions can still be read. */
export function checkChecklist({ root }: PlanDocument, log: ProblemLog): void {
  checkItems(getValue(root, 'items'), log)
}

function checkItems(list: YamlNode | null, log: ProblemLog): void {
  for (const item of itemsOf(list)) {
    for (const condition of itemsOf(getValue(item, 'check'))) {
      const text = textOf(condition)
      const reading = text === null ? null : parseCondition(text)
      if (text !== null && reading?.ok === false)
        log.add('condition', condition, describeGrammarError(text, condition.path, reading.error))
    }
    checkItems(getValue(item, 'items'), log)
    checkItems(getValue(item, 'do'), log)
  }
}
