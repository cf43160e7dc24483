import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createEventParser, type ServerSentEvent } from './server-sent-events.ts'

const parse = (...pieces: readonly string[]): ServerSentEvent[] => {
  const parser = createEventParser()
  return pieces.flatMap(piece => parser.push(piece))
}

test('an event has type, id and data, whatever ends its lines', () => {
  for (const end of ['\n', '\r', '\r\n']) {
    const text = ['event: change', 'id: 7', 'data: {"a":', 'data:1}', '', ''].join(end)
    // After a final CR the parser cannot know whether a LF belongs to it, so the next line tells.
    assert.deepEqual(parse(text, ': comment\n'), [{ type: 'change', id: '7', data: '{"a":\n1}' }], JSON.stringify(end))
  }
})

test('comments, unknown fields, empty events and a byte order mark are passed over', () => {
  const text = '\ufeff: hello\nretry: 10\nid: 1\n\nevent: ping\n\ndata\n\nid: a\0b\ndata:  x\n\ndata: unfinished'
  assert.deepEqual(parse(text), [
    { type: 'message', id: '1', data: '' },
    { type: 'message', id: '1', data: ' x' },
  ])
})

test('the same text gives the same events, however it is cut into pieces', () => {
  const line = fc.constantFrom('event: change', 'id: 7', 'data: {"a":1}', 'data', ':', '', '', 'data: 段階')
  const text = fc
    .array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n')), { maxLength: 30 })
    .map(rows => rows.flat().join(''))
  fc.assert(
    fc.property(text, fc.array(fc.nat(200), { maxLength: 12 }), (whole, cuts) => {
      const places = [0, ...cuts.map(cut => Math.min(cut, whole.length)), whole.length].sort(
        (one, other) => one - other,
      )
      const pieces = places.slice(1).map((end, index) => whole.slice(places[index], end))
      assert.deepEqual(parse(...pieces, '\n'), parse(whole, '\n'))
    }),
    { numRuns: 2_000, seed: 20_240_117 },
  )
})

test('an event that does not end is given up, in one line or in many', () => {
  for (const piece of ['x'.repeat(1_048_576), `data: ${'x'.repeat(1_048_576)}\n`]) {
    const parser = createEventParser()
    parser.push('data: ')
    assert.throws(
      () => Array.from({ length: 40 }, () => parser.push(piece)),
      /more than 33554432 characters without an end/,
    )
  }
  const parser = createEventParser()
  for (let count = 0; count < 40; count++) assert.equal(parser.push(`data: ${'x'.repeat(1_048_576)}\n\n`).length, 1)
})
