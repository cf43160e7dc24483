import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { isInRange, parseAddressRange } from './address-range.ts'
import { checkFlag } from './check-flag.ts'
import { ways } from './comparison.ts'
import { compileFlag } from './compile-flag.ts'
import { evaluateFlag } from './evaluate-flag.ts'
import type { EvaluationContext } from './evaluation.ts'
import { type Condition, defineFlag, type FlagDefinition, type FlagSegment, type Operator } from './flag-definition.ts'
import { readMoment } from './moment.ts'
import { assembleProgram } from './pattern-program.ts'
import { type PatternNode, PatternProblem, readPattern } from './pattern-reader.ts'
import { parseSemanticVersion, wayToVersion } from './semantic-version.ts'
import { compileTextPattern } from './text-pattern.ts'

const seed = 20_240_119

const condition = (
  attribute: string,
  operator: Operator,
  values: Condition['values'],
  more: Partial<Condition> = {},
): Condition => ({ attribute, operator, values, negated: false, ...more })

const when = (conditions: readonly Condition[], segments: Record<string, FlagSegment> = {}): FlagDefinition =>
  defineFlag({
    key: 'flag',
    segments,
    rules: [{ id: 'rule', when: conditions, share: 1, by: null, seed: null, serve: { variant: 'on' } }],
  })

function holds(conditions: readonly Condition[], context: object, segments: Record<string, FlagSegment> = {}): boolean {
  const flag = compileFlag(when(conditions, segments))
  assert.deepEqual(flag.problems, [])
  return evaluateFlag(flag, context as EvaluationContext).reason === 'RULE'
}

test('each operator holds for the values it names, and for nothing of another type (F-088)', () => {
  const rows: readonly [operator: Operator, values: Condition['values'], found: unknown, holds: boolean][] = [
    ['is', ['a', 'b'], 'b', true],
    ['is', ['a'], 'A', false],
    ['is', [42], '42', true],
    ['is', ['42'], 42, true],
    ['is', [true], true, true],
    ['is', [true], 'true', true],
    ['is', ['true'], false, false],
    ['is', ['null'], null, false],
    ['is', ['a'], ['x', 'a'], true],
    ['is', ['a'], [['a']], false],
    ['startsWith', ['user-', 'bot-'], 'bot-1', true],
    ['startsWith', ['user-'], 'a user-1', false],
    ['startsWith', ['4'], 42, false],
    ['endsWith', ['@triptrip.com'], 'mio@triptrip.com', true],
    ['endsWith', ['@triptrip.com'], 'mio@triptrip.com.example', false],
    ['contains', ['trip'], 'a trip', true],
    ['contains', ['trip'], ['x', 'trips'], true],
    ['matches', ['^[a-z]+-\\d{2,}$'], 'user-42', true],
    ['matches', ['^[a-z]+-\\d{2,}$'], 'user-4', false],
    ['=', [42], '42.0', true],
    ['=', [42], 'forty-two', false],
    ['<', [10], 9.5, true],
    ['<=', [10], 10, true],
    ['>', [10], '1e2', true],
    ['>=', [10], 9, false],
    ['>', [0], Number.NaN, false],
    ['<', [0], Number.NEGATIVE_INFINITY, false],
    ['<', [10], '', false],
    ['<', [10], true, false],
    ['before', ['2026-03-01T00:00:00Z'], '2026-03-01T08:59:59+09:00', true],
    ['before', ['2026-03-01T00:00:00Z'], '2026-03-01T09:00:00+09:00', false],
    ['after', ['2026-03-01'], 1_772_323_200_001, true],
    ['after', ['2026-03-01'], 'soon', false],
    ['semver>=', ['2.14.0'], '2.14.0', true],
    ['semver>=', ['2.14.0'], '2.14.0-rc.1', false],
    ['semver<', ['2.14.0'], '2.9', true],
    ['semver>', ['2.14.0'], '3', true],
    ['semver=', ['2.14.0'], '2.14.0+build.7', true],
    ['semver>', ['2.14.0'], 'v3.0.0', false],
    ['semver>', ['2.14.0'], 3, false],
    ['cidr', ['10.0.0.0/8', '192.168.1.1'], '10.200.3.4', true],
    ['cidr', ['10.0.0.0/8', '192.168.1.1'], '192.168.1.1', true],
    ['cidr', ['10.0.0.0/8'], '11.0.0.1', false],
    ['cidr', ['10.0.0.0/8'], '::ffff:10.0.0.1', true],
    ['cidr', ['2001:db8::/32'], '2001:db8:0:1::9', true],
    ['cidr', ['::/0'], '10.0.0.1', false],
    ['cidr', ['0.0.0.0/0'], '010.0.0.1', false],
    ['exists', [], 0, true],
    ['exists', [], '', true],
    ['exists', [], [], true],
    ['exists', [], null, false],
    ['exists', [], undefined, false],
  ]
  for (const [operator, values, found, expected] of rows) {
    const one = condition('attribute', operator, values)
    const label = JSON.stringify([operator, values, found])
    assert.equal(holds([one], { attribute: found }), expected, label)
    assert.equal(holds([{ ...one, negated: true }], { attribute: found }), !expected, `not ${label}`)
    assert.equal(holds([one], {}), false, `absent ${label}`)
    assert.equal(holds([{ ...one, negated: true }], {}), true, `absent, not ${label}`)
    assert.equal(holds([one], Object.create({ attribute: found })), false, `inherited ${label}`)
  }
})

