import { type FlagDefinition, type Serve, weightTotal } from '@dankai/flags'
import { fields, splitFrom } from './change-parts.ts'
import { PatchProblem } from './patch-problem.ts'

export type Instruction = Readonly<Record<string, unknown>> & {
  readonly kind?: unknown
  readonly variationId?: unknown
}

export type Instructions = Record<string, (flag: FlagDefinition, instruction: Instruction) => FlagDefinition>

export function text(instruction: Instruction, name: string): string {
  const found = fields(instruction, 'an instruction')[name]
  if (typeof found === 'string' && found !== '') return found
  throw new PatchProblem(400, `found no "${name}" in instruction "${String(instruction.kind)}", expected a text`)
}

export function texts(instruction: Instruction, name: string): readonly string[] {
  const found = instruction[name]
  if (Array.isArray(found) && found.every(one => typeof one === 'string')) return found
  throw new PatchProblem(
    400,
    `found no "${name}" in instruction "${String(instruction.kind)}", expected a list of texts`,
  )
}

export function variantOf(flag: FlagDefinition, id: unknown): string {
  if (typeof id === 'string' && Object.hasOwn(flag.variants, id)) return id
  throw new PatchProblem(400, `there is no variation "${String(id)}" of flag "${flag.key}"; see _id of its variations`)
}

/** A variation, or weights by variation, dealt in the order of the variations. */
export function servedBy(flag: FlagDefinition, instruction: Instruction): Serve {
  const { variationId, rolloutWeights, rolloutBucketBy, rolloutContextKind } = instruction
  if (rolloutWeights === undefined) return { variant: variantOf(flag, variationId) }
  if (instruction['experimentAllocation'] !== undefined)
    throw new PatchProblem(422, 'experiments are not allocated by patches here')
  const weights = fields(rolloutWeights, 'rolloutWeights')
  for (const id of Object.keys(weights)) variantOf(flag, id)
  const split = Object.keys(flag.variants).flatMap(variant => {
    const weight = weights[variant] ?? 0
    if (!Number.isSafeInteger(weight) || (weight as number) < 0 || (weight as number) > weightTotal)
      throw new PatchProblem(
        400,
        `found weight ${String(weight)} of "${variant}", expected a whole number from 0 to ${weightTotal}`,
      )
    return weight === 0 ? [] : [{ variant, weight: weight as number }]
  })
  return splitFrom(split, { bucketBy: rolloutBucketBy, contextKind: rolloutContextKind })
}
