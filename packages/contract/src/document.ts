import { z } from 'zod'
import { pageSchema } from './page.ts'

/** One file as it stands in the repository; it may hold several documents. 1 MB is 20 times the largest plan known. */
export const sourceFileSchema = z
  .strictObject({ file: z.string().min(1).max(500), text: z.string().max(1_000_000) })
  .meta({ id: 'SourceFile' })

export const applyDocumentsSchema = z
  .strictObject({
    files: z.array(sourceFileSchema).min(1).max(500),
    dryRun: z.boolean().default(false).describe('Check and show the difference, change nothing.'),
    why: z.string().max(2_000).nullable().default(null),
    locale: z.enum(['en', 'ja']).default('en').describe('Language of the messages.'),
  })
  .meta({ id: 'ApplyDocuments' })
export type ApplyDocuments = z.infer<typeof applyDocumentsSchema>

export const documentProblemSchema = z
  .object({
    severity: z.enum(['error', 'warning', 'info']),
    code: z.string(),
    file: z.string(),
    line: z.int(),
    column: z.int(),
    path: z.string().describe('Where in the document: phases[1].promoteWhen[0]'),
    message: z.string(),
  })
  .meta({ id: 'DocumentProblem' })
export type DocumentProblem = z.infer<typeof documentProblemSchema>

export const documentChangeSchema = z
  .object({
    kind: z.string(),
    name: z.string(),
    change: z.enum(['created', 'changed', 'unchanged']),
    digest: z.string(),
    diff: z.array(z.string()).describe('Lines of a unified difference, without context of more than three lines.'),
  })
  .meta({ id: 'DocumentChange' })
export type DocumentChange = z.infer<typeof documentChangeSchema>

export const applyResultSchema = z
  .object({ ok: z.boolean(), problems: z.array(documentProblemSchema), changes: z.array(documentChangeSchema) })
  .meta({ id: 'ApplyResult' })

export const planSummarySchema = z
  .object({
    name: z.string(),
    title: z.string().nullable(),
    service: z.string(),
    strategies: z.array(z.string()),
    digest: z.string(),
    appliedAt: z.number(),
    appliedBy: z.string(),
  })
  .meta({ id: 'PlanSummary' })
export const planListSchema = pageSchema(planSummarySchema, 'PlanList')
export const planDetailSchema = z
  .object({ ...planSummarySchema.shape, version: z.int(), text: z.string() })
  .meta({ id: 'Plan' })
