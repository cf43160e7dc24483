import { defineFlag, type FlagDefinition } from '@dankai/flags'
import { completeCare, type FlagCare, type Scope, type StoredFlag } from '@dankai/store'

/** The flags of one environment, read by version as from the store. */
export class WrittenFlags {
  version = 0
  readonly #scope: Scope
  readonly #changes: { readonly version: number; readonly key: string; readonly flag: StoredFlag | null }[] = []

  constructor(scope: Scope) {
    this.#scope = scope
  }

  /** null removes it; one that asks for itself is none. */
  write(key: string, definition: Partial<FlagDefinition> | null, care: Partial<FlagCare> | null = null): void {
    this.version++
    const { version } = this
    const about = { ...this.#scope, key, version, heldBy: null, generation: 0, changedAt: 0 }
    const flag =
      definition === null || definition.prerequisites?.some(one => one.flag === key)
        ? null
        : {
            ...about,
            definition: defineFlag({ ...definition, key, version }),
            care: completeCare(care),
            fullSince: null,
          }
    this.#changes.push({ version, key, flag })
  }

  readonly readSince = async (_: unknown, since: number) => {
    const newest = new Map(this.#changes.map(one => [one.key, one]))
    const changed = [...newest.values()].filter(({ version }) => version > since)
    return {
      version: this.version,
      flags: changed.flatMap(({ flag }) => flag ?? []),
      removed: changed.filter(({ flag }) => flag === null).map(({ key }) => key),
    }
  }

  subscribe(): () => void {
    return () => {}
  }
}
