/**
 * Our definitions as flags of flagd, whose in-process clients evaluate them by themselves.
 *
 * 1. A flag is given only if flagd-core serves the same users the same variants for every context of single values;
 *    any other flag is refused, with the reason.
 * 2. Steps become one chain of `if`; whoever it leaves has the default variant, which is our off variant.
 * 3. A flag that is off or stopped is written as ENABLED without targeting: a DISABLED one would be served the default of
 *    the code that asks, which may be "on".
 */
import type { FlagDefinition, JsonValue, Serve, Split } from '@dankai/flags'
import { type FlagStep, stepsOf } from '../flag-steps.ts'
import { type ExportResult, followedFlag } from '../followed-flag.ts'
import type { FlagdFlag } from './flagd-format.ts'
import { absentLogic, andLogic, attributeLogic, logicOf, NotFollowed, presentLogic } from './flagd-logic.ts'

export function exportFlagd(given: FlagDefinition): ExportResult<FlagdFlag> {
  const followed = followedFlag(given, 'flagd')
  if (!followed.ok) return followed
  const flag = followed.value
  try {
    checkHead(flag)
    const isConstant = flag.killed || !flag.on
    const targeting = isConstant ? null : targetingOf(flag)
    const head = { state: 'ENABLED', variants: flag.variants, defaultVariant: flag.offVariant } as const
    const metadata = { kind: flag.kind, version: flag.version }
    return { ok: true, value: { ...head, ...(targeting === null ? {} : { targeting }), metadata } }
  } catch (problem) {
    if (problem instanceof NotFollowed) return { ok: false, why: problem.message }
    throw problem
  }
}

function checkHead(flag: FlagDefinition): void {
  if (flag.prerequisites.length > 0 && flag.on && !flag.killed)
    throw new NotFollowed('it asks for other flags, which flagd cannot')
  const types = new Set(Object.values(flag.variants).map(typeOf))
  if (types.size > 1 || types.has('other'))
    throw new NotFollowed('its variants are not all booleans, all texts, all numbers or all objects')
  if (Object.hasOwn(flag.variants, '')) throw new NotFollowed('a variant without a name')
}

function typeOf(value: JsonValue): string {
  if (typeof value !== 'object') return typeof value
  return value === null || Array.isArray(value) ? 'other' : 'object'
}

/** Null when everybody has the off variant. */
function targetingOf(flag: FlagDefinition): JsonValue {
  const chain: JsonValue[] = []
  for (const step of stepsOf(flag)) {
    const [when, served] = clauseOf(flag, step)
    if (when === true) {
      if (chain.length === 0 && served === flag.offVariant) return null
      if (chain.length > 0) return { if: [...chain, served] }
      // Targeting has to be an object.
      return typeof served === 'string' ? { if: [true, served] } : served
    }
    chain.push(when, served)
  }
  return { if: [...chain, flag.offVariant] }
}

function clauseOf(flag: FlagDefinition, step: FlagStep): readonly [when: JsonValue, served: JsonValue] {
  const when = logicOf(step.when)
  if (step.kind === 'halt') return [andLogic(when, absentLogic('targetingKey')), flag.offVariant]
  const served = servedLogic(flag, step.serve)
  if (step.bucket === null) return [when, served]
  const { share, by, seed } = step.bucket
  const inside = Math.round(share * 100_000)
  const part = fractional(by, seed, [
    ['in', inside],
    ['out', 100_000 - inside],
  ])
  return [andLogic(when, presentLogic(by ?? 'targetingKey'), { '===': [part, 'in'] }), served]
}

function servedLogic(flag: FlagDefinition, serve: Serve): JsonValue {
  if ('variant' in serve) return serve.variant
  return { if: [presentLogic(serve.by ?? 'targetingKey'), splitLogic(flag, serve), flag.offVariant] }
}

function splitLogic(flag: FlagDefinition, { split, by, seed }: Split): JsonValue {
  return fractional(
    by,
    seed ?? flag.seed,
    split.map(({ variant, weight }) => [variant, weight]),
  )
}

function fractional(by: string | null, seed: string, buckets: readonly JsonValue[]): JsonValue {
  return { fractional: [{ cat: [seed, attributeLogic(by ?? 'targetingKey')] }, ...buckets] }
}
