/** The only way the client sees time, so that tests can own it. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number
  /** Calls back once; the returned function cancels. */
  after(delayMs: number, callback: () => void): () => void
}

/** Its timers keep a program running, as the open stream does: a client lives until it is closed. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}
