import type { Event, ReleaseState, ReleaseStatus } from '@dankai/core'
import type { CompiledPlan } from '@dankai/plan'
import { renderRelative } from './moment.ts'
import type { ExposureSample, Outcome, StatusSample, TraceEvent } from './trace.ts'

/** Writes down what happens while it happens, and keeps the moments a script counts from. */
export interface TraceRecorder {
  readonly events: readonly TraceEvent[]
  readonly exposures: readonly ExposureSample[]
  readonly statuses: readonly StatusSample[]
  readonly anchors: Readonly<Record<string, number>>
  readonly state: ReleaseState | null
  recordEvents(events: readonly Event[], state: ReleaseState): void
  recordExposure(sample: ExposureSample): void
  recordStatus(at: number, status: ReleaseStatus): void
  outcome(): Outcome
}

export function createTraceRecorder(plan: CompiledPlan, start: number): TraceRecorder {
  const events: TraceEvent[] = []
  const exposures: ExposureSample[] = [
    { at: start, exposure: { share: 0, cohorts: [], shadow: false }, cause: 'dankai' },
  ]
  const statuses: StatusSample[] = []
  const anchors: Record<string, number> = { start }
  let state: ReleaseState | null = null
  let entered: string | null = null
  let lastKey = ''

  const anchor = ({ at, body }: Event): void => {
    if (body.type === 'PhaseEntered') entered = plan.phases[body.phase]?.name ?? null
    if (body.type === 'RollbackStarted') {
      anchors.rollback ??= at
      entered = null
    }
    if (body.type === 'ExposureReached' && entered !== null) anchors[entered] ??= at
  }

  return {
    events,
    exposures,
    statuses,
    anchors,
    get state() {
      return state
    },
    recordEvents(batch, next) {
      for (const event of batch) {
        anchor(event)
        events.push({ ...event, relative: renderRelative(event.at, anchors) })
      }
      state = next
    },
    recordExposure(sample) {
      exposures.push(sample)
    },
    recordStatus(at, status) {
      const key = keyOf(status)
      if (key === lastKey) return
      lastKey = key
      const last = statuses.at(-1)
      if (last?.at === at) statuses.pop()
      statuses.push({ at, status })
    },
    outcome() {
      const lifecycle = state?.lifecycle
      if (lifecycle?.kind === 'rolledBack') return lifecycle.complete ? 'rolled back' : 'rollback incomplete'
      if (lifecycle?.kind === 'completed' || lifecycle?.kind === 'contained') return lifecycle.kind
      return 'running'
    },
  }
}

/** What a person would call a change: the numbers inside a wait move all the time and are left out. */
function keyOf(status: ReleaseStatus): string {
  let key = `${status.stage} ${status.phase?.index} ${status.exposure} ${status.desired.share}`
  for (const waiting of status.waitingOn) key += ` ${waiting.kind}:${subjectOf(waiting)}`
  for (const criterion of status.criteria) key += ` ${criterion.met}${criterion.verdict}`
  return key
}

function subjectOf(waiting: ReleaseStatus['waitingOn'][number]): string {
  switch (waiting.kind) {
    case 'data':
      return waiting.metric
    case 'exposure':
    case 'drift':
      return waiting.hand
    case 'criterion':
      return `${waiting.criterion}${waiting.met}`
    case 'decision':
    case 'latched':
    case 'rule':
      return waiting.rule
    case 'approval':
      return `${waiting.step}${waiting.have}`
    case 'calendar':
      return `${waiting.entry}${waiting.until}`
    case 'plan':
      return waiting.plan
    case 'confirmation':
    case 'step':
    case 'retryOrSkip':
    case 'time':
      return waiting.step
    default:
      return ''
  }
}
