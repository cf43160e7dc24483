import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagSchema } from '@dankai/contract'
import { z } from 'zod'
import { invalid } from './api.ts'

const schema = z.strictObject({
  kind: z.enum(['release', 'ops']).optional(),
  limit: z.int().max(200).optional(),
  title: z.string().min(1).max(5).optional(),
  tags: z.array(z.string()).max(1).optional(),
  at: z.iso.datetime({ offset: true }).optional(),
  id: z.uuid().optional(),
  key: z
    .string()
    .regex(/^[a-z]+$/, 'small letters')
    .optional(),
  page: z.coerce.number().min(1).optional(),
  secret: z.enum(['a', 'b']).optional(),
  when: z.union([z.number(), z.string()]).optional(),
})

function refusal(given: unknown): string {
  const read = schema.safeParse(given)
  assert.ok(!read.success)
  return invalid(read.error, given).message
}

test('a request that is not valid is told what was found where, and what was expected', () => {
  const table: readonly (readonly [given: unknown, said: string])[] = [
    [{ kind: 'nonsense' }, 'at "kind" found "nonsense", expected one of release, ops.'],
    [{ kind: 5 }, 'at "kind" found 5, expected one of release, ops.'],
    [{ limit: 100_000 }, 'at "limit" found 100000, expected at most 200.'],
    [{ limit: 1.5 }, 'at "limit" found 1.5, expected a whole number.'],
    [{ limit: 'x' }, 'at "limit" found a text, expected a number.'],
    [{ page: '0' }, 'at "page" found "0", expected at least 1.'],
    [{ title: '' }, 'at "title" found 0 characters, expected at least 1 characters.'],
    [{ title: {} }, 'at "title" found an object, expected a text.'],
    [{ tags: ['a', 'b'] }, 'at "tags" found 2 items, expected at most 1 items.'],
    [{ tags: [null] }, 'at "tags.0" found null, expected a text.'],
    [{ at: 'tomorrow' }, 'at "at" found "tomorrow", expected a time such as 2026-11-24T09:00:00+09:00.'],
    [{ id: 'x' }, 'at "id" found "x", expected a UUID.'],
    [{ key: 'A b' }, 'at "key" found "A b", expected small letters.'],
    [{ secret: 'hunter2' }, 'at "secret" found a text, expected one of a, b.'],
    [{ when: {} }, 'at "when" found an object, expected a number or a text.'],
    [{ extra: 1 }, 'found "extra", expected no such field.'],
    [[], 'found a list, expected an object.'],
    [{ kind: 'x', limit: 'y' }, 'at "kind" found "x", expected one of release, ops. See errors.'],
  ]
  for (const [given, said] of table) assert.equal(refusal(given), `Cannot use the request: ${said}`)
})

test('of the forms a value may have, the nearest is the one that is spoken of', () => {
  const given = { flag: { otherwise: { split: [{ variant: 'on', weight: 1.5 }] } } }
  const read = setFlagSchema.safeParse(given)
  assert.ok(!read.success)
  assert.equal(
    invalid(read.error, given).message,
    'Cannot use the request: at "flag.otherwise.split.0.weight" found 1.5, expected a whole number.',
  )
})
