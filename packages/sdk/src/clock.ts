/** The only way the client sees time, so that tests can own it. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number
  /** Calls back once; the returned function cancels. */
  after(delayMs: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    // A program that has nothing else to do may end: a timer of ours is no reason to stay. Browsers have numbers here.
    if (typeof timer === 'object') timer.unref()
    return () => clearTimeout(timer)
  },
}
