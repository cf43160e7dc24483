import { checkFlag, completeFlag, type FlagDefinition } from '@dankai/flags'
import type { DueDecision, FlagChange, StoredFlag } from '@dankai/store'

/** A flag with some of its fields replaced; of the exposure with those given. */
export function patchFlag(flag: FlagDefinition, patch: Partial<FlagDefinition>): FlagDefinition {
  const complete = completeFlag(flag)
  const exposure = { ...complete.exposure, ...patch.exposure }
  return { ...complete, ...patch, exposure, key: flag.key, version: flag.version }
}

/** What becomes of a planned change now that its time has come. */
export function decideDueChange(change: FlagChange, flag: StoredFlag | null): DueDecision {
  if (flag === null) return { state: 'cancelled', detail: 'the flag was removed' }
  if (flag.version !== change.seenVersion && !change.anyway)
    return { state: 'cancelled', detail: `the flag changed to version ${flag.version}, seen was ${change.seenVersion}` }
  try {
    const definition = patchFlag(flag.definition, change.patch)
    const [problem] = checkFlag(definition)
    return problem === undefined ? { definition } : { state: 'failed', detail: problem.message }
  } catch (error) {
    // One change that cannot be judged must not stand before all that are due after it.
    return { state: 'failed', detail: `cannot be judged: ${error instanceof Error ? error.message : String(error)}` }
  }
}
