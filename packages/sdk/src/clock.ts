/** The only way the client sees time, so that tests can own it. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number
  /** Milliseconds from some moment on, whatever becomes of the time of day. */
  elapsedMs(): number
  /** Calls back once; the returned function cancels. */
  after(delayMs: number, callback: () => void): () => void
}

/** Its timers keep a program running, as the open stream does: a client lives until it is closed. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsedMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}
