/**
 * The flags of one environment as clients follow them.
 *
 *  1. The version a client hears only rises. Every version is heard as one change, or is covered by a full set.
 *  2. A change is encoded once, whatever the number of clients.
 *  3. A client that resumes from a version in the ring hears exactly what it missed; any other hears the full set.
 *  4. A stop changes what is served without a new version of the flags: clients hear the full set again.
 *  5. A flag that is withheld serves nobody until it is written again, by whomever.
 */
import type { FlagDefinition } from '@dankai/flags'
import type { FlagStore, Scope, StoredFlag } from '@dankai/store'
import { eventFrame } from './event-frame.ts'
import { type Stop, servedFlag } from './served-flags.ts'
import type { StreamClient } from './stream-client.ts'

/** A client that was away for a thousand changes is served faster by the full set. */
const ringMax = 1_000

interface Change {
  readonly version: number
  readonly frame: Buffer
}

export class FlagFeed {
  readonly scope: Scope
  readonly clients = new Set<StreamClient>()
  readonly #store: Pick<FlagStore, 'readSince'>
  readonly #flags = new Map<string, StoredFlag>()
  #version = -1
  #stops: readonly Stop[] = []
  /** The version at which each flag was withheld. */
  readonly #withheld = new Map<string, number>()
  #ring: Change[] = []
  #fullSet: Buffer | null = null
  #reading: Promise<void> | null = null
  #readAgain = false

  constructor(scope: Scope, store: Pick<FlagStore, 'readSince'>, stops: readonly Stop[]) {
    this.scope = scope
    this.#store = store
    this.#stops = stops
  }

  get version(): number {
    return Math.max(0, this.#version)
  }

  get loaded(): boolean {
    return this.#version >= 0
  }

  flag(key: string): StoredFlag | undefined {
    return this.#flags.get(key)
  }

  /** Reads what is new and tells the clients. Calls that come together are one reading. */
  refresh(): Promise<void> {
    this.#readAgain = true
    this.#reading ??= this.#readUntilQuiet().finally(() => {
      this.#reading = null
    })
    return this.#reading
  }

  setStops(stops: readonly Stop[]): void {
    const before = this.#servedText()
    this.#stops = stops
    if (!this.loaded || before === this.#servedText()) return
    this.#startAfresh()
  }

  /** For a release that must lower a flag of its own and cannot write it now. */
  withhold(key: string, releaseId: string): boolean {
    const flag = this.#flags.get(key)
    if (flag === undefined || flag.heldBy !== releaseId || this.#withheld.get(key) === flag.version) return false
    this.#withheld.set(key, flag.version)
    this.#startAfresh()
    return true
  }

  /** What a client must hear first. */
  framesAfter(version: number | null): readonly Buffer[] {
    const missed = version === null ? null : this.#missedSince(version)
    return missed ?? [this.#encodeFullSet()]
  }

  publish(frame: Buffer): void {
    for (const client of this.clients) client.write(frame)
  }

  async #readUntilQuiet(): Promise<void> {
    while (this.#readAgain) {
      this.#readAgain = false
      const { version, flags, removed } = await this.#store.readSince(this.scope, Math.max(0, this.#version))
      if (version > this.#version || !this.loaded) this.#take(version, flags, removed)
    }
  }

  #take(version: number, flags: readonly StoredFlag[], removed: readonly string[]): void {
    const before = this.#version
    for (const flag of flags) this.#flags.set(flag.key, flag)
    for (const key of removed) this.#flags.delete(key)
    this.#version = version
    this.#fullSet = null
    const changes = before < 0 ? null : this.#changesOf(before, version, flags, removed)
    if (changes === null) this.#startAfresh()
    else for (const change of changes) this.#tell(change)
  }

  /** One change for each version in between; null when some version is not known alone. */
  #changesOf(
    before: number,
    version: number,
    flags: readonly StoredFlag[],
    removed: readonly string[],
  ): Change[] | null {
    const single = flags.length === 0 && removed.length === 1 && version === before + 1
    if (single) return [this.#encodeChange(version, { deleted: removed[0] })]
    if (removed.length > 0 || flags.length !== version - before) return null
    const ordered = flags.toSorted((a, b) => a.version - b.version)
    if (ordered.some((flag, index) => flag.version !== before + 1 + index)) return null
    return ordered.map(flag => this.#encodeChange(flag.version, { flag: this.#serve(flag) }))
  }

  #encodeChange(version: number, change: object): Change {
    return { version, frame: eventFrame({ name: 'change', id: version, data: JSON.stringify({ version, ...change }) }) }
  }

  #tell(change: Change): void {
    this.#ring.push(change)
    if (this.#ring.length > ringMax) this.#ring.shift()
    this.publish(change.frame)
  }

  #startAfresh(): void {
    this.#ring = []
    this.#fullSet = null
    if (this.clients.size > 0) this.publish(this.#encodeFullSet())
  }

  #missedSince(version: number): readonly Buffer[] | null {
    const first = this.#ring[0]
    if (first === undefined || version < first.version - 1 || version > this.#version) return null
    return this.#ring.slice(version - first.version + 1).map(({ frame }) => frame)
  }

  #encodeFullSet(): Buffer {
    this.#fullSet ??= eventFrame({
      name: 'flags',
      id: this.version,
      data: JSON.stringify({ version: this.version, flags: this.#served() }),
    })
    return this.#fullSet
  }

  #served() {
    return [...this.#flags.values()].map(flag => this.#serve(flag))
  }

  #serve(flag: StoredFlag): FlagDefinition {
    const isWithheld = this.#withheld.get(flag.key) === flag.version
    return isWithheld ? { ...flag.definition, killed: true } : servedFlag(flag, this.#stops)
  }

  /** Which flags are stopped: all that a stop can change. */
  #servedText(): string {
    return this.#served()
      .filter(flag => flag.killed)
      .map(flag => flag.key)
      .join('\n')
  }
}
