import type { Timers } from './timers.ts'

/**
 * A port whose every call ends: one that has no answer in time fails. What it did is not known then, which is why
 * whoever wrote loads again before it trusts its memory.
 */
export function boundedPort<Port extends object>(name: string, port: Port, timeoutMs: number, timers: Timers): Port {
  const bounded = new Map<PropertyKey, unknown>()
  return new Proxy(port, {
    get(target, key) {
      const known = bounded.get(key)
      if (known !== undefined) return known
      const member: unknown = Reflect.get(target, key, target)
      if (typeof member !== 'function') return member
      const call = (...args: unknown[]) =>
        endIn(timeoutMs, timers, `${name}.${String(key)}`, member.apply(target, args))
      bounded.set(key, call)
      return call
    },
  })
}

/** Passes values through that are no promise, such as what a source reads from memory. */
function endIn(timeoutMs: number, timers: Timers, name: string, answer: unknown): unknown {
  if (!(answer instanceof Promise)) return answer
  return new Promise((resolve, reject) => {
    const cancel = timers(timeoutMs, () => {
      reject(
        new Error(`Cannot finish ${name}: found no answer within ${timeoutMs} ms, expected one. It is tried again.`),
      )
    })
    answer.then(resolve, reject).finally(cancel)
  })
}
