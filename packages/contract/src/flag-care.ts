import { z } from 'zod'

const moment = z.number().nullable()
const line = z.string().min(1).max(200).nullable()

export const flagStages = [
  'development',
  'internalTesting',
  'beta',
  'gradualRollout',
  'generalAvailability',
  'cleanup',
] as const

/** What people know of a flag and clients do not need. Moments are epoch milliseconds. */
export const flagCareSchema = z
  .object({
    title: line,
    description: z.string().min(1).max(2_000).nullable(),
    owner: line,
    service: line.describe('Whose next release an overdue flag may block, when the policy says so.'),
    stage: z.enum(flagStages).nullable().describe('Null: the flag does not follow the stages.'),
    stageStep: z.int().min(0).max(20).describe('Which share of a stage that has several, from 0.'),
    stageSince: moment,
    gaAt: moment.describe('When the feature became generally available.'),
    experimentEndedAt: moment,
    reviewedAt: moment,
    createdAt: moment,
    removeAfterMs: z.number().min(0).nullable().describe('In place of what its kind is kept for, from its making.'),
    client: z
      .boolean()
      .describe('Meant for browsers and apps too: keys of kind sdk-client read it, and the flags it asks for.'),
  })
  .meta({ id: 'FlagCare' })

const momentOrNow = z.union([moment, z.literal('now')]).describe('"now": when the server hears it.')

/** What is left out stays as it is. Stages are set by POST /v1/flags/{key}/stage. */
export const setFlagCareSchema = flagCareSchema
  .pick({
    title: true,
    description: true,
    owner: true,
    service: true,
    experimentEndedAt: true,
    reviewedAt: true,
    removeAfterMs: true,
    client: true,
  })
  .extend({ experimentEndedAt: momentOrNow, reviewedAt: momentOrNow })
  .partial()
  .strict()
  .meta({ id: 'SetFlagCare' })

export const retentionSchema = z
  .object({
    state: z.enum(['kept', 'due', 'overdue']),
    task: z.enum(['remove', 'review']).nullable(),
    until: moment.describe('When it is overdue; null while no clock runs.'),
    message: z.string(),
  })
  .meta({ id: 'FlagRetention' })

export const setStageSchema = z
  .strictObject({
    stage: z.enum(flagStages),
    step: z.int().min(0).max(20).default(0).describe('Which share of a stage that has several, from 0.'),
    environments: z
      .array(z.enum(['development', 'staging', 'production']))
      .min(1)
      .max(3)
      .optional()
      .describe('Default: all that the key may write.'),
    why: z.string().min(1).max(2_000).nullable().default(null),
  })
  .meta({ id: 'SetFlagStage' })

export const stageResultSchema = z
  .object({
    stage: z.enum(flagStages),
    task: z.string().nullable().describe('What people do in this stage.'),
    environments: z.array(
      z.object({
        environment: z.string(),
        result: z.enum(['changed', 'unchanged', 'held', 'conflict']),
        version: z.int().nullable(),
        detail: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'FlagStageResult' })
