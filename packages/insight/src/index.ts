export {
  renderAmount,
  renderDuration,
  renderExposure,
  renderShare,
  renderTime,
  unitOfMetric,
  unitOfSentence,
} from './amount.ts'
export { renderEvent } from './render-event.ts'
export { renderReason } from './render-reason.ts'
export { type RenderedStatus, renderForecast, renderStage, renderStatus } from './render-status.ts'
export { renderWaitingOn } from './render-waiting-on.ts'
export { findStep, stepName, stepsOf } from './step-name.ts'
export { inLanguage, type Language, type Wording, wordingOf } from './wording.ts'