test('text operators can ignore case, as far as each letter has one other', () => {
  const rows: readonly [operator: Operator, value: string, found: string, holds: boolean][] = [
    ['is', 'Pro', 'pRO', true],
    ['startsWith', 'ÄB', 'äbc', true],
    ['endsWith', '@TripTrip.com', 'MIO@TRIPTRIP.COM', true],
    ['contains', 'RIP', 'a trip', true],
    ['matches', '^[a-f]+É$', 'ABé', true],
    ['matches', '^[^a-f]+$', 'ABC', false],
  ]
  for (const [operator, value, found, expected] of rows) {
    assert.equal(holds([condition('a', operator, [value], { ignoreCase: true })], { a: found }), expected, value)
    assert.equal(
      holds([condition('a', operator, [value])], { a: found }),
      operator === 'matches' && value.includes('^a'),
    )
  }
})

test('a name with dots is a path of own properties, unless the context has an attribute of the whole name', () => {
  const rows: readonly [attribute: string, context: object, holds: boolean][] = [
    ['custom.betaTester', { custom: { betaTester: true } }, true],
    ['custom.betaTester', { custom: Object.create({ betaTester: true }) }, false],
    ['custom.betaTester', { 'custom.betaTester': true }, true],
    ['custom.betaTester', { 'custom.betaTester': false, custom: { betaTester: true } }, false],
    ['custom.betaTester', { custom: null }, false],
    ['custom.betaTester', { custom: 'betaTester' }, false],
    ['a.b.c', { a: { b: { c: ['x', true] } } }, true],
    ['constructor.name', {}, false],
    ['__proto__.polluted', {}, false],
    ['__proto__', JSON.parse('{"__proto__":true}'), true],
    ['toString', {}, false],
  ]
  for (const [attribute, context, expected] of rows)
    assert.equal(holds([condition(attribute, 'is', [true])], context), expected, JSON.stringify([attribute, context]))
})

