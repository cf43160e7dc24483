/**
 * All environments that somebody follows here.
 *
 *  1. An environment is read by whoever asks first and stays: environments are few. Of those that have nothing and that
 *     nobody follows only so many stay, as whoever may act everywhere can invent names.
 *  2. Hints say "look again"; whoever writes here also calls `refresh`, so a local change does not wait for its hint.
 */
import type { FlagStore, Scope } from '@dankai/store'
import type { Audience } from '../http/caller.ts'
import type { Logger } from '../http/log.ts'
import { ServedEnvironment } from './served-environment.ts'
import { type Stop, stopsFlag, stopsIn } from './served-flags.ts'
import type { ServedView } from './served-view.ts'

/** More than anybody has, made and not used yet. */
const keptMax = 1_000

export class Environments {
  readonly #store: Pick<FlagStore, 'readSince' | 'subscribe'>
  readonly #log: Logger
  readonly #environments = new Map<string, ServedEnvironment>()
  readonly #unsubscribe: () => void
  #stops: readonly Stop[] = []
  #forgetting: NodeJS.Immediate | null = null
  #isClosed = false

  constructor(store: Pick<FlagStore, 'readSince' | 'subscribe'>, log: Logger) {
    this.#store = store
    this.#log = log
    this.#unsubscribe = store.subscribe(hint => {
      if (hint.kind === 'flags') void this.#refreshKnown(this.known(hint))
      else for (const environment of this.#environments.values()) void this.#refreshKnown(environment)
    })
  }

  /** Read at least once. */
  async of(scope: Scope): Promise<ServedEnvironment> {
    const environment = this.known(scope) ?? this.#open(scope)
    if (!environment.isRead) await environment.refresh()
    return environment
  }

  /** What an audience may read of an environment, read at least once. */
  async viewFor(audience: Audience, scope: Scope): Promise<ServedView> {
    return (await this.of(scope)).viewFor(audience)
  }

  /** One that somebody followed before. */
  known(scope: Scope): ServedEnvironment | undefined {
    return this.#environments.get(keyOf(scope))
  }

  /** After a flag was written here. */
  async refresh(scope: Scope): Promise<void> {
    await (await this.of(scope)).refresh()
  }

  setStops(stops: readonly Stop[]): void {
    this.#stops = stops
    for (const environment of this.#environments.values()) environment.setStops(stopsIn(stops, environment.scope))
  }

  /** Serves a release's own flag to nobody until it is written again; true when that changed something. */
  withhold(scope: Scope, key: string, releaseId: string): boolean {
    return this.known(scope)?.withhold(key, releaseId) ?? false
  }

  /** Whether an emergency stop covers the flag of a release. */
  isStopped(scope: Scope, flag: { readonly key: string; readonly releaseId: string }): boolean {
    const stored = this.known(scope)?.stored(flag.key)
    if (stored === undefined) return false
    return stopsIn(this.#stops, scope).some(stop => stopsFlag(stop, { ...stored, heldBy: flag.releaseId }))
  }

  close(): void {
    this.#isClosed = true
    if (this.#forgetting !== null) clearImmediate(this.#forgetting)
    this.#unsubscribe()
  }

  #open(scope: Scope): ServedEnvironment {
    const { project, environment } = scope
    const opened = new ServedEnvironment({ project, environment }, this.#store, stopsIn(this.#stops, scope))
    this.#environments.set(keyOf(scope), opened)
    if (this.#environments.size > keptMax) this.#forgetSoon()
    return opened
  }

  /** Not at once: whoever was just given one may be about to follow it. */
  #forgetSoon(): void {
    if (this.#isClosed) return
    this.#forgetting ??= setImmediate(() => {
      this.#forgetting = null
      this.#forgetUnused()
    })
  }

  /** The oldest first. */
  #forgetUnused(): void {
    for (const [key, environment] of this.#environments) {
      if (this.#environments.size <= keptMax) return
      if (environment.isUnused) this.#environments.delete(key)
    }
  }

  async #refreshKnown(environment: ServedEnvironment | undefined): Promise<void> {
    if (environment === undefined || this.#isClosed) return
    try {
      await environment.refresh()
    } catch (error) {
      if (!this.#isClosed) this.#log.warn({ err: error }, 'cannot read changed flags')
    }
  }
}

const keyOf = ({ project, environment }: Scope): string => `${project}\n${environment}`
