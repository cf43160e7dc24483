import { retention } from '../retention.ts'
import type { Store } from '../server-ports.ts'
import type { MemoryExposures } from './memory-exposures.ts'
import type { MemoryFlagChanges } from './memory-flag-changes.ts'
import type { MemoryFlagUsage } from './memory-flag-usage.ts'
import type { MemoryFlags } from './memory-flags.ts'
import type { MemoryRelease, MemoryState } from './memory-state.ts'

export async function pruneMemory(
  state: MemoryState,
  flags: MemoryFlags,
  changes: MemoryFlagChanges,
  usage: MemoryFlagUsage,
  { samples, sdks, exposures }: Pick<Store, 'samples' | 'sdks'> & { readonly exposures: MemoryExposures },
): Promise<void> {
  await samples.prune()
  await sdks.forget(retention.sdksMs)
  await exposures.prune()
  const now = await state.now()
  flags.forgetVersions(now - retention.flagVersionsMs)
  usage.forget(now - retention.flagVersionsMs)
  changes.forgetEnded(now - retention.flagVersionsMs)
  for (const release of [...state.releases.values()]) {
    if (isOverSince(release, now - retention.commandsMs)) forgetCommands(state, release)
    if (isOverSince(release, now - retention.releasesMs)) state.releases.delete(release.id)
  }
}

function isOverSince(release: MemoryRelease, before: number): boolean {
  return release.endedAt !== null && release.endedAt < before && release.wakeAt === null
}

function forgetCommands(state: MemoryState, release: MemoryRelease): void {
  for (const command of [...release.commands.values()]) {
    if (command.endedAt === null || !command.isFolded) continue
    release.commands.delete(command.command.slot)
    state.commandsById.delete(command.id)
  }
}
