import type { Clock } from '@dankai/engine'

/** Time as the simulation says. It never goes back: a step backwards is a bug of the simulation, not of the plan. */
export interface VirtualClock extends Clock {
  readonly at: number
  advanceTo(at: number): void
}

export function createVirtualClock(start: number): VirtualClock {
  let at = start
  return {
    get at() {
      return at
    },
    now: () => Promise.resolve(at),
    advanceTo(next) {
      if (next < at) throw new Error(`Cannot advance the virtual clock: found ${next}, expected ${at} or later.`)
      at = next
    },
  }
}
