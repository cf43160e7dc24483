import { z } from 'zod'
import { nameSchema, pageQuerySchema, pageSchema, scopeQuerySchema } from './page.ts'

const word = z.string().min(1).max(100)

export const startReleaseSchema = z
  .strictObject({
    plan: nameSchema,
    version: z.string().min(1).max(200).describe('What is released; placed where the plan says $version.'),
    strategy: word.nullable().default(null),
    releaseType: word.nullable().default(null).describe('Chooses a strategy by `types`, and is a label.'),
    labels: z.array(word).max(50).default([]),
    exemption: z.string().min(1).max(2_000).nullable().default(null).describe('Reason for passing a calendar block.'),
  })
  .meta({ id: 'StartRelease' })
export type StartRelease = z.infer<typeof startReleaseSchema>
export type StartReleaseInput = z.input<typeof startReleaseSchema>

export const exposureSchema = z
  .object({
    share: z.number().min(0).max(1),
    cohorts: z.array(
      z.object({
        segment: z.string(),
        share: z.number(),
        mix: z.record(z.string(), z.record(z.string(), z.number())).nullable(),
      }),
    ),
    shadow: z.boolean(),
  })
  .meta({ id: 'Exposure' })

/** Data with a `kind`, rendered in words at the edge; see core's WaitingOn and Reason. */
const kindSchema = z.looseObject({ kind: z.string() })

export const releaseStatusSchema = z
  .looseObject({
    stage: z.enum(['starting', 'running', 'rollingBack', 'rolledBack', 'contained', 'completed']),
    phase: z.object({ index: z.int(), name: z.string(), count: z.int() }).nullable(),
    desired: exposureSchema,
    exposure: z.number().describe('Upper bound of what is observed and in flight, 0 to 1.'),
    waitingOn: z.array(kindSchema),
    reasons: z.array(kindSchema),
    next: z.object({ what: z.string(), at: z.number(), phase: z.string().nullable() }).nullable(),
    criteria: z.array(
      z.looseObject({ criterion: z.string(), text: z.string(), met: z.enum(['yes', 'no', 'unknown']) }),
    ),
  })
  .meta({ id: 'ReleaseStatus' })

export const releaseSummarySchema = z
  .object({
    id: z.string(),
    project: z.string(),
    environment: z.string(),
    plan: z.string(),
    title: z.string().nullable(),
    version: z.string(),
    live: z.boolean(),
    seq: z.int().describe('Sequence number of the newest event; give it back as `expected.seq`.'),
    startedAt: z.number(),
    endedAt: z.number().nullable(),
    status: releaseStatusSchema,
  })
  .meta({ id: 'ReleaseSummary' })
export type ReleaseSummary = z.infer<typeof releaseSummarySchema>

export const phaseViewSchema = z.object({
  index: z.int(),
  name: z.string(),
  title: z.string().nullable(),
  expose: z.string(),
  share: z.number(),
  holdMs: z.number().nullable(),
})

export const releaseDetailSchema = z
  .object({
    ...releaseSummarySchema.shape,
    strategy: z.string().nullable(),
    labels: z.array(z.string()),
    startedBy: z.string(),
    revision: z.int(),
    planDigest: z.string(),
    phases: z.array(phaseViewSchema),
    paused: z.object({ by: z.string(), since: z.number() }).nullable(),
    hands: z.array(
      z.object({
        hand: z.string(),
        role: z.string(),
        desired: z.number(),
        share: z.number().nullable(),
        reached: z.boolean(),
        problem: z.string().nullable(),
        readAt: z.number().nullable(),
      }),
    ),
  })
  .meta({ id: 'Release' })
export type ReleaseDetail = z.infer<typeof releaseDetailSchema>

export const releaseListQuerySchema = z.object({
  ...pageQuerySchema.shape,
  ...scopeQuerySchema.shape,
  plan: z.string().max(100).optional(),
  live: z.enum(['true', 'false']).optional().describe('Only live (true) or only ended (false) releases.'),
})
export const releaseListSchema = pageSchema(releaseSummarySchema, 'ReleaseList')

export const releaseEventSchema = z
  .object({ seq: z.int(), at: z.number(), body: z.looseObject({ type: z.string() }) })
  .meta({ id: 'ReleaseEvent' })
export type ReleaseEvent = z.infer<typeof releaseEventSchema>

export const eventListQuerySchema = z.object({
  since: z.coerce.number().int().min(0).default(0).describe('Only events with a greater sequence number.'),
  limit: z.coerce.number().int().min(1).max(1_000).default(200),
})
export const eventListSchema = z
  .object({ items: z.array(releaseEventSchema), next: z.int().nullable().describe('`since` of the next page.') })
  .meta({ id: 'ReleaseEventList' })

export const amendReleaseSchema = z
  .strictObject({
    why: z.string().min(1).max(2_000),
    expected: z.strictObject({ seq: z.int().nonnegative() }).nullable().default(null),
  })
  .describe('Pins the newest applied version of the plan to the running release.')
  .meta({ id: 'AmendRelease' })
