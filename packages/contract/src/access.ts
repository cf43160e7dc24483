import { z } from 'zod'
import { nameSchema, pageQuerySchema, pageSchema, scopeQuerySchema } from './page.ts'

export const keyKinds = ['admin', 'ci', 'sdk-server', 'sdk-client'] as const

/** A project or environment; "*" stands for all of them. */
const placeSchema = z.union([nameSchema, z.literal('*')])

export const createKeySchema = z
  .strictObject({
    kind: z.enum(keyKinds),
    principal: nameSchema.describe('Name of who the key acts for; a machine of that name is made when there is none.'),
    name: z.string().min(1).max(200),
    project: placeSchema.optional(),
    environment: placeSchema.optional(),
    expiresAt: z.int().positive().nullable().default(null),
  })
  .meta({ id: 'CreateKey' })

export const keySchema = z
  .object({
    id: z.string(),
    kind: z.enum(keyKinds),
    name: z.string(),
    prefix: z.string().describe('The first characters, to recognise it by.'),
    principalId: z.string(),
    project: z.string(),
    environment: z.string(),
    createdAt: z.number(),
    expiresAt: z.number().nullable(),
    revokedAt: z.number().nullable(),
    usedAt: z.number().nullable(),
  })
  .meta({ id: 'Key' })
export const createdKeySchema = z
  .object({ ...keySchema.shape, secret: z.string().describe('Shown once; only its digest is kept.') })
  .meta({ id: 'CreatedKey' })
export const keyListSchema = pageSchema(keySchema, 'KeyList')

export const membershipSchema = z.strictObject({
  role: nameSchema,
  project: placeSchema.default('*'),
  environment: placeSchema.default('*'),
})

export const principalSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    kind: z.enum(['person', 'machine']),
    createdAt: z.number(),
    disabledAt: z.number().nullable(),
    memberships: z.array(membershipSchema),
  })
  .meta({ id: 'Principal' })
export const principalListSchema = pageSchema(principalSchema, 'PrincipalList')

export const setPrincipalSchema = z
  .strictObject({
    kind: z.enum(['person', 'machine']).default('person'),
    memberships: z.array(membershipSchema).max(100).default([]),
  })
  .describe('The groups a person is in; a role named in a plan is one of them.')
  .meta({ id: 'SetPrincipal' })

export const groupListSchema = z
  .object({ items: z.array(z.object({ role: z.string(), members: z.array(z.string()) })) })
  .meta({ id: 'GroupList' })

export const auditEntrySchema = z
  .object({
    id: z.int(),
    at: z.number(),
    by: z.string(),
    action: z.string(),
    subject: z.string(),
    why: z.string().nullable(),
    detail: z.record(z.string(), z.unknown()),
    project: z.string(),
    environment: z.string(),
  })
  .meta({ id: 'AuditEntry' })
export const auditQuerySchema = z.object({
  ...pageQuerySchema.shape,
  ...scopeQuerySchema.shape,
  subject: z.string().max(300).optional(),
})
export const auditListSchema = pageSchema(auditEntrySchema, 'AuditList')