test('a segment has its keys, never its excluded keys, and whoever one of its rules or its includes match', () => {
  const segments: Record<string, FlagSegment> = {
    staff: {
      include: { team: ['qa'] },
      keys: ['mio', 'both'],
      excludedKeys: ['ken', 'both'],
      rules: [[condition('email', 'endsWith', ['@triptrip.com']), condition('level', '>', [3])], []],
    },
    japan: { include: {}, rules: [[condition('country', 'is', ['JP'])]] },
    staffInJapan: {
      include: {},
      rules: [[condition('', 'inSegment', ['staff']), condition('', 'inSegment', ['japan'])]],
    },
    nobody: { include: {} },
  }
  const rows: readonly [segment: string, context: object, belongs: boolean][] = [
    ['staff', { targetingKey: 'mio' }, true],
    ['staff', { targetingKey: 'both' }, true],
    ['staff', { targetingKey: 'ken', team: 'qa' }, false],
    ['staff', { targetingKey: 'x', team: 'qa' }, true],
    ['staff', { team: 'qa' }, true],
    ['staff', { email: 'a@triptrip.com', level: 4 }, true],
    ['staff', { email: 'a@triptrip.com', level: 3 }, false],
    ['staffInJapan', { targetingKey: 'mio', country: 'JP' }, true],
    ['staffInJapan', { targetingKey: 'mio', country: 'FR' }, false],
    ['nobody', { targetingKey: 'mio' }, false],
  ]
  for (const [segment, context, belongs] of rows) {
    const asked = condition('', 'inSegment', [segment])
    assert.equal(holds([asked], context, segments), belongs, JSON.stringify([segment, context]))
    assert.equal(holds([{ ...asked, negated: true }], context, segments), !belongs)
  }
  assert.ok(holds([condition('', 'inSegment', ['nobody', 'japan'])], { country: 'JP' }, segments))
})

const letters = fc.constantFrom(...'abAB01 _-.é\n')
const atom = fc.oneof(
  letters.map(letter => (letter === '.' ? '\\.' : letter)),
  fc.constantFrom(
    '.',
    '\\d',
    '\\w',
    '\\s',
    '\\D',
    '\\W',
    '[ab]',
    '[^ab]',
    '[a-b0-1_-]',
    '[^\\W0]',
    '\\x61',
    '\\u0062',
    '\\n',
  ),
)
const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '*?', '{2}', '{1,}', '{0,2}', '{1,3}?')
const pattern: fc.Arbitrary<string> = fc.letrec<{ pattern: string; sequence: string; item: string }>(tie => ({
  pattern: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map(parts => parts.join('|')),
  sequence: fc.array(tie('item'), { maxLength: 4 }).map(items => items.join('')),
  item: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'pattern' },
    fc.tuple(atom, quantifier).map(pair => pair.join('')),
    fc.constantFrom('^', '$', '\\b', '\\B'),
    fc
      .tuple(fc.constantFrom('(', '(?:'), tie('pattern'), quantifier)
      .map(([open, inner, times]) => `${open}${inner})${times}`),
  ),
})).pattern

test('a regular expression that is accepted matches exactly where RegExp does, with and without case', () => {
  let compared = 0
  fc.assert(
    fc.property(
      pattern,
      fc.array(fc.array(letters, { maxLength: 8 }), { minLength: 8, maxLength: 8 }),
      fc.boolean(),
      (source, texts, ignoreCase) => {
        let ours: (text: string) => boolean
        try {
          ours = compileTextPattern(source, ignoreCase)
        } catch (problem) {
          assert.ok(problem instanceof PatternProblem)
          return
        }
        const theirs = new RegExp(source, ignoreCase ? 'i' : '')
        for (const text of texts.map(units => units.join(''))) {
          assert.equal(ours(text), theirs.test(text), JSON.stringify([source, text, ignoreCase]))
          compared++
        }
      },
    ),
    { numRuns: 4_000, seed },
  )
  assert.ok(compared > 20_000, `${compared} compared`)
})

test('every single unit is matched as RegExp matches it, with and without case', () => {
  for (const source of ['\\w', '\\W', '\\s', '\\S', '.', '[à-ÿ]', '[^à-ÿ]', 'ǅ', 'ſ', 'K', '[α-ω]', '\\B'])
    for (const ignoreCase of [false, true]) {
      const ours = compileTextPattern(source, ignoreCase)
      const theirs = new RegExp(source, ignoreCase ? 'i' : '')
      for (let unit = 0; unit <= 0xffff; unit++) {
        const text = String.fromCharCode(unit)
        if (ours(text) !== theirs.test(text)) assert.fail(`${source} ${ignoreCase} ${unit.toString(16)}`)
      }
    }
})

