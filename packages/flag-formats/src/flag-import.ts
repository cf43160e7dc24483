import type { FlagDefinition } from '@dankai/flags'

/** What another system's export came to. Nothing is dropped silently. */
export interface FlagImport {
  readonly flags: readonly FlagDefinition[]
  readonly notCarried: readonly NotCarried[]
  /** Keys of the flags that browsers and apps read there; absent when the export does not say. */
  readonly forClients?: readonly string[]
}

export interface NotCarried {
  /** Key of the flag; empty for what belongs to none. */
  readonly flag: string
  /** Where it stood in the export: `rules[2].clauses[0]`. */
  readonly what: string
  readonly why: string
}
