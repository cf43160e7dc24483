import type { EventBody } from './event.ts'

/** A rollback supersedes every planned command of the forward path; nothing else supersedes anything. */
export function supersededSlots(events: readonly EventBody[]): 'all' | readonly string[] {
  return events.some(event => event.type === 'RollbackStarted') ? 'all' : []
}