test('a regular expression that would go back and forth is answered in time linear to the text, or refused', () => {
  const text = `${'a'.repeat(10_000)}!`
  for (const source of ['^(a+)+$', '^(a|aa)+$', '^(a|a)*$', '^(.*a){20}$', '(x+x+)+y', '^(([a-z])+.)+[A-Z]([a-z])+$']) {
    const cpu = process.cpuUsage()
    assert.equal(compileTextPattern(source, false)(text), false, source)
    const { user } = process.cpuUsage(cpu)
    assert.ok(user < 2_000_000, `${source} took ${user} µs`)
  }
  const refused = [
    '(',
    ')',
    '[a',
    'a**',
    '*',
    'a{2',
    'a{3,1}',
    'a{101}',
    '\\',
    '\\1',
    '(?=a)',
    '(?<=a)',
    '(?<n>a)',
    '\\p{L}',
    ']',
    '}',
    '{',
    '^*',
    '[b-a]',
    '[\\w-z]',
    '\\c',
    '\\u00',
    '((((((((((((((((((((((a))))))))))))))))))))))',
    `${'a{100}'.repeat(6)}`,
    'a'.repeat(257),
  ]
  for (const source of refused) assert.throws(() => compileTextPattern(source, false), PatternProblem, source)
})

const copies = fc.constantFrom('', '*', '+', '?', '{0}', '{0,100}', '{1,}', '{3}', '{100}', '{100,}')
const nested = fc
  .array(fc.tuple(fc.constantFrom('', '()', '()()()', 'a', 'a{0}', '|', '(|)', '(?:){0}', '^'), copies), {
    minLength: 1,
    maxLength: 12,
  })
  .map(groups => groups.reduce((inner, [beside, times]) => `(${beside}${inner})${times}`, ''))

/** Counts how often somebody asks what kind of part it is looking at. */
function counted(node: PatternNode, visit: () => void): PatternNode {
  const inside = {
    ...('node' in node ? { node: counted(node.node, visit) } : {}),
    ...('nodes' in node ? { nodes: node.nodes.map(part => counted(part, visit)) } : {}),
  }
  const asked = {
    get: () => {
      visit()
      return node.kind
    },
  }
  return Object.defineProperty({ ...node, ...inside }, 'kind', asked)
}

function assemblyOf(source: string): { readonly visits: number; readonly instructions: number | null } {
  let visits = 0
  const node = counted(readPattern(source, false), () => visits++)
  try {
    return { instructions: assembleProgram(node).length, visits }
  } catch (problem) {
    assert.ok(problem instanceof PatternProblem)
    return { instructions: null, visits }
  }
}

test('a pattern is written out in steps bounded by its length and its instructions, however empty parts are nested', () => {
  let accepted = 0
  fc.assert(
    fc.property(nested, source => {
      const { visits, instructions } = assemblyOf(source)
      if (instructions !== null) accepted++
      assert.ok(visits <= source.length * (1 + (instructions ?? 500)), `${source}: ${visits}`)
      assert.ok(visits <= 40_000, `${source}: ${visits}`)
    }),
    { numRuns: 2_000, seed },
  )
  assert.ok(accepted > 200, `${accepted} accepted`)
  const rows: readonly [source: string, instructions: number | null][] = [
    ['(((((){100}){100}){100}){100}){100}', 1],
    ['((((a{0}){100}){100}){100}){100}', 1],
    [`${'('.repeat(20)}${'){100}'.repeat(20)}`, 1],
    [`(${'()'.repeat(120)}a){100}`, 101],
    ['((((a){100}){100}){100}){100}', null],
  ]
  for (const [source, instructions] of rows) assert.equal(assemblyOf(source).instructions, instructions, source)
  const deepest = `${'('.repeat(20)}a${'){1}'.repeat(19)}){100}`
  assert.equal(assemblyOf(`${deepest}${deepest}`).instructions, 201, 'as deep as it may be, and without empty parts')
  for (const source of ['^(){3,}a', '^(a{0}){2}b', '^((){2}|a){3}$', '^(()a{0}){2,4}b', '^((a{0})*b){2}$'])
    for (const text of ['', 'a', 'b', 'aa', 'aaa', 'bb', 'ab'])
      assert.equal(compileTextPattern(source, false)(text), new RegExp(source).test(text), `${source} ${text}`)
})

