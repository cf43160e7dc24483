import { z } from 'zod'

const groupSchema = z.object({
  variant: z.string(),
  users: z.int().describe('Never given another variant; each counts once.'),
  converted: z.int().describe('Did it at least once.'),
  rate: z.number().nullable(),
  mean: z.number().nullable().describe("Of the users' sums."),
})

const intervalSchema = z
  .object({
    estimate: z.number(),
    low: z.number(),
    high: z.number(),
    verdict: z.enum(['higher', 'lower', 'undecided']),
  })
  .nullable()
  .describe('Null as long as there are too few users. May be looked at any time.')

export const experimentSchema = z
  .object({
    flag: z.string(),
    kind: z.enum(['release', 'ops', 'experiment', 'permission']),
    running: z.boolean(),
    startedAt: z.number().nullable().describe('First exposure.'),
    endedAt: z.number().nullable(),
    control: z.string(),
    alpha: z.number().describe('How often at most an interval ever misses, over all variants of an event.'),
    variants: z.array(
      z.object({
        variant: z.string(),
        share: z.number().nullable().describe('Of the users it should get; null: not known.'),
        users: z.int(),
        switched: z.int().describe('Were given another variant too; left out.'),
      }),
    ),
    sharesChangedAt: z
      .number()
      .nullable()
      .describe('The shares of the split were last changed then, after the first user; null: never.'),
    sampleRatio: z.object({
      state: z.enum(['even', 'uneven', 'unknown']),
      logEvidence: z.number().nullable().describe('Natural logarithm of the e-value; null: no number is large enough.'),
      logThreshold: z.number().nullable(),
      message: z.string(),
    }),
    outcomes: z.array(
      z.object({
        event: z.string(),
        variants: z.array(
          groupSchema.extend({
            rateDifference: intervalSchema,
            meanDifference: intervalSchema,
          }),
        ),
      }),
    ),
    more: z.boolean().describe('There are more events; name the one you mean.'),
    notes: z.array(z.string()).describe('What keeps the results from being read as they stand.'),
  })
  .meta({ id: 'Experiment' })
