import type { CriterionStatus, Forecast, Reason, ReleaseStatus, WaitingOn } from '@dankai/core'

/**
 * True when a status says something else than the stored one, so that a person should see it soon. The same sentences
 * with other figures (a value, a count of samples, a moment) may wait for the next write. Looked at in every turn, so
 * it compares fields and never walks or prints the whole tree.
 */
export function saysSomethingElse(before: ReleaseStatus, after: ReleaseStatus): boolean {
  return (
    before !== after &&
    (before.stage !== after.stage ||
      before.phase?.index !== after.phase?.index ||
      before.exposure !== after.exposure ||
      before.desired.share !== after.desired.share ||
      !areAlike(before.waitingOn, after.waitingOn, isSameWait) ||
      !areAlike(before.reasons, after.reasons, isSameReason) ||
      !areAlike(before.criteria, after.criteria, isSameCriterion) ||
      !isSameForecast(before.next, after.next))
  )
}

function areAlike<T>(before: readonly T[], after: readonly T[], isSame: (a: T, b: T) => boolean): boolean {
  if (before.length !== after.length) return false
  for (let index = 0; index < after.length; index++) if (!isSame(before[index]!, after[index]!)) return false
  return true
}

function isSameWait(before: WaitingOn, after: WaitingOn): boolean {
  return before.kind === after.kind && subjectOf(before) === subjectOf(after)
}

/** What it waits for, and how that stands: everything of it that is not a figure. */
function subjectOf(wait: WaitingOn): string {
  switch (wait.kind) {
    case 'hold':
      return wait.until === null ? 'stopped' : 'counting'
    case 'calendar':
      return wait.entry
    case 'approval':
      return `${wait.step} ${wait.have}`
    case 'confirmation':
    case 'step':
    case 'time':
      return wait.step
    case 'retryOrSkip':
      return `${wait.step} ${wait.detail}`
    case 'criterion':
      return `${wait.criterion} ${wait.met} ${wait.verdict}`
    case 'data':
      return wait.metric
    case 'exposure':
      return `${wait.hand} ${wait.problem}`
    case 'decision':
    case 'latched':
    case 'rule':
      return wait.rule
    case 'resume':
      return wait.by
    case 'halted':
      return wait.because
    case 'plan':
      return wait.plan
    case 'drift':
      return wait.hand
    case 'close':
    case 'coverage':
      return ''
  }
}

function isSameReason(before: Reason, after: Reason): boolean {
  if (before.kind !== after.kind) return false
  if (before.kind === 'pending' && after.kind === 'pending') return before.rule === after.rule
  if (before.kind === 'policy' && after.kind === 'policy') return before.text === after.text
  if (before.kind === 'promoted' && after.kind === 'promoted') return before.phase === after.phase
  return before.kind === 'rolledBack' && after.kind === 'rolledBack' && before.because === after.because
}

function isSameCriterion(before: CriterionStatus, after: CriterionStatus): boolean {
  return before.criterion === after.criterion && before.met === after.met && before.verdict === after.verdict
}

function isSameForecast(before: Forecast | null, after: Forecast | null): boolean {
  return before?.what === after?.what && before?.phase === after?.phase
}
