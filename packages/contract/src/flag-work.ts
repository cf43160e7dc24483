import { z } from 'zod'
import { flagConditionsSchema, flagKeySchema, flagSchema, plannedFlagSchema } from './flag.ts'
import { flagCareSchema, retentionSchema } from './flag-care.ts'
import { pageSchema } from './page.ts'

const why = z.string().min(1).max(2_000).nullable().default(null)

export const flagVersionSchema = z
  .object({
    version: z.int(),
    flag: flagSchema.nullable().describe('Null: the flag was removed.'),
    care: flagCareSchema.nullable(),
    by: z.string(),
    why: z.string().nullable(),
    at: z.number(),
    changes: z.array(z.string()).max(100).describe('What became different from the version before, a line each.'),
  })
  .meta({ id: 'FlagVersion' })
export const flagVersionListSchema = pageSchema(flagVersionSchema, 'FlagVersionList')

export const restoreFlagSchema = z
  .strictObject({
    version: z.int().min(1).describe('The version of the history to go back to.'),
    breakGlass: z.boolean().default(false),
    why,
  })
  .meta({ id: 'RestoreFlag' })

export const planFlagChangeSchema = z
  .strictObject({
    at: z.union([z.number(), z.iso.datetime({ offset: true })]).describe('Epoch milliseconds, or RFC 3339.'),
    flag: plannedFlagSchema.describe('Fields of the flag that get these values.'),
    anyway: z.boolean().default(false).describe('Also when somebody changed the flag meanwhile.'),
    why,
  })
  .meta({ id: 'PlanFlagChange' })

export const flagChangeSchema = z
  .object({
    id: z.string(),
    key: z.string(),
    at: z.number(),
    flag: z.record(z.string(), z.unknown()),
    seenVersion: z.int(),
    anyway: z.boolean(),
    by: z.string(),
    why: z.string().nullable(),
    madeAt: z.number(),
    state: z.enum(['planned', 'done', 'cancelled', 'failed']),
    endedAt: z.number().nullable(),
    detail: z.string().nullable(),
  })
  .meta({ id: 'FlagChange' })
export const flagChangeListSchema = pageSchema(flagChangeSchema, 'FlagChangeList')

const scalar = z.union([z.boolean(), z.number(), z.string().max(2_000)])

export const applyFlagSetSchema = z
  .strictObject({
    values: z.record(flagKeySchema, scalar).describe('true and false switch; a number or a text is served to all.'),
    universe: z
      .array(flagKeySchema)
      .max(1_000)
      .default([])
      .describe('Flags that the set replaces completely: one without a value is off. Others are not touched.'),
    breakGlass: z.boolean().default(false),
    why,
  })
  .meta({ id: 'ApplyFlagSet' })

export const flagSetResultSchema = z
  .object({
    changed: z.array(z.string()),
    unchanged: z.array(z.string()),
    refused: z.array(z.object({ key: z.string(), why: z.string() })),
  })
  .meta({ id: 'FlagSetResult' })

export const planFlagSetsSchema = z
  .object({
    plan: z.string(),
    universe: z.array(z.string()).describe('Every flag that some set of the plan names; each set replaces them all.'),
    sets: z.array(
      z.object({
        name: z.string(),
        values: z
          .record(z.string(), scalar)
          .describe('The text "exposure" stands for the percentage of the release; a flag without a value is off.'),
      }),
    ),
    problem: z.string().nullable().describe('Why the sets of the applied plan cannot be read.'),
  })
  .meta({ id: 'PlanFlagSets' })
export const planFlagSetsListSchema = pageSchema(planFlagSetsSchema, 'PlanFlagSetsList')

export const staleReasons = ['overdue', 'due', 'one variant', 'not evaluated'] as const

export const staleFlagSchema = z
  .object({
    key: z.string(),
    kind: z.enum(['release', 'ops', 'experiment', 'permission']),
    title: z.string().nullable(),
    owner: z.string().nullable(),
    service: z.string().nullable(),
    reasons: z.array(z.object({ reason: z.enum(staleReasons), message: z.string() })),
    retention: retentionSchema,
    task: z
      .object({ kind: z.enum(['remove', 'review']), text: z.string(), openedAt: z.number() })
      .nullable()
      .describe('The task that is open for people.'),
    lastEvaluatedAt: z.number().nullable(),
  })
  .meta({ id: 'StaleFlag' })
export const staleFlagListSchema = pageSchema(staleFlagSchema, 'StaleFlagList')

export const flagUsageSchema = z
  .object({
    since: z.number().nullable().describe('Since when evaluations are counted; null: none was reported yet.'),
    items: z.array(
      z.object({
        who: z.string().nullable().describe('The service or protocol; null: not known.'),
        variant: z.string().nullable(),
        count: z.number(),
        lastAt: z.number(),
      }),
    ),
  })
  .meta({ id: 'FlagUsage' })

export const flagClientsSchema = z
  .object({
    flag: z.string(),
    clients: z.array(
      z.object({
        client: z.enum(['launchdarkly', 'unleash', 'flagd']),
        isServed: z.boolean(),
        why: z.string().nullable().describe('Why its clients would choose other users.'),
        ownBuckets: z
          .boolean()
          .describe('They have it, and choose other users than the flag: otherBuckets permits it.'),
      }),
    ),
  })
  .meta({ id: 'FlagClients' })

export const servedClientsSchema = z
  .object({
    version: z.int().describe('What the environment serves now.'),
    known: z.int().describe('Server SDKs that were heard lately; exposure is read back from them.'),
    acknowledged: z.int().describe('Those of them that serve this version.'),
    refused: z
      .array(
        z.object({
          client: z.enum(['launchdarkly', 'unleash', 'flagd']),
          flags: z.array(z.object({ flag: z.string(), why: z.string() })).max(1_000),
          more: z.boolean(),
        }),
      )
      .describe('Flags that clients which evaluate by themselves are not given.'),
  })
  .meta({ id: 'ServedClients' })

