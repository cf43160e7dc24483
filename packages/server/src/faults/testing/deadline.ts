/** A machine that is busy with other tests is slow, not wrong. */
export const patienceMs = 120_000

const askAgainAfterMs = 50

/** Resolves with the first value that is enough; what is read last is the message when time is up. */
export async function until<Value>(
  what: string,
  read: () => Value | Promise<Value>,
  isEnough: (value: Value) => boolean,
): Promise<Value> {
  const startedAt = performance.now()
  for (;;) {
    const value = await read()
    if (isEnough(value)) return value
    if (performance.now() - startedAt > patienceMs)
      throw new Error(`${what}: not so within ${patienceMs / 1_000} s; found ${JSON.stringify(value)?.slice(0, 2_000)}`)
    await pause()
  }
}

/** Between two looks at something that tells nobody when it changes. */
export function pause(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, askAgainAfterMs))
}
