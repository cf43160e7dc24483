import type { Store } from '../server-ports.ts'
import { createMemoryKeys, createMemoryPrincipals } from './memory-access.ts'
import { createMemoryCommands } from './memory-commands.ts'
import {
  createMemoryAudit,
  createMemoryConnections,
  createMemoryDocuments,
  createMemoryOverlays,
  createMemorySettings,
} from './memory-documents.ts'
import { createMemoryExposures } from './memory-exposures.ts'
import { createMemoryFlagChanges } from './memory-flag-changes.ts'
import { createMemoryFlagUsage } from './memory-flag-usage.ts'
import { createMemoryFlags } from './memory-flags.ts'
import { createMemoryHands } from './memory-hands.ts'
import { createMemoryHints } from './memory-hints.ts'
import { createMemoryInstances } from './memory-instances.ts'
import { createMemoryReleaseReader } from './memory-release-reader.ts'
import { createMemoryReleases } from './memory-releases.ts'
import { createMemorySamples } from './memory-samples.ts'
import { createMemorySdks } from './memory-sdks.ts'
import type { MemoryState } from './memory-state.ts'
import { pruneMemory } from './prune-memory.ts'

/**
 * The store without a database, for simulation: the same surface with the same conditions, on immutable data in memory.
 *
 * Several instances of a simulation share one store: `another` gives each its own process, with its own epochs.
 */
export interface MemoryStore extends Store {
  another(): MemoryStore
}

export function createMemoryStore(options: { readonly clock: { now(): number | Promise<number> } }): MemoryStore {
  const state: MemoryState = {
    now: () => options.clock.now(),
    hints: createMemoryHints(),
    releases: new Map(),
    live: new Set(),
    claims: new Map(),
    openCommands: new Set(),
    commandsById: new Map(),
    instances: new Map(),
    flags: new Map(),
    feed: [],
  }
  const flags = createMemoryFlags(state)
  const audit = createMemoryAudit(state)
  const flagChanges = createMemoryFlagChanges(state, flags, audit)
  const flagUsage = createMemoryFlagUsage()
  const principals = createMemoryPrincipals(state)
  const shared = {
    clock: { now: async () => state.now() },
    hands: createMemoryHands(state),
    reader: createMemoryReleaseReader(state),
    samples: createMemorySamples(state),
    flags,
    flagChanges,
    flagUsage,
    sdks: createMemorySdks(state),
    exposures: createMemoryExposures(state),
    principals,
    keys: createMemoryKeys(state, principals),
    documents: createMemoryDocuments(state),
    connections: createMemoryConnections(state),
    overlays: createMemoryOverlays(state, flags),
    audit,
    settings: createMemorySettings(),
    hints: state.hints,
    prune: () => pruneMemory(state, flags, flagChanges, flagUsage, shared),
    close: async () => {},
  }
  const another = (): MemoryStore => {
    const instances = createMemoryInstances(state)
    return {
      ...shared,
      another,
      instances: instances.port,
      releases: createMemoryReleases(state, instances),
      commands: createMemoryCommands(state, instances),
    }
  }
  return another()
}
