export type { Action, ActionBody, Refusal } from './action.ts'
export { type Amended, type AmendInput, amendRelease } from './amend-release.ts'
export { apply, beginState, foldEvents } from './apply.ts'
export { askCalendar, type CalendarAnswer, type CalendarQuestion, localTime } from './calendar.ts'
export type { Command, CommandOutput, CommandResult, Effect } from './command.ts'
export { coveredMs } from './coverage.ts'
export { decide } from './decide.ts'
export { type Acted, type ActionInput, decideAction } from './decide-action.ts'
export type {
  CriterionStatus,
  DecideInput,
  Decision,
  Forecast,
  HandReading,
  Reason,
  ReleaseStatus,
  WaitingOn,
} from './decision.ts'
export type { Event, EventBody } from './event.ts'
export { isExposed, levelOf, nobody, sameExposure } from './exposure.ts'
export { type Answer, type Judgement, judge } from './judge.ts'
export { alertTemplate } from './notices.ts'
export { childrenOf, indexOf } from './plan-index.ts'
export { durationText } from './rules.ts'
export { type Started, type StartInput, type Supports, semanticsVersion, startRelease } from './start-release.ts'
export type { ExposureState, Lifecycle, OpenDecision, ReleaseState, RuleState, StepState } from './state.ts'
export { supersededSlots } from './superseded-slots.ts'
