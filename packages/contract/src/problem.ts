import { z } from 'zod'

/** RFC 9457. `code` is one word per kind, for programs; `detail` is a sentence for people. */
export const problemSchema = z
  .looseObject({
    type: z.string().describe('urn:dankai:problem:CODE'),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('One code per kind of problem, for programs.'),
    detail: z.string().describe('What could not be done, what was found, what was expected, the next step.'),
    instance: z.string().optional().describe('The request id, as in the log.'),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .max(100)
      .optional(),
  })
  .meta({ id: 'Problem' })
export type Problem = z.infer<typeof problemSchema>

export const problemCodes = [
  'invalid',
  'malformed',
  'unauthorized',
  'forbidden',
  'not-found',
  'conflict',
  'stale',
  'not-possible',
  'not-live',
  'held',
  'claimed',
  'too-large',
  'unsupported-media-type',
  'too-many-requests',
  'unavailable',
  'internal',
] as const
export type ProblemCode = (typeof problemCodes)[number]
