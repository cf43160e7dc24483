import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { checkPlan } from './check-plan.ts'
import { parsePlanDocuments } from './plan-documents.ts'
import { fileBytesAtMost } from './plan-text.ts'
import { readScenarioFiles } from './scenario.ts'
import { checkText, draftFiles, parseText, writePlan } from './testing/plan-texts.ts'
import { dataOf, getText } from './yaml-node.ts'

function codesOf(content: string | Uint8Array): readonly string[] {
  return parsePlanDocuments([{ path: 'plan.yaml', text: content }]).problems.map(({ code }) => code)
}

const bytes = (...values: readonly number[]) => Uint8Array.from(values)
const deep = 300_000

describe('plan documents', () => {
  it('keep the line and column of every value and the path to it', () => {
    const [document] = parseText('kind: Segment\nname: testers\ninclude:\n  team:\n    - qa\n').documents
    assert.deepEqual([document?.kind, document?.name], ['Segment', 'testers'])
    const include = document?.root.entries.get('include')?.value
    assert.deepEqual(include?.place, { file: 'plan.yaml', line: 4, column: 3 })
    const team = include?.kind === 'map' ? include.entries.get('team')?.value : undefined
    const [item] = team?.kind === 'list' ? team.items : []
    assert.deepEqual([item?.path, item?.place.line, item?.place.column], ['include.team[0]', 5, 7])
  })

  it('keep every scalar as it was written, and type it only where a type is asked for', () => {
    const [document] = parseText('a: 1.10\nb: 5%\nc: "true"\nd: true\ne: 0x1F\nf: ~\ng: 1e3').documents
    assert.equal(getText(document?.root, 'a'), '1.10')
    assert.deepEqual(document && dataOf(document.root), {
      a: 1.1,
      b: '5%',
      c: 'true',
      d: true,
      e: '0x1F',
      f: null,
      g: '1e3',
    })
  })

  it('read all documents of a file, and the good ones beside a broken one', () => {
    const parsed = parseText('kind: Segment\nname: a\n---\nkind: [\n---\nkind: Segment\nname: b\n')
    assert.deepEqual(
      parsed.documents.map(({ name }) => name),
      ['a', 'b'],
    )
    assert.deepEqual(
      parsed.problems.map(({ code, place }) => [code, place.line]),
      [['yaml', 5]],
    )
  })

  it('are none in an empty file or one of comments', () => {
    for (const text of ['', '\n', '# nothing\n', '---\n---\n', '\uFEFF']) {
      assert.deepEqual(parseText(text), { documents: [], problems: [] }, JSON.stringify(text))
    }
  })

  it('refuse what could harm the reader or mislead a reviewer', () => {
    const table: readonly (readonly [string, string | Uint8Array, readonly string[]])[] = [
      ['over a megabyte', `a: ${'x'.repeat(fileBytesAtMost)}`, ['file-too-large']],
      ['over a megabyte in bytes', new Uint8Array(fileBytesAtMost + 1), ['file-too-large']],
      ['over a megabyte once encoded', `a: ${'段'.repeat(fileBytesAtMost / 2)}`, ['file-too-large']],
      ['not UTF-8', bytes(0x61, 0x3a, 0x20, 0xff), ['not-utf-8']],
      ['UTF-16', bytes(0xff, 0xfe, 0x61, 0x00), ['not-utf-8']],
      ['decoded by somebody lenient', 'a: \uFFFD', ['not-utf-8']],
      ['a NUL', 'a: b\u0000', ['control-character']],
      ['an escape', 'a: \u001b[31m', ['control-character']],
      ['letters that run backwards', 'a: \u202Eb', ['control-character']],
      ['an anchor and an alias', 'a: &x 1\nb: *x', ['anchor', 'anchor']],
      ['an alias bomb', bomb(), Array.from({ length: 31 }, () => 'anchor')],
      ['a merge key', '<<: { a: 1 }', ['bad-key']],
      ['a tag', 'a: !!js/function "x"', ['tag']],
      ['a binary tag', 'a: !!binary aGk=', ['tag']],
      ['the prototype', '__proto__: { a: 1 }', ['bad-key']],
      ['a name every object has', 'a: { constructor: 1, toString: 2 }', ['bad-key', 'bad-key']],
      ['a key that is a list', '? [a]\n: b', ['bad-key']],
      ['a key twice', 'a: 1\nb: 2\na: 3', ['duplicate-key']],
      [
        'a word that is a boolean elsewhere',
        'a: on\nb: No\nyes: 1',
        ['ambiguous-word', 'ambiguous-word', 'ambiguous-word'],
      ],
      ['numbers that are none', 'a: .nan\nb: -.Inf', ['ambiguous-word', 'ambiguous-word']],
      ['a tab', 'a:\n\tb: 1', ['yaml']],
      ['a value that begins with a sign', 'unit: %', ['yaml']],
      ['an open bracket', 'a: [1, 2', ['yaml']],
      ['a list', '- a', ['not-a-document']],
      ['brackets without end', 'a: '.concat('['.repeat(deep)), ['nested-too-deep']],
      ['braces without end', '{a: '.repeat(deep / 3), ['nested-too-deep']],
      ['dashes without end', '- '.repeat(deep), ['nested-too-deep']],
      ['question marks without end', '? '.repeat(deep), ['nested-too-deep']],
      ['keys in keys', 'a: '.repeat(deep), ['nested-too-deep']],
      ['a staircase', staircase(500), ['nested-too-deep']],
      ['forty levels', `a: ${'['.repeat(40)}${']'.repeat(40)}`, ['nested-too-deep']],
      ['too many documents', '---\na: 1\n'.repeat(101), ['too-many']],
      ['too many items', `a: [${'1,'.repeat(1001)}]`, ['too-many']],
      ['too many keys', Array.from({ length: 1001 }, (_, index) => `k${index}: 1`).join('\n'), ['too-many']],
      ['a text like a book', `a: ${'x '.repeat(15_000)}y`, ['too-many']],
    ]
    for (const [what, content, codes] of table) assert.deepEqual(codesOf(content), codes, what)
  })

  it('take quoted words and plain numbers as they are', () => {
    assert.deepEqual(codesOf('a: "on"\nb: \'no\'\nc: online\nd: 1_000\n"yes": 1'), [])
  })

  it('bound what a few lines can become', () => {
    const phases = Array.from({ length: 51 }, (_, index) => `  - { name: p${index}, expose: 100%, hold: 1h }`)
    const items = Array.from({ length: 100 }, () => '  - { checklist: b }').join('\n')
    const steps = Array.from({ length: 100 }, (_, index) => `  - { run: step ${index} }`).join('\n')
    const table: readonly (readonly [string, string, RegExp])[] = [
      ['phases', writePlan({ phases: `phases:\n${phases.join('\n')}` }), /found 51 entries, expected at most 50/],
      [
        'checklists in checklists',
        writePlan(
          { before: '[{ checklist: a }]' },
          `kind: Checklist\nname: a\nitems:\n${items}`,
          `kind: Checklist\nname: b\nitems:\n${steps}`,
        ),
        /found more than 2000 steps/,
      ],
      [
        'a checklist in itself',
        writePlan(
          { before: '[{ checklist: a }]' },
          'kind: Checklist\nname: a\nitems: [{ checklist: b }]',
          'kind: Checklist\nname: b\nitems: [{ checklist: a }]',
        ),
        /found a checklist inside itself \(a → b → a\)/,
      ],
      ['rules copied into every phase', manyRules(), /found more than 1000 conditions/],
    ]
    for (const [what, text, message] of table) {
      const { problems } = checkText(text)
      assert.ok(
        problems.some(problem => message.test(problem.message.en)),
        `${what}: ${problems.map(({ message: { en } }) => en).join('\n')}`,
      )
    }
  })

  it('stay quick with metrics of metrics and plans that need plans', () => {
    const layers = Array.from(
      { length: 60 },
      (_, index) =>
        `  m${index}: { highest: [m${index + 1}, n${index + 1}] }\n  n${index}: { highest: [m${index + 1}, n${index + 1}] }`,
    )
    const metrics = `metrics:\n${layers.join('\n')}\n  m60: { count: a }\n  n60: { count: b }`
    assert.deepEqual(checkText(writePlan({ metrics })).problems, [])
    const needs = Array.from({ length: 40 }, (_, index) =>
      writePlan({
        name: `p${index}`,
        ...(index < 39 ? { before: `[{ needs: p${index + 1} }, { needs: p${Math.min(39, index + 2)} }]` } : {}),
      }),
    )
    assert.deepEqual(checkPlan(parseText(...needs)).problems, [])
  })

  it('never throw, whatever the text', () => {
    const whatever = fc.oneof(
      fc.string({ maxLength: 300 }),
      fc.array(yamlPieces, { maxLength: 60 }).map(parts => parts.join('')),
    )
    fc.assert(
      fc.property(whatever, text => {
        const parsed = parseText(text)
        const check = checkPlan(parsed)
        readScenarioFiles(parsed.documents)
        assert.ok(check.problems.length <= 50)
        assert.ok(
          check.problems.every(
            ({ place, message }) => place.line >= 1 && place.column >= 1 && message.en !== '' && message.ja !== '',
          ),
        )
      }),
      { numRuns: 300 },
    )
  })

  it('never throw on a good plan with lines lost, repeated or exchanged', () => {
    const lines = draftFiles.map(({ text }) => text.split('\n'))
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.constantFrom('drop', 'repeat', 'swap', 'cut')), {
      minLength: 1,
      maxLength: 4,
    })
    fc.assert(
      fc.property(fc.nat(lines.length - 1), edits, (file, changes) => {
        const edited = changes.reduce(
          (all, [at, other, how]) => editLines(all, at % all.length, other % all.length, how),
          lines[file]!,
        )
        const files = draftFiles.map((draft, index) => (index === file ? { ...draft, text: edited.join('\n') } : draft))
        const parsed = parsePlanDocuments(files)
        checkPlan(parsed)
        readScenarioFiles(parsed.documents)
      }),
      { numRuns: 30 },
    )
  })
})

