/**
 * Named instants at which a process may die. Every boundary between two effects has one, so that a test can kill the
 * engine there and ask whether anything was lost or happened twice. The list is the whole registry: a point that is
 * not in it cannot be reached, and tests walk through all of them.
 */
export const faultPoints = [
  'beat: before',
  'claim: before',
  'claim: after',
  'read: before',
  'read: after',
  'commit: before',
  'commit: after',
  'touch: before',
  'touch: after',
  'act: before commit',
  'act: after commit',
  'raise: before apply',
  'raise: between apply and read',
  'lower: before apply',
  'lower: between apply and read',
  'reading: before record',
  'reading: after record',
  'command: before claim',
  'command: after claim',
  'command: before run',
  'command: after run',
  'command: after finish',
  'recover: before',
  'recover: after',
] as const
export type FaultPoint = (typeof faultPoints)[number]

export interface Faults {
  /** Called at each point; returns in normal life, ends the process or throws in a test of faults. */
  at(point: FaultPoint): void
}

export const noFaults: Faults = { at: () => {} }

/** Thrown by an in-process fault: the engine it hits counts as dead from here on. */
export class Killed extends Error {
  readonly point: FaultPoint

  constructor(point: FaultPoint) {
    super(`Killed at "${point}".`)
    this.point = point
  }
}
