import { z } from 'zod'

const id = z.string().min(1).max(300)
const why = z.string().min(1).max(2_000).nullable().default(null)

/** What the person saw when they decided; a stale one is answered with the present state. */
export const expectedSchema = z
  .strictObject({
    phase: z.string().max(100).nullable().default(null),
    seq: z.int().nonnegative().nullable().default(null),
  })
  .nullable()
  .default(null)

const common = { why, expected: expectedSchema }

export const actionRequestSchema = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('approve'),
      step: id.nullable().default(null),
      role: id.nullable().default(null),
      ...common,
    }),
    z.strictObject({
      type: z.literal('confirm'),
      step: id,
      evidence: z.string().max(4_000).nullable().default(null),
      ...common,
    }),
    z.strictObject({ type: z.literal('reject'), step: id, ...common }),
    z.strictObject({ type: z.literal('report'), signal: id, ...common }),
    z.strictObject({ type: z.literal('withdraw'), signal: id, ...common }),
    z.strictObject({ type: z.literal('promote'), ...common }),
    z.strictObject({ type: z.literal('pause'), ...common }),
    z.strictObject({ type: z.literal('resume'), ...common }),
    z.strictObject({ type: z.literal('rollback'), runbook: id.nullable().default(null), ...common }),
    z.strictObject({ type: z.literal('abort'), ...common }),
    z.strictObject({
      type: z.literal('answer'),
      rule: id.nullable().default(null),
      answer: z.enum(['rollback', 'continue']),
      ...common,
    }),
    z.strictObject({ type: z.literal('cancel'), rule: id, ...common }),
    z.strictObject({ type: z.literal('retry'), step: id, ...common }),
    z.strictObject({ type: z.literal('skip'), step: id, ...common }),
    z.strictObject({ type: z.literal('startRunbook'), runbook: id, ...common }),
    z.strictObject({ type: z.literal('close'), ...common }),
  ])
  .meta({ id: 'ActionRequest' })
export type ActionRequest = z.infer<typeof actionRequestSchema>
export type ActionRequestInput = z.input<typeof actionRequestSchema>
