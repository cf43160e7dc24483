import type { ReleaseStatus, WaitingOn } from '@dankai/core'
import type { Trace } from '../trace.ts'

/** What a release mainly did for a while: one stretch of a phase bar. */
export type Doing =
  | 'hold'
  | 'criterion'
  | 'gate'
  | 'calendar'
  | 'gap'
  | 'paused'
  | 'raise'
  | 'rule'
  | 'open'
  | 'rollback'

export interface Stretch {
  readonly from: number
  readonly to: number
  /** null = before the first phase. */
  readonly phase: number | null
  readonly doing: Doing
  readonly status: ReleaseStatus
}

const doingOf: Readonly<Record<WaitingOn['kind'], Doing>> = {
  data: 'gap',
  coverage: 'gap',
  resume: 'paused',
  halted: 'paused',
  rule: 'rule',
  decision: 'rule',
  latched: 'rule',
  calendar: 'calendar',
  approval: 'gate',
  confirmation: 'gate',
  step: 'gate',
  retryOrSkip: 'gate',
  plan: 'gate',
  time: 'gate',
  exposure: 'raise',
  drift: 'raise',
  criterion: 'criterion',
  hold: 'hold',
  close: 'open',
}

/** What stops a release most is shown first: a gap in the data says more than the hold it interrupts. */
const importance: readonly Doing[] = [
  'rollback',
  'gap',
  'paused',
  'rule',
  'calendar',
  'raise',
  'hold',
  'gate',
  'criterion',
  'open',
]

export function stretchesOf(trace: Trace): readonly Stretch[] {
  return trace.statuses.flatMap(({ at, status }, index) => {
    const to = trace.statuses[index + 1]?.at ?? trace.end
    const doing = describeDoing(status)
    return doing === null || to <= at ? [] : [{ from: at, to, phase: status.phase?.index ?? null, doing, status }]
  })
}

function describeDoing(status: ReleaseStatus): Doing | null {
  if (status.stage === 'rollingBack') return 'rollback'
  if (status.stage !== 'starting' && status.stage !== 'running') return null
  const doings = status.waitingOn.map(waiting => doingOf[waiting.kind])
  return importance.find(doing => doings.includes(doing)) ?? (status.stage === 'starting' ? 'gate' : 'hold')
}

/** The stretch to show where several share a column: the more important one, so that nothing short disappears. */
export function moreImportant(a: Stretch, b: Stretch): Stretch {
  return importance.indexOf(b.doing) < importance.indexOf(a.doing) ? b : a
}
