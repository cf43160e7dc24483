import { compileCalendar } from './compile/compile-calendar.ts'
import type { DocumentIndex } from './compile/scope.ts'
import type { PlanDocument } from './plan-documents.ts'
import type { ProblemLog } from './problem.ts'

/** What can be said about a document on its own, whether or not a plan names it. */
export function checkOtherDocument(document: PlanDocument, _index: DocumentIndex, log: ProblemLog): void {
  if (document.kind === 'Calendar') compileCalendar(document, log)
}
