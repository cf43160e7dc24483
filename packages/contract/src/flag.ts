import { z } from 'zod'
import { pageSchema } from './page.ts'

const share = z.number().min(0).max(1)
const text = z.string().min(1).max(256)
const matches = z.record(z.string(), z.array(z.string()))

export const flagKeySchema = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]*$/, 'letters, digits and ". _ : / -"')

const flagFields = {
  key: flagKeySchema,
  kind: z.enum(['release', 'ops', 'experiment', 'permission']),
  on: z.boolean(),
  algorithm: z.enum(['dankai']),
  seed: text,
  variants: z.record(z.string(), z.unknown()),
  offVariant: text,
  onVariant: text,
  allow: z.array(z.string()).max(10_000),
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
  segments: z.record(z.string(), z.strictObject({ include: matches })),
}

/** The whole flag as clients read it; the rules beyond shapes are those of packages/flags. */
export const flagSchema = z.object({ ...flagFields, version: z.int(), killed: z.boolean() }).meta({ id: 'Flag' })

export const flagViewSchema = z
  .object({
    flag: flagSchema,
    claimedBy: z.string().nullable().describe('The live release that moves this flag.'),
  })
  .meta({ id: 'FlagView' })

/** A complete replacement. What is left out takes the default of a flag that is on and exposes nobody. */
export const setFlagSchema = z
  .strictObject({
    flag: z.strictObject({ ...flagFields, killed: z.boolean() }).partial(),
    breakGlass: z.boolean().default(false).describe('Change a flag that a live release moves. Needs `why`; audited.'),
    why: z.string().min(1).max(2_000).nullable().default(null),
  })
  .meta({ id: 'SetFlag' })

export const flagListSchema = pageSchema(flagViewSchema, 'FlagList')
