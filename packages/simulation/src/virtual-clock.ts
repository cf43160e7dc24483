import type { Clock, Timers } from '@dankai/engine'

/**
 * Time as the simulation says: a clock and the timers that run on it. It never goes back; a step backwards is a bug of
 * the simulation, not of the plan.
 */
export interface VirtualClock extends Clock {
  readonly at: number
  readonly timers: Timers
  /** Calls back every timer that is due on the way, in order, then stands at `at`. */
  advanceTo(at: number): void
  nextTimer(): number | null
  sleep(ms: number): Promise<void>
}

interface Timer {
  readonly at: number
  readonly callback: () => void
}

export function createVirtualClock(start: number): VirtualClock {
  let at = start
  const pending = new Set<Timer>()

  const timers: Timers = (afterMs, callback) => {
    const timer = { at: at + afterMs, callback }
    pending.add(timer)
    return () => void pending.delete(timer)
  }
  const earliestTimer = (): Timer | null => {
    let first: Timer | null = null
    for (const timer of pending) if (first === null || timer.at < first.at) first = timer
    return first
  }

  return {
    get at() {
      return at
    },
    now: () => Promise.resolve(at),
    timers,
    advanceTo(next) {
      if (next < at) throw new Error(`Cannot advance the virtual clock: found ${next}, expected ${at} or later.`)
      for (let timer = earliestTimer(); timer !== null && timer.at <= next; timer = earliestTimer()) {
        pending.delete(timer)
        at = Math.max(at, timer.at)
        timer.callback()
      }
      at = next
    },
    nextTimer: () => earliestTimer()?.at ?? null,
    sleep: ms => new Promise(resolve => void timers(ms, resolve)),
  }
}
