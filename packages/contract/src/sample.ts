import { z } from 'zod'

/** Shapes of the ingest path. Limits are generous for a service and small for one request. */
export const sampleLimits = {
  /** A service with 20 metrics × 10 label sets reports 200 series every second; ten times that fits in one POST. */
  samplesPerPostMax: 2_000,
  labelsMax: 20,
  labelLengthMax: 256,
  valuesMax: 4_096,
  /** A longer bucket cannot be divided among the samples of a metric. */
  bucketMsMax: 60_000,
} as const

const finite = z.number().finite()

export const sampleSchema = z
  .object({
    service: z.string().min(1).max(200),
    series: z.string().min(1).max(200),
    labels: z.record(z.string(), z.string().max(sampleLimits.labelLengthMax)),
    bucketStart: z.int().nonnegative().describe('Epoch milliseconds by the sender’s clock.'),
    bucketMs: z.int().min(1).max(sampleLimits.bucketMsMax),
    count: finite.nonnegative().optional(),
    sum: finite.optional(),
    values: z
      .array(z.tuple([finite, finite.nonnegative()]))
      .max(sampleLimits.valuesMax)
      .optional()
      .describe('[value, count] pairs, for quantiles.'),
    last: finite.optional(),
  })
  .meta({ id: 'Sample' })
export type SampleWire = z.infer<typeof sampleSchema>

/** The head of a batch; every sample is judged on its own, so that one bad sample does not lose the others. */
export const sampleBatchSchema = z
  .object({
    sdk: z.uuid(),
    batch: z.int().nonnegative().describe('Rises with each batch of one SDK; a batch sent twice counts once.'),
    sentAt: z
      .number()
      .describe('Epoch milliseconds by the sender’s clock; the difference at receipt shifts the samples.'),
    samples: z.array(z.unknown()).max(sampleLimits.samplesPerPostMax),
  })
  .meta({ id: 'SampleBatch' })

export const refusedSampleSchema = z.object({
  index: z.int(),
  code: z.enum(['invalid', 'label', 'future', 'late', 'empty', 'unknown-service']),
  message: z.string(),
})
export type RefusedSample = z.infer<typeof refusedSampleSchema>

export const sampleReceiptSchema = z
  .object({ accepted: z.int(), refused: z.array(refusedSampleSchema) })
  .meta({ id: 'SampleReceipt' })
export type SampleReceipt = z.infer<typeof sampleReceiptSchema>

export const acknowledgementSchema = z
  .object({
    sdk: z.uuid(),
    name: z.string().max(200),
    version: z.int().nonnegative(),
    appliedAt: z.number(),
  })
  .meta({ id: 'Acknowledgement' })
export type Acknowledgement = z.infer<typeof acknowledgementSchema>

export const goodbyeSchema = z.object({ sdk: z.uuid() }).meta({ id: 'Goodbye' })
