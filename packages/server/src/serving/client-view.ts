/**
 * What keys of kind sdk-client may read of an environment: users hold these keys, in pages and apps.
 *
 *  1. Told are the flags marked for clients, and those they ask for as prerequisites, through any number of steps:
 *     without these a client that evaluates by itself could not. Nothing else is named.
 *  2. Every version of the environment is told, also one of a flag that is not read here (`passed`): an acknowledged
 *     version says how far a client is.
 *  3. When one change moves more flags in or out than its own, all is told anew.
 */
import { type FlagDefinition, FlagSet } from '@dankai/flags'
import type { Scope, StoredFlag } from '@dankai/store'
import type { ServedChange, ServedView } from './served-view.ts'

/** The environment's flag changes, as it tells of them itself. */
type FlagChange = Exclude<ServedChange, { kind: 'all' | 'passed' }>

interface ViewedEnvironment extends ServedView {
  stored(key: string): StoredFlag | undefined
}

export class ClientView implements ServedView {
  readonly audience = 'client'
  readonly #environment: ViewedEnvironment
  readonly #listeners = new Set<(change: ServedChange) => void>()
  #told: ReadonlyMap<string, FlagDefinition>
  #flags: FlagSet | null = null

  constructor(environment: ViewedEnvironment) {
    this.#environment = environment
    this.#told = flagsForClients(environment)
    environment.subscribe(change => this.#hear(change))
  }

  get scope(): Scope {
    return this.#environment.scope
  }

  get version(): number {
    return this.#environment.version
  }

  /** Of the whole environment, and another than its own: one address answers both kinds of keys. */
  get etag(): string {
    return `${this.#environment.etag.slice(0, -1)}-clients"`
  }

  get flags(): FlagSet {
    this.#flags ??= new FlagSet(this.definitions())
    return this.#flags
  }

  definitions(): readonly FlagDefinition[] {
    return [...this.#told.values()]
  }

  find(key: string): FlagDefinition | undefined {
    return this.#told.get(key)
  }

  subscribe(listener: (change: ServedChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  refresh(): Promise<void> {
    return this.#environment.refresh()
  }

  #hear(change: ServedChange): void {
    const before = this.#told
    this.#told = flagsForClients(this.#environment)
    const told = change.kind === 'flag' || change.kind === 'removed' ? this.#changeOf(change, before) : change
    if (told.kind === 'flag') this.#flags?.put(told.flag)
    else if (told.kind === 'removed') this.#flags?.delete(told.key)
    else if (told.kind === 'all') this.#flags = null
    for (const listener of this.#listeners) listener(told)
  }

  #changeOf(change: FlagChange, before: ReadonlyMap<string, FlagDefinition>): ServedChange {
    const { version } = change
    const key = change.kind === 'flag' ? change.flag.key : change.key
    const others = [...before.keys(), ...this.#told.keys()].filter(other => other !== key)
    if (others.some(other => before.has(other) !== this.#told.has(other))) return { kind: 'all' }
    const flag = this.#told.get(key)
    if (flag !== undefined) return { kind: 'flag', version, flag }
    return before.has(key) ? { kind: 'removed', version, key } : { kind: 'passed', version }
  }
}

function flagsForClients(environment: ViewedEnvironment): ReadonlyMap<string, FlagDefinition> {
  const all = new Map(environment.definitions().map(flag => [flag.key, flag]))
  const asked = [...all.keys()].filter(key => environment.stored(key)?.care.client === true)
  const isTold = new Set<string>()
  for (let key = asked.pop(); key !== undefined; key = asked.pop()) {
    if (isTold.has(key)) continue
    isTold.add(key)
    for (const { flag } of all.get(key)?.prerequisites ?? []) asked.push(flag)
  }
  return new Map([...all].filter(([key]) => isTold.has(key)))
}