function bomb(): string {
  const levels = Array.from({ length: 30 }, (_, index) => `a${index + 1}: &a${index + 1} [*a${index}, *a${index}]`)
  return `a0: &a0 x\n${levels.join('\n')}`
}

function staircase(levels: number): string {
  return Array.from({ length: levels }, (_, index) => `${' '.repeat(index)}a:\n`).join('')
}

function manyRules(): string {
  const rules = Array.from({ length: 50 }, (_, index) => `restarts > ${index}`).join(', ')
  const phases = Array.from(
    { length: 40 },
    (_, index) =>
      `  - { name: p${index}, expose: 100%, hold: 1h, rollbackWhen: ${index === 0 ? `[${rules}]` : 'same as p0'} }`,
  )
  return writePlan({ phases: `phases:\n${phases.join('\n')}` })
}

function editLines(lines: readonly string[], at: number, other: number, how: string): string[] {
  if (how === 'drop') return lines.toSpliced(at, 1)
  if (how === 'repeat') return lines.toSpliced(at, 0, lines[other] ?? '')
  const edited = [...lines]
  if (how === 'swap') [edited[at], edited[other]] = [lines[other] ?? '', lines[at] ?? '']
  else edited[at] = (lines[at] ?? '').slice(0, other % 40)
  return edited
}

const yamlPieces = fc.constantFrom(
  'kind: ReleasePlan\n',
  'kind: Scenarios\n',
  'kind: Checklist\n',
  'kind: Calendar\n',
  'kind: Flag\n',
  'name: x\n',
  'phases:\n',
  '  - ',
  '- ',
  'name: a',
  'expose: 5%',
  'hold: 5m',
  'metrics: ',
  '{ a: { ratio: b / c } }',
  'rollbackWhen: [a > 5%]\n',
  'strategies: { s: ',
  'exposure: ',
  '[',
  ']',
  '{',
  '}',
  ',',
  ': ',
  '\n',
  '  ',
  'same as a',
  '"',
  '|',
  '>',
  '&a ',
  '*a',
  '---\n',
  '超',
)