test('of a text matches reads at most 1,000 units, and of a list as many together; a longer one matches nothing', () => {
  const a = (count: number): string => 'a'.repeat(count)
  const rows: readonly [found: unknown, holds: boolean][] = [
    [a(1_000), true],
    [a(1_001), false],
    [[a(1_000)], true],
    [[a(1_001), 'a'], true],
    [['b'.repeat(999), 'a'], true],
    [['b'.repeat(1_000), 'a'], false],
    [['b'.repeat(600), 'b'.repeat(600), a(400)], true],
    [[1, true, null, ['a'], 'a'], true],
    [Array.from({ length: 1_001 }, (_, index) => (index === 1_000 ? 'a' : '')), false],
  ]
  const one = condition('attribute', 'matches', ['^$^x', 'a$'])
  for (const [found, expected] of rows) {
    const label = JSON.stringify(found).slice(0, 40)
    assert.equal(holds([one], { attribute: found }), expected, label)
    assert.equal(holds([{ ...one, negated: true }], { attribute: found }), !expected, `not ${label}`)
  }
  assert.ok(holds([condition('attribute', 'contains', ['a'])], { attribute: a(10_000) }), 'others read more')
})

test('the regular expressions that an evaluation may try come to 2,000 steps at most, wherever they are written', () => {
  const problemsOf = (given: Partial<FlagDefinition>) =>
    checkFlag(defineFlag({ key: 'flag', ...given })).map(({ path, message }) => [path, message.split(': ').at(-1)])
  const rule = (id: number, asking: readonly Condition[]) => ({ ...when(asking).rules[0]!, id: String(id) })
  const matches = (...values: string[]) => condition('email', 'matches', values)
  const asked = (...names: string[]) => condition('', 'inSegment', names)
  const of500 = (name: string): string => `${name}{100}b{100}c{100}d{100}e{99}`
  const expected = 'regular expressions of at most 2,000 steps in the whole flag.'
  const four = matches('v', 'w', 'x', 'y').values.map(String).map(of500)
  const segments = {
    staff: { include: {}, rules: [[matches(of500('a'))]] },
    all: { include: {}, rules: [[asked('staff', 'staff')]] },
  }
  const share = { share: 0, shadow: false }
  const cohort = (segment: string) => ({ segment, share: 0.5, mix: null })
  const rows: readonly [given: Partial<FlagDefinition>, path: string | null, found?: string][] = [
    [{ rules: [rule(0, [matches(...four)])] }, null],
    [{ rules: [rule(0, [matches(...four, 'a')])] }, 'rules[0].when[0].values[4]', '"a"'],
    [{ rules: [0, 1, 2, 3].map(id => rule(id, [matches(of500('a'))])) }, null],
    [{ rules: [0, 1, 2, 3, 4].map(id => rule(id, [matches(of500('a'))])) }, 'rules[4].when', '2500'],
    [
      { rules: [rule(0, [matches(...four)]), rule(1, [{ ...matches('a'), ignoreCase: true }])] },
      'rules[1].when[0].values[0]',
      '"a"',
    ],
    [{ segments, rules: [rule(0, [asked('staff', 'staff', 'all')])] }, null],
    [{ segments, rules: [rule(0, [asked('staff')]), rule(1, [asked('all', 'all')])] }, 'rules[1].when', '2500'],
    [
      { segments, exposure: { ...share, cohorts: ['all', 'all', 'staff'].map(cohort) } },
      'exposure.cohorts[2].segment',
      '2500',
    ],
    [
      { segments: { ...segments, more: { include: {}, rules: four.map(one => [matches(one)]) } } },
      'segments.more.rules[3][0].values[0]',
    ],
  ]
  for (const [given, path, found] of rows) {
    const [[place = null, message = ''] = [], ...others] = problemsOf(given)
    assert.deepEqual([place, others], [path, []])
    if (path !== null) assert.match(message, new RegExp(`^found ${found ?? '.*'}, expected ${expected}$`))
  }
  const many = Array.from({ length: 100 }, (_, id) =>
    rule(id, [matches(...Array.from({ length: 100 }, (_, at) => `${id}-${at}`))]),
  )
  assert.equal(problemsOf({ rules: many }).length, 1, 'said once, and the rest is not read')
  assert.equal(compileFlag(defineFlag({ key: 'flag', rules: many })).constant?.errorCode, 'PARSE_ERROR')
})

