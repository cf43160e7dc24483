import { z } from 'zod'

/** What an SDK says of users: which variant they were given, and what they did. */
export const exposureLimits = {
  /** An SDK sends every few seconds; one of a busy service has some hundred new users in that time. */
  perPostMax: 1_000,
  /** As long as the evaluator takes a targeting key. */
  userLengthMax: 2_048,
  /**
   * Sums and squares of what users did stay numbers: one value near the largest there is would make the results of its
   * experiment unreadable, and the batches written with it fail. Whole numbers up to here are exact.
   */
  valueMax: 1e15,
} as const

const user = z.string().min(1).max(exposureLimits.userLengthMax).describe('Targeting key. Only a digest of it is kept.')
const at = z.number().nonnegative().describe('Epoch milliseconds by the sender’s clock.')

export const exposureWireSchema = z
  .object({ flag: z.string().min(1).max(256), variant: z.string().min(1).max(256), user, at })
  .meta({ id: 'FlagExposureEvent' })
export type ExposureWire = z.infer<typeof exposureWireSchema>

export const outcomeWireSchema = z
  .object({
    event: z
      .string()
      .min(1)
      .max(200)
      .regex(/^\P{Cc}+$/u, 'no control characters'),
    user,
    at,
    value: z.number().min(-exposureLimits.valueMax).max(exposureLimits.valueMax).default(1),
  })
  .meta({ id: 'OutcomeEvent' })
export type OutcomeWire = z.infer<typeof outcomeWireSchema>

/** The head of a batch; every entry is judged on its own, so that one bad entry does not lose the others. */
export const exposureBatchSchema = z
  .object({
    sdk: z.uuid(),
    batch: z
      .int()
      .nonnegative()
      .describe(
        'Rises with each batch of one SDK, sent in order; a number that is not higher than the last counts once.',
      ),
    sentAt: z
      .number()
      .describe('Epoch milliseconds by the sender’s clock; the difference at receipt shifts the times.'),
    exposures: z.array(z.unknown()).max(exposureLimits.perPostMax).default([]),
    outcomes: z.array(z.unknown()).max(exposureLimits.perPostMax).default([]),
  })
  .meta({ id: 'ExposureBatch' })

export const refusedExposureSchema = z.object({
  list: z.enum(['exposures', 'outcomes']),
  index: z.int(),
  code: z.enum(['invalid', 'late', 'unknown-flag', 'unknown-variant']),
  message: z.string(),
})
export type RefusedExposure = z.infer<typeof refusedExposureSchema>

export const exposureReceiptSchema = z
  .object({ accepted: z.int(), refused: z.array(refusedExposureSchema) })
  .meta({ id: 'ExposureReceipt' })
