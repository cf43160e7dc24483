import { checkChecklist } from './compile/check-checklist.ts'
import { checkFlag } from './compile/check-flag.ts'
import { checkScenarios } from './compile/check-scenario.ts'
import { checkTemplate } from './compile/check-template.ts'
import { compileCalendar } from './compile/compile-calendar.ts'
import type { DocumentIndex } from './compile/scope.ts'
import type { PlanDocument } from './plan-documents.ts'
import type { ProblemLog } from './problem.ts'

/** What can be said about a document on its own, whether or not a plan names it. */
export function checkOtherDocument(document: PlanDocument, index: DocumentIndex, log: ProblemLog): void {
  switch (document.kind) {
    case 'Calendar':
      compileCalendar(document, log)
      return
    case 'Checklist':
      return checkChecklist(document, log)
    case 'Flag':
      return checkFlag(document, index, log)
    case 'Scenarios':
      return checkScenarios(document, index, log)
    case 'Template':
      return checkTemplate(document, log)
  }
}