test('versions come in the order of Semantic Versioning 2.0.0, section 11', () => {
  const ordered = [
    '0.0.1',
    '0.9.0',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.0.1',
    '1.2.0',
    '1.10.0',
    '2.0.0-0',
    '2.0.0',
    '10.0.0',
  ]
  for (const [index, one] of ordered.entries())
    for (const [place, other] of ordered.entries()) {
      const expected = index === place ? ways.same : index < place ? ways.before : ways.after
      assert.equal(wayToVersion(one, parseSemanticVersion(other)!), expected, `${one} and ${other}`)
      assert.equal(wayToVersion(`${one}+build`, parseSemanticVersion(`${other}+other.build`)!), expected)
    }
  for (const text of [
    '',
    '1',
    '1.2',
    '01.2.3',
    '1.02.3',
    '1.2.3-',
    '1.2.3-01',
    '1.2.3+',
    'v1.2.3',
    '1.2.3.4',
    '1.2.3-a..b',
    ' 1.2.3',
    '9999999999999999.0.0',
  ])
    assert.equal(parseSemanticVersion(text), null, text)
  for (const text of ['', '.', '1.', '1..2', 'x', '1.2.3.4', '01', '-1', '1.2.3-é'])
    assert.equal(wayToVersion(text, parseSemanticVersion('1.0.0')!), 0, text)
})

test('plain numbers, which are read the short way, compare as they do with build metadata, which counts for nothing', () => {
  const part = fc.constantFrom('0', '1', '2', '10', '01', '', '.', 'x', '123456789', '1234567890')
  const version = fc.tuple(...Array(3).fill(fc.constantFrom(0, 1, 2, 123_456_789, 1_234_567_890)))
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), version, fc.boolean(), (parts, numbers, isPreRelease) => {
      const text = parts.join('.')
      const other = parseSemanticVersion(numbers.join('.') + (isPreRelease ? '-rc.1' : ''))!
      assert.equal(wayToVersion(text, other), wayToVersion(`${text}+build`, other), text)
    }),
    { numRuns: 5_000, seed },
  )
})

test('an address is in a range when their first bits are the same, and what is no address is in none', () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6())
  fc.assert(
    fc.property(address, fc.integer({ min: 0, max: 128 }), (base, bits) => {
      const length = base.includes(':') ? bits : Math.min(bits, 32)
      const range = parseAddressRange(`${base}/${length}`)
      assert.ok(range !== null, base)
      assert.ok(isInRange(base, range), `${base}/${length}`)
      assert.deepEqual(parseAddressRange(base) !== null, isIP(base) !== 0)
    }),
    { numRuns: 2_000, seed },
  )
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9a-f:.]{0,20}$/), text => {
      assert.equal(parseAddressRange(text) !== null, isIP(text) !== 0, text)
    }),
    { numRuns: 5_000, seed },
  )
  for (const text of [
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    'fe80::1%eth0',
    '1.2.3',
    '1.2.3.4.5',
  ])
    assert.equal(parseAddressRange(text), null, text)
})

test('moments are those of Date, wherever RFC 3339 and Date both have one', () => {
  const moment = fc.date({
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  })
  fc.assert(
    fc.property(moment, fc.integer({ min: -14 * 60, max: 14 * 60 }), (date, offset) => {
      assert.equal(readMoment(date.toISOString()), date.getTime())
      const local = new Date(date.getTime() + offset * 60_000)
      if (local.getUTCFullYear() < 1 || local.getUTCFullYear() > 9999) return
      const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60].map(part =>
        String(part).padStart(2, '0'),
      )
      const text = `${local.toISOString().slice(0, -1)}${offset < 0 ? '-' : '+'}${hours}:${minutes}`
      assert.equal(readMoment(text), date.getTime(), text)
    }),
    { numRuns: 2_000, seed },
  )
  for (const text of [
    '2026-02-29',
    '2026-13-01',
    '2026-00-01',
    '2026-01-32',
    '2026-1-1',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:00:00',
    'now',
    '',
  ])
    assert.ok(Number.isNaN(readMoment(text)), text)
})
