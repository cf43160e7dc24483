import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ActionBody } from '@dankai/core'
import fc from 'fast-check'
import {
  type ActionRequest,
  actionRequestSchema,
  applyDocumentsSchema,
  createKeySchema,
  flagKeySchema,
  pageQuerySchema,
  setConnectionSchema,
  startReleaseSchema,
} from './index.ts'

/** One of every action a person can take; the type says when core gets another. */
const actions: { [Type in ActionBody['type']]: object } = {
  approve: {},
  confirm: { step: 's' },
  reject: { step: 's' },
  report: { signal: 's' },
  withdraw: { signal: 's' },
  promote: {},
  pause: {},
  resume: {},
  rollback: {},
  abort: {},
  answer: { answer: 'rollback' },
  cancel: { rule: 'r' },
  retry: { step: 's' },
  skip: { step: 's' },
  startRunbook: { runbook: 'r' },
  close: {},
}

describe('an action', () => {
  for (const [type, fields] of Object.entries(actions))
    it(`"${type}" is what core takes, with what the person saw and why`, () => {
      const parsed: ActionRequest = actionRequestSchema.parse({ type, ...fields, why: 'because', expected: { seq: 7 } })
      const { why, expected, ...body } = parsed
      const taken: ActionBody = body
      assert.equal(taken.type, type)
      assert.deepEqual([why, expected], ['because', { phase: null, seq: 7 }])
    })

  it('is refused with a field it does not have, and without one it needs', () => {
    assert.equal(actionRequestSchema.safeParse({ type: 'promote', step: 's' }).success, false)
    assert.equal(actionRequestSchema.safeParse({ type: 'confirm' }).success, false)
    assert.equal(actionRequestSchema.safeParse({ type: 'explode' }).success, false)
  })
})

describe('what the API takes', () => {
  it('is bounded', () => {
    const long = 'x'.repeat(3_000)
    for (const [what, schema, value] of [
      ['labels', startReleaseSchema, { plan: 'p', version: '1', labels: Array.from({ length: 51 }, () => 'l') }],
      ['an exemption', startReleaseSchema, { plan: 'p', version: '1', exemption: long }],
      ['a page', pageQuerySchema, { limit: '201' }],
      ['a cursor', pageQuerySchema, { cursor: long }],
      ['files', applyDocumentsSchema, { files: [] }],
      ['a file', applyDocumentsSchema, { files: [{ file: 'x', text: 'x'.repeat(1_000_001) }] }],
      ['a name', createKeySchema, { kind: 'ci', principal: 'yuki', name: long }],
    ] as const)
      assert.equal(schema.safeParse(value).success, false, what)
  })

  it('fills in what was left out', () => {
    assert.deepEqual(startReleaseSchema.parse({ plan: 'p', version: '1' }), {
      plan: 'p',
      version: '1',
      strategy: null,
      releaseType: null,
      labels: [],
      exemption: null,
    })
    assert.deepEqual(pageQuerySchema.parse({}), { limit: 50 })
  })

  it('has no connection that takes a secret among its settings, or a private address by default', () => {
    const http = {
      kind: 'http',
      settings: { baseUrl: 'https://x.example', allowedHosts: ['x.example'], allowedMethods: ['GET'] },
    }
    const parsed = setConnectionSchema.parse(http)
    assert.ok(parsed.kind === 'http' && parsed.settings.allowPrivate === false && parsed.secrets === null)
    assert.equal(
      setConnectionSchema.safeParse({ ...http, settings: { ...http.settings, authorization: 'x' } }).success,
      false,
    )
    assert.equal(
      setConnectionSchema.safeParse({ ...http, settings: { ...http.settings, baseUrl: 'file:///etc/passwd' } }).success,
      false,
    )
  })

  it('names flags without signs that break a path or a header', () => {
    fc.assert(
      fc.property(fc.string(), key => {
        if (flagKeySchema.safeParse(key).success) assert.match(key, /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}$/)
      }),
    )
  })
})
