/**
 * What clients say they evaluated, whatever their protocol: who of the flags is still asked for, and with which answers.
 *
 *  1. It is kept in memory: a start begins anew, and each instance knows what was told to it.
 *  2. What is kept is bounded: the flags that nobody told of for longest are forgotten first.
 *  3. A moment never goes back, however late something is told.
 */
import type { Scope } from '@dankai/store'

export interface FlagEvaluations {
  /** `variant` is null when the client does not say which, or served its own default; `who` is a service or protocol. */
  record(scope: Scope, flag: string, variant: string | null, count: number, at: number, who?: string): void
  /** Null when nobody told of the flag. */
  read(scope: Scope, flag: string): FlagUsage | null
  /** Since when is counted. */
  readonly since: number
}

export interface FlagUsage {
  readonly lastSeenAt: number
  readonly count: number
  readonly variants: ReadonlyMap<string | null, { readonly count: number; readonly lastSeenAt: number }>
}

/** Ten environments of thousands of flags each. */
const flagsMax = 50_000
/** As many as a flag can have, and the one nobody names. */
const variantsMax = 101

interface Counted {
  count: number
  lastSeenAt: number
}

interface CountedFlag extends Counted {
  readonly variants: Map<string | null, Counted>
}

export function createFlagEvaluations(since: number): FlagEvaluations {
  const flags = new Map<string, CountedFlag>()
  return {
    since,
    record(scope, flag, variant, count, at) {
      if (!Number.isSafeInteger(count) || count < 1 || !Number.isFinite(at)) return
      const slot = slotOf(scope, flag)
      const counted = flags.get(slot) ?? { count: 0, lastSeenAt: at, variants: new Map() }
      flags.delete(slot)
      flags.set(slot, counted)
      add(counted, count, at)
      const ofVariant = counted.variants.get(variant) ?? { count: 0, lastSeenAt: at }
      add(ofVariant, count, at)
      if (counted.variants.has(variant) || counted.variants.size < variantsMax) counted.variants.set(variant, ofVariant)
      if (flags.size > flagsMax) flags.delete(flags.keys().next().value ?? '')
    },
    read: (scope, flag) => flags.get(slotOf(scope, flag)) ?? null,
  }
}

function add(counted: Counted, count: number, at: number): void {
  counted.count += count
  counted.lastSeenAt = Math.max(counted.lastSeenAt, at)
}

const slotOf = ({ project, environment }: Scope, flag: string): string => `${project}\n${environment}\n${flag}`
