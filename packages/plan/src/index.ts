export { canonicalJson, canonicalPlanJson } from './canonical-json.ts'
export { describePlanChange } from './change/plan-change.ts'
export type { ChangeDirection, PlanChange } from './change/plan-difference.ts'
export type { PlanCheck, PlanChoice, PlanResult, PlanSettings } from './check-plan.ts'
export { checkPlan, compilePlan } from './check-plan.ts'
export type {
  Action,
  AlertRule,
  Baseline,
  Calendar,
  CalendarEntry,
  CheckTerm,
  Cohort,
  CompiledPlan,
  Condition,
  Consequence,
  Criterion,
  DiffersTerm,
  Escalation,
  EvidencePolicy,
  Expectation,
  Exposure,
  FlagSet,
  Hand,
  Limit,
  MeasureSource,
  Metric,
  MetricTerm,
  MetricUnit,
  Moment,
  NoDataTerm,
  Notice,
  Phase,
  Place,
  ReportedTerm,
  Review,
  Rule,
  Segment,
  Series,
  Span,
  Step,
  Term,
  Verb,
  Weekday,
  WeeklyWindow,
} from './compiled-plan.ts'
export { moments } from './compiled-plan.ts'
export type { ConditionReading, ParsedCondition, ParsedTerm } from './condition-grammar.ts'
export { parseCondition } from './condition-grammar.ts'
export type { FlagDocument } from './flag-document.ts'
export { readFlagDocuments } from './flag-document.ts'
export type { DocumentKind } from './language/documents.ts'
export { documentKinds } from './language/documents.ts'
export { channelKinds } from './language/formats.ts'
export { handKinds } from './language/hand.ts'
export type { JsonSchema } from './language/json-schema.ts'
export { jsonSchema } from './language/json-schema.ts'
export { releaseTypes } from './language/release-types.ts'
export { personVerbs } from './language/scenarios.ts'
export { verbs } from './language/step.ts'
export { estimateErrorsToShowSafety, estimateRequestsToShowSafety } from './lint/evidence-budget.ts'
export type { ScenarioMoment } from './moment.ts'
export { readMoment } from './moment.ts'
export { findNamedPlans } from './named-plans.ts'
export type { PlanDocument, PlanDocuments, PlanFile } from './plan-documents.ts'
export { parsePlanDocuments } from './plan-documents.ts'
export { printCondition } from './print-condition.ts'
export type { Language, Localized, Note, Problem } from './problem.ts'
export { renderProblem } from './problem.ts'
export { printDuration, printShare, readDurationMs, readShare } from './quantity.ts'
export type {
  Scenario,
  ScenarioExpectation,
  ScenarioFile,
  ScenarioNever,
  ScriptEntry,
  ScriptHappening,
  ScriptValue,
} from './scenario.ts'
export { readScenarioFile, readScenarioFiles } from './scenario.ts'
export type { ServiceDocument } from './service-document.ts'
export { readServiceDocuments } from './service-document.ts'
export type { TemplateDocument, TemplateText } from './template-document.ts'
export { readTemplateDocuments } from './template-document.ts'
export type { Entry, ListNode, MapNode, PlainData, TextNode, YamlNode } from './yaml-node.ts'
