/**
 * The flags a client knows, compiled, and the version of the environment they stand for.
 *
 * 1. A change is applied only on top of the version before it. A gap means something was missed: the answer is `gap`,
 *    and the caller asks for the full set.
 * 2. A change of the present version may come again, and an emergency stop that could not reach the database comes
 *    without a new version: both are applied. Older ones are not.
 * 3. A full set with an older version comes from a server that lags behind. It is refused (`older`), so that a stopped
 *    flag does not come back. Only a stale client goes back: a server that is behind for that long does not lag, its
 *    environment was restored from a backup.
 * 4. What is said to have changed is every flag whose answer may be another: those that were written, and those that ask
 *    for one of them as a prerequisite, whatever the number of steps between.
 */
import {
  type CompiledFlag,
  type FlagDefinition,
  type FlagProblem,
  FlagSet,
  type StoredFlagDefinition,
} from '@dankai/flags'
import type { StreamMessage } from './stream-message.ts'

export type Application =
  | { readonly outcome: 'applied'; readonly version: number; readonly keys: readonly string[] }
  | { readonly outcome: 'ignored' }
  | { readonly outcome: 'gap'; readonly found: number; readonly known: number }
  | { readonly outcome: 'older'; readonly found: number; readonly known: number }

export type FlagMessage = Extract<StreamMessage, { kind: 'flags' | 'change' | 'deletion' | 'version' }>

export class KnownFlags {
  #flags = new FlagSet()
  #version: number | null = null
  #confirmed = false

  get version(): number | null {
    return this.#version
  }

  /** True once a server has sent a full set; bootstrap values are only a beginning. */
  get confirmed(): boolean {
    return this.#confirmed
  }

  find(key: string): CompiledFlag | undefined {
    return this.#flags.find(key)
  }

  all(): readonly CompiledFlag[] {
    return this.#flags.all()
  }

  /** As the server sent them. */
  definitions(): readonly StoredFlagDefinition[] {
    return this.#flags.definitions()
  }

  problemsOf(key: string): readonly FlagProblem[] {
    return this.#flags.problemsOf(key)
  }

  bootstrap(version: number | null, flags: readonly FlagDefinition[]): void {
    this.#flags = new FlagSet(flags)
    this.#version = version
  }

  apply(message: FlagMessage, isStale: boolean): Application {
    return message.kind === 'flags' ? this.#applySet(message, isStale) : this.#applyChange(message)
  }

  #applySet({ version, flags }: Extract<FlagMessage, { kind: 'flags' }>, isStale: boolean): Application {
    const known = this.#confirmed ? (this.#version ?? version) : version
    if (version < known && !isStale) return { outcome: 'older', found: version, known }
    const before = this.#flags
    this.#flags = new FlagSet(flags)
    this.#version = version
    this.#confirmed = true
    return { outcome: 'applied', version, keys: this.#withAsking(changedKeys(before, this.#flags)) }
  }

  #applyChange(message: Exclude<FlagMessage, { kind: 'flags' }>): Application {
    const known = this.#version
    if (known === null || !this.#confirmed) return { outcome: 'gap', found: message.version, known: known ?? 0 }
    if (message.version < known) return { outcome: 'ignored' }
    if (message.version > known + 1) return { outcome: 'gap', found: message.version, known }
    this.#version = message.version
    if (message.kind === 'version') return { outcome: 'applied', version: message.version, keys: [] }
    const key = message.kind === 'deletion' ? message.key : message.flag.key
    if (message.kind === 'deletion') this.#flags.delete(key)
    else this.#flags.put(message.flag)
    return { outcome: 'applied', version: message.version, keys: this.#withAsking([key]) }
  }

  #withAsking(keys: readonly string[]): readonly string[] {
    return [...keys, ...this.#flags.askingFor(keys)]
  }
}

function changedKeys(before: FlagSet, after: FlagSet): string[] {
  const [was, is] = [textsOf(before), textsOf(after)]
  return [...new Set([...was.keys(), ...is.keys()])].filter(key => was.get(key) !== is.get(key))
}

const textsOf = (flags: FlagSet): ReadonlyMap<string, string> =>
  new Map(flags.definitions().map(definition => [definition.key, JSON.stringify(definition)]))
