/**
 * What one environment serves at the moment, whatever protocol asks: the stored flags, with emergency stops and
 * withheld flags applied.
 *
 *  1. The version only rises. Every version is told as one change, or is covered by telling that all may have changed.
 *  2. A stop changes what is served without a new version of the flags; the tag of what is served changes with it.
 *  3. A flag that is withheld serves nobody until it is written again, by whomever.
 *  4. Readings that are asked for together are one reading.
 */
import { type FlagDefinition, FlagSet } from '@dankai/flags'
import type { FlagStore, Scope, StoredFlag } from '@dankai/store'
import type { Audience } from '../http/caller.ts'
import { digestOf } from '../http/etag.ts'
import { ClientView } from './client-view.ts'
import { type Stop, servedFlag } from './served-flags.ts'
import type { ServedChange, ServedView } from './served-view.ts'

export class ServedEnvironment implements ServedView {
  readonly scope: Scope
  readonly audience = 'server'
  readonly #store: Pick<FlagStore, 'readSince'>
  readonly #stored = new Map<string, StoredFlag>()
  /** The version at which each flag was withheld. */
  readonly #withheld = new Map<string, number>()
  readonly #listeners = new Set<(change: ServedChange) => void>()
  #version = -1
  #stops: readonly Stop[]
  #definitions: readonly FlagDefinition[] | null = null
  #flags: FlagSet | null = null
  #etag: string | null = null
  #reading: Promise<void> | null = null
  #readAgain = false
  #forClients: ClientView | null = null

  constructor(scope: Scope, store: Pick<FlagStore, 'readSince'>, stops: readonly Stop[]) {
    this.scope = scope
    this.#store = store
    this.#stops = stops
  }

  get version(): number {
    return Math.max(0, this.#version)
  }

  get isRead(): boolean {
    return this.#version >= 0
  }

  /** It has nothing, nobody follows it, and nobody waits for it. */
  get isUnused(): boolean {
    return this.version === 0 && this.#listeners.size === 0 && this.#reading === null
  }

  get etag(): string {
    this.#etag ??= tagOf(this.version, this.#stoppedKeys())
    return this.#etag
  }

  get flags(): FlagSet {
    this.#flags ??= new FlagSet(this.definitions())
    return this.#flags
  }

  definitions(): readonly FlagDefinition[] {
    this.#definitions ??= [...this.#stored.values()].map(flag => this.#serve(flag))
    return this.#definitions
  }

  stored(key: string): StoredFlag | undefined {
    return this.#stored.get(key)
  }

  find(key: string): FlagDefinition | undefined {
    const flag = this.#stored.get(key)
    return flag === undefined ? undefined : this.#serve(flag)
  }

  viewFor(audience: Audience): ServedView {
    if (audience === 'server') return this
    this.#forClients ??= new ClientView(this)
    return this.#forClients
  }

  subscribe(listener: (change: ServedChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  refresh(): Promise<void> {
    this.#readAgain = true
    this.#reading ??= this.#readUntilQuiet().finally(() => {
      this.#reading = null
    })
    return this.#reading
  }

  setStops(stops: readonly Stop[]): void {
    const before = this.#stoppedKeys().join('\n')
    this.#stops = stops
    this.#forget()
    if (this.isRead && before !== this.#stoppedKeys().join('\n')) this.#tell([{ kind: 'all' }])
  }

  /** For a release that must lower a flag of its own and cannot write it now. True when that changed something. */
  withhold(key: string, releaseId: string): boolean {
    const flag = this.#stored.get(key)
    if (flag === undefined || flag.heldBy !== releaseId || this.#withheld.get(key) === flag.version) return false
    this.#withheld.set(key, flag.version)
    this.#forget()
    this.#tell([{ kind: 'all' }])
    return true
  }

  async #readUntilQuiet(): Promise<void> {
    while (this.#readAgain) {
      this.#readAgain = false
      const { version, flags, removed } = await this.#store.readSince(this.scope, this.version)
      if (version > this.#version || !this.isRead) this.#take(version, flags, removed)
    }
  }

  #take(version: number, flags: readonly StoredFlag[], removed: readonly string[]): void {
    const before = this.#version
    for (const flag of flags) this.#stored.set(flag.key, flag)
    for (const key of removed) this.#stored.delete(key)
    this.#version = version
    this.#definitions = null
    this.#etag = null
    const changes = before < 0 ? null : this.#changesOf(before, version, flags, removed)
    this.#recompile(changes)
    this.#tell(changes ?? [{ kind: 'all' }])
  }

  /** One change for each version in between; null when some version is not known alone. */
  #changesOf(
    before: number,
    version: number,
    flags: readonly StoredFlag[],
    removed: readonly string[],
  ): ServedChange[] | null {
    const [key] = removed
    if (key !== undefined && flags.length === 0 && removed.length === 1 && version === before + 1)
      return [{ kind: 'removed', version, key }]
    if (removed.length > 0 || flags.length !== version - before) return null
    const ordered = flags.toSorted((a, b) => a.version - b.version)
    if (ordered.some((flag, index) => flag.version !== before + 1 + index)) return null
    return ordered.map(flag => ({ kind: 'flag', version: flag.version, flag: this.#serve(flag) }))
  }

  #recompile(changes: readonly ServedChange[] | null): void {
    if (changes === null) this.#flags = null
    for (const change of changes ?? []) {
      if (change.kind === 'flag') this.#flags?.put(change.flag)
      if (change.kind === 'removed') this.#flags?.delete(change.key)
    }
  }

  #forget(): void {
    this.#definitions = null
    this.#flags = null
    this.#etag = null
  }

  #tell(changes: readonly ServedChange[]): void {
    for (const change of changes) for (const listener of this.#listeners) listener(change)
  }

  #serve(flag: StoredFlag): FlagDefinition {
    const isWithheld = this.#withheld.get(flag.key) === flag.version
    return isWithheld ? { ...flag.definition, killed: true } : servedFlag(flag, this.#stops)
  }

  /** Keys whose flags are stopped although they are not stored so: all that a stop can change. */
  #stoppedKeys(): readonly string[] {
    return this.definitions()
      .filter(({ key, killed }) => killed && this.#stored.get(key)?.definition.killed === false)
      .map(({ key }) => key)
      .toSorted()
  }
}

const tagOf = (version: number, stopped: readonly string[]): string =>
  stopped.length === 0 ? `"${version}"` : `"${version}-${digestOf(stopped.join('\n'))}"`
