export type { Action, ActionBody, Refusal } from './action.ts'
export type { Command, CommandOutput, CommandResult, Effect } from './command.ts'
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
export type { ExposureState, Lifecycle, OpenDecision, ReleaseState, RuleState, StepState } from './state.ts'
