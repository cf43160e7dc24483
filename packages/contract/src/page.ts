import { z } from 'zod'

/** Every list is bounded: a page at a time, resumed by an opaque cursor. */
export const pageQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50).describe('At most so many items.'),
  cursor: z.string().min(1).max(200).optional().describe('`next` of the page before.'),
})
export type PageQuery = z.infer<typeof pageQuerySchema>

export function pageSchema<Item extends z.ZodType>(item: Item, id: string) {
  return z
    .object({ items: z.array(item), next: z.string().nullable().describe('Cursor of the next page; null at the end.') })
    .meta({ id })
}

export interface Page<Item> {
  readonly items: readonly Item[]
  readonly next: string | null
}

/** Where a request acts. A key of one environment may leave both out. */
export const scopeQuerySchema = z.object({
  project: z.string().min(1).max(100).optional().describe('Default: the project of the key.'),
  environment: z.string().min(1).max(100).optional().describe('Default: the environment of the key.'),
})
export type ScopeQuery = z.infer<typeof scopeQuerySchema>

export const nameSchema = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'letters, digits, ".", "_" and "-"')