export const sdkSchema = z
  .object({
    sdk: z.string(),
    name: z.string(),
    kind: z.enum(['server', 'client']),
    connected: z.boolean(),
    version: z.int().describe('The newest it said it serves.'),
    connectedAt: z.number(),
    seenAt: z.number(),
  })
  .meta({ id: 'Sdk' })
export const sdkListSchema = pageSchema(sdkSchema, 'SdkList')

const share = z.number().min(0).max(1)

/** Nobody who has a feature may lose it by the next step. */
const stageAudiencesSchema = z
  .strictObject({
    colleagues: flagConditionsSchema
      .default([{ attribute: 'email', operator: 'endsWith', values: ['@triptrip.com'], negated: false }])
      .describe('Who has a feature in staging from internalTesting on; none: everybody there.'),
    betaTesters: flagConditionsSchema
      .default([{ attribute: 'custom.betaTester', operator: 'is', values: [true], negated: false }])
      .describe('Of whom a part has it in production in beta; none: of everybody.'),
    betaShare: share.default(0.1),
    gradualShares: z.array(share).min(1).max(20).default([0.25, 0.5, 0.75, 1]).describe('The steps of gradualRollout.'),
  })
  .refine(
    ({ betaShare, gradualShares }) =>
      gradualShares.every((next, index) => next >= (gradualShares[index - 1] ?? betaShare)),
    { error: 'shares that never fall, from betaShare on', path: ['gradualShares'] },
  )
  .meta({ id: 'StageAudiences' })

export const flagPolicySchema = z
  .strictObject({
    overdueBlocksRelease: z
      .boolean()
      .default(false)
      .describe('No release of a service starts while a flag of it is overdue for removal.'),
    stages: stageAudiencesSchema.prefault({}).describe('Whom the stages of a flag mean in this environment.'),
  })
  .meta({ id: 'FlagPolicy' })

export const explainCohortSchema = z
  .strictObject({
    user: z.string().min(1).max(2_048).describe('The targeting key.'),
    attributes: z.record(z.string().min(1).max(256), z.unknown()).default({}),
    flag: flagKeySchema.optional().describe('Only this flag, with every step.'),
  })
  .meta({ id: 'ExplainCohort' })

const stepSchema = z.object({
  step: z.enum(['switch', 'prerequisite', 'targets', 'rule', 'cohort', 'share', 'otherwise']),
  name: z.string().nullable(),
  outcome: z.enum(['decides', 'passes']),
  matches: z.boolean().nullable(),
  bucket: z.number().nullable().describe('0 to 1; who is below the threshold is in.'),
  threshold: z.number().nullable(),
  stratum: z.record(z.string(), z.array(z.string())).nullable(),
})

export const explainedCohortSchema = z
  .object({
    user: z.string(),
    flags: z.array(
      z.object({
        flag: z.string(),
        variant: z.string().nullable(),
        value: z.unknown(),
        reason: z.string(),
        ruleId: z.string().nullable(),
        inExperiment: z.boolean(),
        errorCode: z.string().nullable(),
        steps: z.array(stepSchema),
      }),
    ),
    more: z.boolean().describe('There are more flags; name the one you mean.'),
  })
  .meta({ id: 'ExplainedCohort' })

const parts = z.record(z.string().min(1).max(100), z.record(z.string().min(1).max(100), z.number().min(0).max(1)))

export const previewCohortSchema = z
  .strictObject({
    share: z.number().min(0).max(1),
    quotas: parts.describe('Attribute -> value -> its part of the sample; each adds up to 1.'),
    population: parts.describe('What the people consist of; the same attributes and values.'),
    rest: z.string().min(1).max(100).default('その他').describe('The value that stands for every value not named.'),
  })
  .meta({ id: 'PreviewCohort' })

export const cohortPreviewSchema = z
  .object({
    asked: z.number(),
    reached: z.number().describe('Less than asked for when strata with quotas run out of people.'),
    isShort: z.boolean(),
    strata: z.array(z.object({ where: z.record(z.string(), z.array(z.string())), share: z.number() })),
    parts: z.array(z.object({ attribute: z.string(), value: z.string(), quota: z.number(), reached: z.number() })),
  })
  .meta({ id: 'CohortPreview' })

export const flagFormats = ['dankai', 'unleash', 'launchdarkly', 'flagd', 'growthbook'] as const

export const importFlagsSchema = z
  .strictObject({
    format: z.enum(flagFormats),
    data: z.unknown().describe('What the other system exported, as it is.'),
    replace: z.boolean().default(false).describe('Also flags that are there already.'),
    dryRun: z.boolean().default(false),
    client: z
      .boolean()
      .optional()
      .describe('Whether browsers and apps read them; left out: what the export says, else as it is.'),
    why,
  })
  .meta({ id: 'ImportFlags' })

export const importResultSchema = z
  .object({
    imported: z.array(z.string()),
    unchanged: z.array(z.string()),
    skipped: z.array(z.object({ flag: z.string(), why: z.string() })).describe('There already, or moved by a release.'),
    notCarried: z
      .array(z.object({ flag: z.string(), what: z.string(), why: z.string() }))
      .describe('What the export says and flags here cannot; nothing is dropped silently.'),
  })
  .meta({ id: 'FlagImportResult' })

export const exportResultSchema = z
  .object({
    format: z.enum(flagFormats),
    data: z.unknown(),
    leftOut: z.array(z.object({ flag: z.string(), why: z.string() })).describe('Flags that format cannot follow.'),
  })
  .meta({ id: 'FlagExportResult' })
