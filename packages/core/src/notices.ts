import type { Moment, Notice } from '@dankai/plan'
import { commandOf, templateValues } from './command-for.ts'
import type { EventBody } from './event.ts'
import { indexOf } from './plan-index.ts'
import type { Turn } from './turn.ts'

/** Template of alerts, part of Dankai; a plan's own templates come with the plan. */
export const alertTemplate = 'dankai-alert'
/** A notice that could not be delivered for a day tells nobody anything any more. */
const noticeExpiresAfterMs = 86_400_000

/** Tells people: what the plan's `notify` says for each moment, and alerts to their channels. */
export function tellPeople(turn: Turn, since: number): void {
  if (turn.input.state.seq === 1) tellScheduled(turn)
  for (const event of turn.events.slice(since)) {
    const moment = momentOf(event)
    if (moment !== null)
      for (const notice of turn.plan.notices[moment] ?? [])
        send(turn, `notify.${moment}.${notice.template}`, notice, event)
    if (event.type === 'AlertRaised' && event.to.length > 0) {
      send(
        turn,
        `notify.alert.${event.alert}`,
        { template: alertTemplate, to: event.to, priority: event.severity },
        event,
      )
    }
  }
}

/** ReleaseStarted was written before the first decision, which tells of it. */
function tellScheduled(turn: Turn): void {
  for (const notice of turn.plan.notices.scheduled ?? []) {
    const step = `notify.scheduled.${notice.template}`
    if (turn.state.steps[step] === undefined) send(turn, step, notice, null)
  }
}

function momentOf(event: EventBody): Moment | null {
  switch (event.type) {
    case 'PhaseEntered':
      return event.phase === 0 ? 'started' : null
    case 'PhasePromoted':
      return 'promoted'
    case 'Paused':
      return 'held'
    case 'Halted':
      return 'halted'
    case 'DecisionAsked':
    case 'GateReminded':
      return 'asked'
    case 'GateOpened':
      // Confirmations are the steps of a procedure somebody is going through; the others wait for one who is elsewhere.
      return event.asks === 'confirmation' ? null : 'asked'
    case 'RollbackStarted':
      return 'rollbackStarted'
    case 'RolledBack':
      return 'rolledBack'
    case 'Contained':
      return 'rolledBack'
    case 'Completed':
      return 'completed'
    default:
      return null
  }
}

function send(turn: Turn, step: string, notice: Notice, event: EventBody | null): void {
  const run = (turn.state.steps[step]?.run ?? 0) + 1
  const values = { ...templateValues(turn.plan, turn.state), ...(event === null ? {} : valuesOf(turn, event)) }
  const effect = {
    kind: 'notify',
    template: notice.template,
    to: notice.to,
    priority: notice.priority,
    values,
  } as const
  turn.emit({
    type: 'StepStarted',
    step,
    run,
    command: commandOf(`${step}#${run}`, effect, turn.now + noticeExpiresAfterMs, null),
  })
}

function valuesOf(turn: Turn, event: EventBody): Record<string, string> {
  switch (event.type) {
    case 'AlertRaised':
      return { severity: event.severity, reason: event.text, value: event.value === null ? '' : String(event.value) }
    case 'RollbackStarted':
    case 'Halted':
    case 'DecisionAsked':
      return { reason: event.because }
    case 'GateOpened':
    case 'GateReminded':
      return { reason: indexOf(turn.plan).steps.get(event.step)?.name ?? event.step }
    case 'PhasePromoted':
    case 'PhaseEntered':
      return { phase: event.name }
    default:
      return {}
  }
}
