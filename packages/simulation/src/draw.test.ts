import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { drawTrace } from './draw.ts'
import { padTo, widthOf } from './drawing/text-width.ts'
import { createTimeAxis, drawAxis } from './drawing/time-axis.ts'
import type { ScriptItem } from './script.ts'
import { simulate } from './simulate.ts'
import { compileShop } from './testing/shop-plan.ts'
import type { Trace } from './trace.ts'

async function traceOf(script: readonly ScriptItem[]): Promise<Trace> {
  const run = await simulate({
    plan: compileShop(),
    script,
    seed: 1,
    fidelity: 'events',
    start: Date.parse('2026-06-02T01:00:00Z'),
    labels: [],
    lastsMs: null,
    lookedAt: [],
  })
  assert.ok(run.ok)
  return run.trace
}

/** An hour in which almost everything happens: a gap, a pause, a question, a spike, a rollback. */
const eventful: readonly ScriptItem[] = [
  {
    at: { kind: 'anchor', anchor: 'canary', plusMs: 60_000 },
    forMs: 120_000,
    place: null,
    happening: { kind: 'metric', metric: 'error_rate', track: null, value: 'no data' },
  },
  {
    at: { kind: 'anchor', anchor: 'half', plusMs: 120_000 },
    forMs: null,
    place: null,
    happening: { kind: 'person', person: 'ann', does: 'pause', why: 'lunch' },
  },
  {
    at: { kind: 'anchor', anchor: 'half', plusMs: 600_000 },
    forMs: null,
    place: null,
    happening: { kind: 'person', person: 'ann', does: 'resume', why: null },
  },
  {
    at: { kind: 'anchor', anchor: 'half', plusMs: 720_000 },
    forMs: 60_000,
    place: null,
    happening: { kind: 'metric', metric: 'error_rate', track: null, value: 0.03 },
  },
  {
    at: { kind: 'anchor', anchor: 'half', plusMs: 1_200_000 },
    forMs: 600_000,
    place: null,
    happening: { kind: 'metric', metric: 'error_rate', track: null, value: 0.06 },
  },
  {
    at: { kind: 'anchor', anchor: 'start', plusMs: 0 },
    forMs: null,
    place: null,
    happening: { kind: 'person', person: 'bob', does: 'promote', why: null },
  },
]

/** `DANKAI_GOLDEN=write node --test …` writes them anew; read the difference before you commit it. */
function assertGolden(name: string, text: string): void {
  const file = new URL(`./testing/golden/${name}.txt`, import.meta.url)
  if (process.env.DANKAI_GOLDEN === 'write') writeFileSync(file, text)
  assert.equal(text, readFileSync(file, 'utf8'))
}

const plain = { width: 100, color: false, heading: null, notes: [] }

test('a healthy release is drawn with its phases, its curve and its evidence', async () => {
  assertGolden('healthy', drawTrace(await traceOf([]), { ...plain, language: 'en', heading: 'a healthy world' }))
})

test('an eventful release shows gaps, pauses, questions, rules and the way back', async () => {
  const notes = [
    'phases[1] "half": hold 20m equals nothing in particular; this note is long enough to be broken into two lines of the drawing',
  ]
  assertGolden('eventful', drawTrace(await traceOf(eventful), { ...plain, language: 'en', notes }))
})

test('the same release is drawn in Japanese, in columns that stay straight', async () => {
  const text = drawTrace(await traceOf(eventful), { ...plain, language: 'ja', width: 120 })
  assertGolden('eventful.ja', text)
  const bars = text.split('\n').filter(line => line.includes('│'))
  assert.deepEqual([...new Set(bars.map(line => widthOf(line.slice(0, line.indexOf('│')))))], [20])
})

test('no line is wider than asked, between 80 and 120 columns, in either language', async () => {
  const trace = await traceOf(eventful)
  for (const language of ['en', 'ja'] as const)
    for (const width of [60, 80, 101, 200]) {
      const most = Math.min(120, Math.max(80, width))
      for (const line of drawTrace(trace, { ...plain, language, width }).split('\n'))
        assert.ok(widthOf(line) <= most, `${width}: ${line}`)
    }
})

test('colour adds escape sequences and changes nothing else', async () => {
  const trace = await traceOf(eventful)
  const [bare, colored] = [false, true].map(color => drawTrace(trace, { ...plain, language: 'en', color }))
  assert.notEqual(colored, bare)
  const escapes = [1, 2, 31, 32, 33, 36, 0].map(code => `${String.fromCharCode(27)}[${code}m`)
  assert.equal(
    escapes.reduce((text, sequence) => text.replaceAll(sequence, ''), colored!),
    bare,
  )
})

test('an axis counts in units people use, and never lets two labels touch', () => {
  const day = 86_400_000
  const labels = (ms: number) => drawAxis(createTimeAxis(0, ms, 60))[0].split(/\s+/)
  assert.deepEqual(labels(28 * day), ['0', '1w', '2w', '3w', '4w'])
  assert.deepEqual(labels(3_600_000), ['0', '10m', '20m', '30m', '40m', '50m', '1h'])
  assert.deepEqual(labels(2 * day), ['0', '12h', '1d', '1d12h', '2d'])
})

test('kanji and full-width forms take two columns', () => {
  assert.equal(widthOf('段階 ok'), 7)
  assert.equal(padTo('段階', 6), '段階  ')
})
