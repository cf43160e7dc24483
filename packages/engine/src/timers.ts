/** Calls back once after a while; the answer cancels it. Injected so that tests run time-outs without waiting. */
export type Timers = (afterMs: number, callback: () => void) => () => void

export const systemTimers: Timers = (afterMs, callback) => {
  const timer = setTimeout(callback, afterMs)
  return () => clearTimeout(timer)
}
