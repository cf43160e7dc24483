import { problemSchema } from '@dankai/contract'
import { z } from 'zod'

/** Parts that every route's description repeats. */
export const problemAnswer = {
  default: {
    description: 'Not done; `code` and `detail` say why.',
    content: { 'application/problem+json': { schema: problemSchema } },
  },
}

export function jsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { required: true as const, content: { 'application/json': { schema } } }
}

export function jsonAnswer<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { 'application/json': { schema } } }
}

export const idParams = z.object({ id: z.string().min(1).max(100) })
export const nameParams = z.object({ name: z.string().min(1).max(256) })
