/**
 * The hand that is a Dankai flag: exposure is written into the flag's definition, and read back as what SDKs say they
 * serve.
 *
 *  1. Writing is guarded by the generation in the store: an older one never wins, so a late retry never raises.
 *  2. Reached means: the flag stands as desired, and every known SDK has acknowledged that version. Without any known
 *     SDK nobody evaluates the flag, and stored is reached. One whose stream has ended is waited for when exposure is
 *     lowered, because it may be cut off and still serve the change; a raise does not wait for it.
 *  3. While some SDK is silent the share reported is the larger of before and desired: somebody may still be served the
 *     old one.
 *  4. A flag stopped by an emergency serves nobody, whatever its exposure says.
 */
import { isDeepStrictEqual } from 'node:util'
import type { HandMover, HandTarget } from '@dankai/engine'
import { defineFlag, type FlagExposure } from '@dankai/flags'
import type { FlagReadings, Flags, KeptFlag, SilentSdk } from '../../flags/flag-port.ts'
import { flagExposureOf, flagKeyOf, flagSegmentsOf, reachOf } from './flag-exposure.ts'

/** SDKs apply a change within milliseconds and acknowledge at once; a second lets a busy one catch up. */
const settleMs = 1_000
/** Nobody moves a flag behind Dankai's back; an SDK that comes without it is seen in time for people. */
const observeEveryMs = 60_000
const silentNamedMax = 5

type Reading = Awaited<ReturnType<HandMover['read']>>

export function createFlagHand(flags: Flags, readings: FlagReadings): HandMover {
  /** Share last seen reached, by release and hand; lost at a restart, when desired is the best that is known. */
  const reachedShares = new Map<string, number>()
  return {
    kind: 'flag',
    settleMs,
    observeEveryMs,
    async apply(target) {
      await writeExposure(flags, target)
    },
    async read(target) {
      const key = flagKeyOf(target.hand)
      const flag = await flags.get(target, key)
      if (flag === null) return missing(key)
      const wanted = flagExposureOf(target.hand, target.desired)
      const slot = `${target.releaseId} ${target.hand.id}`
      const reading = await readFlag(flag, wanted, target, readings, reachedShares.get(slot))
      if (reading.reached) remember(reachedShares, slot, reading.share ?? 0)
      return reading
    },
  }
}

async function writeExposure(flags: Flags, target: HandTarget): Promise<void> {
  const { project, environment, releaseId, generation, hand, desired, plan } = target
  const key = flagKeyOf(hand)
  const exposure = flagExposureOf(hand, desired)
  const write = { project, environment, key, releaseId, generation, exposure, segments: flagSegmentsOf(exposure, plan) }
  let result = await flags.setExposure(write)
  if (!result.ok && result.code === 'unknown flag') {
    // A plan may name a flag that nobody has made yet: it begins with exposing nobody.
    const by = `release ${releaseId}`
    await flags.put({ project, environment, definition: defineFlag({ key }), expectedVersion: 0, by, why: null })
    result = await flags.setExposure(write)
  }
  // A stale generation is no failure: somebody wrote a newer one.
  if (!result.ok && result.code !== 'stale')
    throw new Error(`Cannot move flag "${key}": found it ${result.code}, expected it held by release ${releaseId}`)
}

async function readFlag(
  flag: KeptFlag,
  wanted: FlagExposure,
  target: HandTarget,
  readings: FlagReadings,
  before: number | undefined,
): Promise<Reading> {
  const { definition } = flag
  const { key } = definition
  const isStopped = definition.killed || readings.isStopped(target, { key, releaseId: target.releaseId })
  const stored = isStopped || !definition.on ? 0 : reachOf(definition.exposure)
  if (!isDeepStrictEqual(definition.exposure, wanted))
    return { share: stored, reached: false, floor: 0, problem: `flag "${key}" stands at ${stored}` }
  if (stored < reachOf(wanted))
    return { share: 0, reached: false, floor: 0, problem: `flag "${key}" is ${isStopped ? 'stopped' : 'switched off'}` }
  const { known, acknowledged, silent } = await readings.reach(target, flag.version)
  const isRaise = stored > (before ?? 0)
  const awaited = isRaise ? silent.filter(({ connected }) => connected) : silent
  if (acknowledged >= known || awaited.length === 0) return { share: stored, reached: true, floor: 0, problem: null }
  const problem = `${known - acknowledged} of ${known} SDKs have not acknowledged version ${flag.version}: ${namesOf(awaited)}`
  return { share: Math.max(stored, before ?? 0), reached: false, floor: 0, problem }
}

function namesOf(silent: readonly SilentSdk[]): string {
  const names = silent.slice(0, silentNamedMax).map(({ name, sdk }) => `${name} (${sdk.slice(0, 8)})`)
  return names.join(', ') + (silent.length > silentNamedMax ? ' …' : '')
}

const missing = (key: string): Reading => ({
  share: 0,
  reached: false,
  floor: 0,
  problem: `found no flag "${key}", expected it; it is made when it is moved`,
})

/** Live releases are thousands at most; ended ones fall out in the order they were remembered. */
function remember(shares: Map<string, number>, slot: string, share: number): void {
  shares.delete(slot)
  shares.set(slot, share)
  if (shares.size > 10_000) shares.delete(shares.keys().next().value ?? '')
}
