import { z } from 'zod'
import { nameSchema, pageSchema } from './page.ts'

const timeoutMs = z.int().min(100).max(3_600_000).describe('A call that takes longer is cut.')
const secret = z.string().min(1).max(8_000)
/** null keeps the secrets that are stored, so that settings can be changed without knowing them. */
const headerSecrets = z
  .record(z.string().regex(/^[A-Za-z0-9-]{1,100}$/), secret)
  .nullable()
  .default(null)

export const httpSettingsSchema = z.strictObject({
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .max(500)
    .describe('What NAME/path in a plan is joined to.'),
  allowedHosts: z.array(z.string().min(1).max(253)).min(1).max(50).describe('host or host:port'),
  allowedMethods: z.array(z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])).min(1),
  allowPrivate: z.boolean().default(false).describe('Lets calls reach private, link-local and loopback addresses.'),
  timeoutMs: timeoutMs.default(30_000),
})

export const sqlSettingsSchema = z.strictObject({
  write: z.boolean().default(false).describe('false: every statement runs in a read-only transaction.'),
  role: z.string().min(1).max(63).nullable().default(null).describe('SET ROLE before the statement.'),
  timeoutMs: timeoutMs.default(30_000),
})

export const runSettingsSchema = z.strictObject({
  cwd: z.string().min(1).max(1_000),
  programs: z.array(z.string().min(1).max(500)).min(1).max(100).describe('Programs a command may begin with.'),
  places: z.array(z.string().min(1).max(500)).max(20).default([]).describe('What a step may write after `at`.'),
  shell: z
    .boolean()
    .default(false)
    .describe('true: hand the command to /bin/sh; `programs` then names only "/bin/sh".'),
  environment: z
    .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/))
    .max(100)
    .default([])
    .describe('Variables of the server that the program sees.'),
  timeoutMs: timeoutMs.default(600_000),
})

export const webhookSettingsSchema = z.strictObject({
  channels: z
    .array(z.string().min(1).max(200))
    .min(1)
    .max(100)
    .describe('Addresses it serves: "slack:#releases", "slack:*" for a whole scheme, "*" for all.'),
  locale: z.enum(['ja', 'en']).default('ja'),
  allowPrivate: z.boolean().default(false),
  timeoutMs: timeoutMs.default(10_000),
})

/** What a plan may reach outside, made by an admin. Plans only name it. */
export const setConnectionSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('http'), settings: httpSettingsSchema, secrets: headerSecrets }),
    z.strictObject({
      kind: z.literal('sql'),
      settings: sqlSettingsSchema,
      secrets: z.strictObject({ url: secret }).nullable().default(null).describe('url: a PostgreSQL URL.'),
    }),
    z.strictObject({
      kind: z.literal('run'),
      settings: runSettingsSchema,
      secrets: z
        .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), secret)
        .nullable()
        .default(null)
        .describe('Variables that only the program sees.'),
    }),
    z.strictObject({
      kind: z.literal('webhook'),
      settings: webhookSettingsSchema,
      secrets: z
        .strictObject({ url: z.url({ protocol: /^https?$/ }).max(2_000), authorization: secret.optional() })
        .nullable()
        .default(null),
    }),
  ])
  .meta({ id: 'SetConnection' })
export type SetConnection = z.infer<typeof setConnectionSchema>
export type SetConnectionInput = z.input<typeof setConnectionSchema>
export type HttpSettings = z.infer<typeof httpSettingsSchema>
export type SqlSettings = z.infer<typeof sqlSettingsSchema>
export type RunSettings = z.infer<typeof runSettingsSchema>
export type WebhookSettings = z.infer<typeof webhookSettingsSchema>

export const connectionSchema = z
  .object({
    name: nameSchema,
    kind: z.string(),
    settings: z.record(z.string(), z.unknown()),
    secretNames: z.array(z.string()).describe('Names only; values are never shown.'),
    version: z.int(),
    changedAt: z.number(),
    by: z.string(),
  })
  .meta({ id: 'Connection' })
export const connectionListSchema = pageSchema(connectionSchema, 'ConnectionList')
