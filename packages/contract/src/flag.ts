import { z } from 'zod'
import { flagCareSchema, retentionSchema, setFlagCareSchema } from './flag-care.ts'
import { pageSchema } from './page.ts'

const share = z.number().min(0).max(1)
const text = z.string().min(1).max(256)
const matches = z.record(z.string(), z.array(z.string()))

export const flagKeySchema = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]*$/, 'letters, digits and ". _ : / -"')

const value = z.union([z.string().max(256), z.number(), z.boolean()])

const operators = [
  'is',
  'startsWith',
  'endsWith',
  'contains',
  'matches',
  '=',
  '<',
  '<=',
  '>',
  '>=',
  'before',
  'after',
  'semver=',
  'semver<',
  'semver<=',
  'semver>',
  'semver>=',
  'cidr',
  'exists',
  'inSegment',
] as const

const conditionSchema = z
  .strictObject({
    attribute: z.string().max(256).describe('A name, or a path such as custom.betaTester; "" for inSegment.'),
    operator: z.enum(operators),
    values: z.array(value).max(10_000).default([]).describe('Any one suffices. Names of segments for inSegment.'),
    negated: z.boolean().default(false),
    ignoreCase: z.boolean().exactOptional(),
  })
  .meta({ id: 'FlagCondition' })

export const flagConditionsSchema = z.array(conditionSchema).max(50)
const conditions = flagConditionsSchema

const bucketSource = {
  by: text.nullable().default(null).describe('The attribute that the bucket is made from; null: the targeting key.'),
  seed: z.string().max(256).nullable().default(null).describe("Null: the flag's seed."),
}

const serveSchema = z
  .union([
    z.strictObject({ variant: text }),
    z.strictObject({
      split: z
        .array(z.strictObject({ variant: text, weight: z.int().min(0), tracked: z.boolean().exactOptional() }))
        .min(1)
        .max(100)
        .describe('Weights are thousandths of a percent and sum to 100,000.'),
      ...bucketSource,
      experiment: z.boolean().default(false),
    }),
  ])
  .meta({ id: 'FlagServe' })

const ruleSchema = z.strictObject({
  id: text,
  when: conditions.default([]),
  share: share.default(1),
  ...bucketSource,
  serve: serveSchema,
})

const keys = z.array(z.string()).max(10_000)

const segmentSchema = z.strictObject({
  include: matches.default({}),
  keys: keys.exactOptional(),
  excludedKeys: keys.exactOptional(),
  rules: z.array(conditions).max(100).exactOptional(),
})

const bucketAlgorithm = z.enum(['dankai', 'launchdarkly', 'unleash', 'flagd'])

const flagFields = {
  key: flagKeySchema,
  kind: z.enum(['release', 'ops', 'experiment', 'permission']),
  on: z.boolean(),
  algorithm: bucketAlgorithm,
  seed: text,
  variants: z.record(z.string(), z.unknown()),
  offVariant: text,
  onVariant: text,
  prerequisites: z.array(z.strictObject({ flag: flagKeySchema, variants: z.array(text).max(100) })).max(100),
  targets: z.array(z.strictObject({ variant: text, keys })).max(100),
  rules: z.array(ruleSchema).max(100),
  exposure: z.strictObject({
    share,
    cohorts: z
      .array(
        z.strictObject({
          segment: text,
          share,
          mix: z
            .array(z.strictObject({ where: matches, share }))
            .max(1_000)
            .nullable()
            .default(null),
        }),
      )
      .max(100),
    shadow: z.boolean(),
  }),
  otherwise: serveSchema,
  segments: z.record(z.string(), segmentSchema),
  leaseMs: z
    .int()
    .min(10_000)
    .max(604_800_000)
    .exactOptional()
    .describe('A client that has not heard Dankai for so long serves the off variant.'),
  otherBuckets: z
    .array(bucketAlgorithm)
    .max(4)
    .exactOptional()
    .describe('Clients that may choose other users than the flag does, by their own buckets.'),
}

/** The whole flag as clients read it; the rules beyond shapes are those of packages/flags. */
export const flagSchema = z.object({ ...flagFields, version: z.int(), killed: z.boolean() }).meta({ id: 'Flag' })

export const flagViewSchema = z
  .object({
    flag: flagSchema,
    claimedBy: z.string().nullable().describe('The live release that moves this flag.'),
    care: flagCareSchema,
    changedAt: z.number(),
    fullSince: z.number().nullable().describe('Since when everybody has the on variant by the exposure.'),
    retention: retentionSchema,
    lastEvaluatedAt: z.number().nullable().describe('Null: not since it is watched.'),
    stopped: z.boolean().describe('An emergency stop covers it: nobody has it now, whatever it says.'),
  })
  .meta({ id: 'FlagView' })

/** Some fields of a flag. */
export const flagPatchSchema = z.strictObject({ ...flagFields, killed: z.boolean() }).partial()

/** Of the exposure too only what is given changes, so that a share planned today leaves cohorts of tomorrow alone. */
export const plannedFlagSchema = flagPatchSchema.extend({ exposure: flagFields.exposure.partial() }).partial()

/** A complete replacement. What is left out takes the default of a flag that is on and exposes nobody. */
export const setFlagSchema = z
  .strictObject({
    flag: flagPatchSchema.extend({ version: z.int().exactOptional().describe('Of no account; If-Match counts.') }),
    care: setFlagCareSchema.exactOptional(),
    breakGlass: z.boolean().default(false).describe('Change a flag that a live release moves. Needs `why`; audited.'),
    why: z.string().min(1).max(2_000).nullable().default(null),
  })
  .meta({ id: 'SetFlag' })

export const flagListSchema = pageSchema(flagViewSchema, 'FlagList')
