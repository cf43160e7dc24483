import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createDankaiClient } from '@dankai/sdk'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@dankai/store'
import { contextOf } from './context.ts'
import { createProgram } from './program.ts'
import { type LocalServer, startLocalServer } from './testing/local-server.ts'
import { type CommandRun, runCommand, splitWords } from './testing/run-command.ts'

let postgres: EmbeddedPostgres
let local: LocalServer
let workingFolder = ''
let databaseUrl = ''
const commandsRun = new Set<string>()

before(async () => {
  workingFolder = mkdtempSync(join(tmpdir(), 'dankai-flags-'))
  postgres = await startEmbeddedPostgres({ dataDir: join(workingFolder, 'postgres') })
  databaseUrl = postgres.url
  local = await startLocalServer(databaseUrl)
})
after(async () => {
  await local.close()
  await postgres.close()
  rmSync(workingFolder, { recursive: true })
})

function dankai(line: string, environment: Readonly<Record<string, string>> = {}): Promise<CommandRun> {
  const words = splitWords(line)
  commandsRun.add(words.slice(0, 2).join(' '))
  return runCommand(words, { workingFolder, environment: { DANKAI_URL: local.url, ...environment } })
}

async function data(line: string) {
  const { out, error, exit } = await dankai(`${line} --json`)
  assert.deepEqual([exit, error], [0, []], `${line}: ${out}`)
  return JSON.parse(out[0] ?? '')
}

/** Ids and times differ from run to run. */
const steady = (lines: readonly string[]): readonly string[] =>
  lines.map(line => line.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME').replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID'))

const file = (name: string, content: unknown): string => {
  writeFileSync(join(workingFolder, name), typeof content === 'string' ? content : JSON.stringify(content))
  return name
}

describe('dankai flags', () => {
  it('makes, shows, lists, changes, toggles and removes a flag, with who and why (F-033)', async () => {
    const made = await dankai(
      'flags set new-booking-flow --on --share 25% --title Booking --owner trips --why "first try"',
    )
    assert.deepEqual([made.exit, made.out, made.error], [0, ['new-booking-flow: on, 25% (version 1)'], []])
    assert.deepEqual((await dankai('flags set new-booking-flow --field seed=spring')).out, [
      'new-booking-flow: on, 25% (version 2)',
    ])
    assert.deepEqual((await dankai('flags toggle new-booking-flow --why incident', { DANKAI_LANG: 'ja' })).out, [
      'new-booking-flow: off, 25% (版 3)',
    ])
    assert.deepEqual(steady((await dankai('flags get new-booking-flow')).out), [
      'new-booking-flow  release  off  version 3',
      '  title      Booking',
      '  owner      trips',
      '  variants   on (on)=true, off (off)=false',
      '  exposure   25%',
      '  otherwise  off',
      '  stage      -',
      '  retention  Kept: 90 days after GA.',
      '  evaluated  -',
      '  changed    TIME',
    ])
    await data('flags set new-search --kind experiment')
    assert.deepEqual((await dankai('flags list')).out, [
      'new-booking-flow  release     off  25%  -',
      'new-search        experiment  on   0%   -',
    ])
    assert.equal((await data('flags list --kind experiment')).items.length, 1)
    assert.deepEqual(steady((await dankai('flags history new-booking-flow')).out), [
      'version 3  TIME  local  "incident"',
      '  on: true -> false',
      'version 2  TIME  local',
      '  seed: "new-booking-flow" -> "spring"',
      'version 1  TIME  local  "first try"',
      '  made',
    ])
    assert.deepEqual((await dankai('flags remove new-booking-flow --why unused')).out, [
      'removed new-booking-flow; take it back with: dankai flags restore new-booking-flow 3',
    ])
    assert.deepEqual((await dankai('flags restore new-booking-flow 1')).out, ['new-booking-flow: on, 25% (version 6)'])
    const gone = await dankai('flags get nothing')
    assert.deepEqual(
      [gone.exit, gone.error],
      [1, ['Cannot find flag "nothing": found no such flag in this environment.']],
    )
  })

  it('tells the loser of two changes what the other changed', async () => {
    await data('flags set two-admins --on')
    const { flag } = await data('flags get two-admins')
    await data('flags set two-admins --off --why mine')
    const late = await dankai(`flags set two-admins --share 50% --seen ${flag.version}`)
    assert.equal(late.exit, 1)
    assert.match(
      late.error[0] ?? '',
      /^Cannot change flag "two-admins": found version \d+ by local, expected the one you saw\./,
    )
    assert.deepEqual(late.error.slice(1, 2), ['  theirs: on: true -> false'])
  })

  it('plans, lists and cancels changes', async () => {
    await data('flags set planned --on')
    assert.deepEqual((await dankai('flags schedule planned')).out, ['Nothing planned.'])
    const planned = await dankai('flags schedule planned --at 2099-01-01T09:00:00+09:00 --off --why night')
    assert.deepEqual(steady(planned.out), ['TIME  planned  on=false  planned  ID'])
    const [change] = (await data('flags schedule planned')).items
    assert.equal(change.at, Date.UTC(2099, 0, 1))
    const cancelled = await dankai(`flags schedule planned --cancel ${change.id}`)
    assert.match(cancelled.out[0] ?? '', /cancelled \(by local\)/)
    const wrong = await dankai('flags schedule planned --at tomorrow --off')
    assert.equal(wrong.exit, 2)
    assert.match(wrong.error[0] ?? '', /^Cannot read the time: found "tomorrow", expected a time with its zone\./)
  })

  it('takes a flag through its stages and names what is stale (F-080, F-087)', async () => {
    await data('flags set staged --on')
    assert.deepEqual((await dankai('flags stage staged beta')).out, [
      'development: changed',
      'staging: changed',
      'production: changed',
    ])
    assert.equal((await data('flags get staged')).flag.rules[0].share, 0.1)
    assert.deepEqual((await dankai('flags stage staged cleanup --in production')).out, [
      'production: changed',
      'task: Remove flag checks from codebase',
    ])
    const stale = await dankai('flags stale')
    assert.deepEqual([stale.exit, stale.out], [0, ['staged  release  -', '  task: Remove flag checks from codebase']])
    assert.equal((await dankai('flags stale --strict')).exit, 0)
    assert.equal((await dankai('flags stage staged alpha')).exit, 1)
  })

  it('finds the flags of the server in code', async () => {
    await data('flags set in-code --on')
    mkdirSync(join(workingFolder, 'src'))
    file('src/code.ts', "if (flags.isEnabled('in-code')) start()\nif (flags.isEnabled('mispelled-key')) stop()\n")
    const { flags, unreferenced, unknown } = await data('flags refs src')
    assert.deepEqual(flags, [{ key: 'in-code', references: [{ file: 'src/code.ts', line: 1 }] }])
    assert.ok(unreferenced.includes('staged'))
    assert.deepEqual(unknown, [{ key: 'mispelled-key', references: [{ file: 'src/code.ts', line: 2 }] }])
    assert.equal((await dankai('flags refs src --strict')).exit, 1)
  })

  it('moves flags out and in again, and names what cannot be carried over', async () => {
    const { data: exported } = await data('flags export --format dankai')
    const name = file('flags.json', exported)
    const again = await dankai(`flags import ${name} --format dankai`)
    assert.deepEqual([again.exit, again.out], [0, [`imported 0, unchanged ${exported.flags.length}, not imported 0`]])
    assert.equal((await data(`flags import ${name} --format dankai --environment staging --replace`)).skipped.length, 0)
    assert.equal((await data('flags list --environment staging')).items.length, exported.flags.length)
    const broken = file('broken.json', { flags: [{ key: 'sound' }, { key: 'odd', onVariant: 'purple' }] })
    const partly = await dankai(`flags import ${broken} --format dankai --dry-run`)
    assert.deepEqual([partly.exit, partly.out[0], partly.out.at(-1)], [0, '  sound', 'would import 1'])
    assert.match(partly.out[1] ?? '', /^ {2}not carried over: odd: Cannot read flag "odd"|^ {2}not carried over: odd: /)
    const other = await dankai(`flags import ${file('other.json', { flags: [{ key: 'staged' }] })} --format dankai`)
    assert.deepEqual(
      [other.exit, other.out[0]],
      [1, '  not imported: staged: it is there already; give --replace to replace it'],
    )
    const text = await dankai(`flags import ${file('text.json', 'no json')} --format dankai`)
    assert.deepEqual(
      [text.exit, text.error[0]],
      [2, 'Cannot import "text.json": found no JSON, expected the export as JSON. Export it again.'],
    )
    assert.equal((await dankai('flags import nothing.json --format dankai')).exit, 3)
    const launchDarkly = await dankai('flags export --format launchdarkly')
    assert.ok(launchDarkly.error.every(line => line.startsWith('left out: ')))
    assert.ok('planned' in JSON.parse(launchDarkly.out.join('\n')).flags)
  })
})

describe('dankai flags import and export of other systems', () => {
  it('reads what each of them exports and names by name what cannot be carried over', async () => {
    const unleash = {
      version: 2,
      features: [
        {
          name: 'from-unleash',
          enabled: true,
          strategies: [{ name: 'flexibleRollout', parameters: { rollout: '25', stickiness: 'default', groupId: 'g' } }],
        },
        { name: 'odd-strategy', enabled: true, strategies: [{ name: 'moonPhase', parameters: {} }] },
      ],
    }
    const flagd = {
      flags: { 'from-flagd': { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off' } },
    }
    const growthbook = { features: { 'from-growthbook': { defaultValue: true } } }
    const launchDarkly = {
      flags: {
        'from-launchdarkly': {
          ...{ key: 'from-launchdarkly', version: 3, on: true, salt: 's', variations: [true, false] },
          ...{ offVariation: 1, fallthrough: { variation: 0 }, targets: [], rules: [], prerequisites: [] },
        },
      },
      segments: {},
    }
    for (const [format, content, key] of [
      ['unleash', unleash, 'from-unleash'],
      ['flagd', flagd, 'from-flagd'],
      ['growthbook', growthbook, 'from-growthbook'],
      ['launchdarkly', launchDarkly, 'from-launchdarkly'],
    ] as const) {
      const name = file(`${format}.json`, content)
      const { exit, out, error } = await dankai(`flags import ${name} --format ${format} --environment imported`)
      assert.deepEqual([exit, error], [0, []], out.join('\n'))
      assert.ok(out.includes(`  ${key}`), out.join('\n'))
      assert.equal((await data(`flags get ${key} --environment imported`)).flag.on, true)
      if (format === 'unleash') assert.ok(out.some(line => line.startsWith('  not carried over: odd-strategy')))
      const exported = await dankai(`flags export --format ${format} --environment imported`)
      assert.equal(exported.exit, format === 'growthbook' ? 1 : 0)
      if (format !== 'growthbook') assert.ok(exported.out.join('').includes(key), format)
    }
  })
})

describe('dankai cohort', () => {
  it('explains why somebody is in or out', async () => {
    await data('flags set explained --share 30%')
    const { out, exit } = await dankai('cohort explain user-1 --flag explained --attribute custom.betaTester=true')
    assert.equal(exit, 0)
    assert.match(out[0] ?? '', /^explained: (on|off) \((SHARE|OUTSIDE)\)$/)
    assert.match(out[1] ?? '', /^ {2}[→ ] share +bucket [\d.]+%, threshold 30%$/)
    const all = await data('cohort explain user-1')
    assert.ok(all.flags.some(({ flag }: { flag: string }) => flag === 'explained'))
    assert.equal((await dankai('cohort explain user-1 --flag nothing')).exit, 1)
    assert.equal((await dankai('cohort explain user-1 --attribute plan')).exit, 2)
  })

  it('previews a sample with quotas, and says how far off it is where people are short', async () => {
    const quota = '--quota region:東京=50%,大阪=20%,その他=30% --quota seniority:新規=30%,既存=70%'
    const people = '--population region:東京=30%,大阪=20%,その他=50% --population seniority:新規=20%,既存=80%'
    const full = await dankai(`cohort preview --share 15% ${quota} ${people} --size 10000`)
    assert.deepEqual([full.exit, full.out[0]], [0, 'asked 15%, reached 15% (1500 people)'])
    assert.ok(
      full.out.includes('  region=東京  50%    50%') || full.out.some(line => /region=東京 +50% +50%$/.test(line)),
    )
    const short = await dankai('cohort preview --share 50% --quota a:x=100%,y=0% --population a:x=10%,y=90%')
    assert.deepEqual([short.exit, short.out[0]], [1, 'asked 50%, reached 10%'])
    const wrong = await dankai('cohort preview --share 15% --quota region:東京=50%')
    assert.equal(wrong.exit, 2)
    assert.equal((await dankai('cohort preview --share 15% --quota a:x=100%')).exit, 1)
  })
})

describe('dankai emergency stop to several instances', () => {
  it('counts an SDK once, whichever instance it is connected to', async () => {
    const second = await startLocalServer(databaseUrl)
    const key = await fetch(`${local.url}/v1/keys`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'sdk-server', principal: 'shop', name: 'shop' }),
    })
    const { secret } = (await key.json()) as { secret: string }
    const client = createDankaiClient({ url: second.url, key: secret, name: 'shop-1' })
    try {
      await client.ready(20_000)
      const urls = { DANKAI_URL: `${local.url},${second.url}` }
      const stopped = await dankai('emergency stop --why drill', urls)
      assert.deepEqual([stopped.exit, stopped.out[0]], [0, 'stopped: 1 of 1 connected SDKs have it'])
      const cleared = await dankai('emergency clear --why over', urls)
      assert.deepEqual([cleared.exit, cleared.out], [0, ['cleared: 1 of 1 connected SDKs have it']])
    } finally {
      await client.close()
      await second.close()
    }
  })
})

describe('dankai emergency stop --offline', () => {
  const plan = `kind: ReleasePlan
name: offline
exposure: [{ flag: offline-new }]
before: [{ approve: release-managers }]
phases: [{ name: canary, expose: 5%, hold: 1h }]
rollback: [{ expose: 0% }]
`
  /** A machine that is busy with other tests is slow, not wrong. */
  async function rolledBack(id: string): Promise<void> {
    for (const startedAt = performance.now(); ; ) {
      const { status } = await data(`status ${id}`)
      if (status.stage === 'rolledBack') return
      if (performance.now() - startedAt > 20_000) throw new Error(`not rolled back: ${JSON.stringify(status)}`)
    }
  }

  it('stops the flags and live releases of a plan through the database, when no server answers the command', async () => {
    await data(`apply ${file('offline.yaml', plan)}`)
    const { id } = await data('start offline --version v1')
    await data('flags set offline-new --on')
    const environment = { DANKAI_URL: 'http://127.0.0.1:3', DATABASE_URL: databaseUrl }
    const { exit, out, error } = await dankai('emergency stop --offline --plan offline.yaml --why fire', environment)
    assert.deepEqual([exit, error], [0, []])
    assert.deepEqual(out, [
      'offline: 0 of 0 connected SDKs have it',
      '  stopped: flag:offline-new: stopped in the database',
      `  release: ${id}`,
    ])
    await rolledBack(id)
    const { flags } = await data('cohort explain u1 --flag offline-new')
    assert.equal(flags[0].reason, 'KILLED', 'the server that still has the database heard of it')
    await data('emergency clear --why over')
  })

  it('says clearly what it could not reach, and how it is used', async () => {
    file('offline.yaml', plan)
    const stop = (rest: string, environment: Readonly<Record<string, string>>) =>
      dankai(`emergency ${rest} --offline --why fire`, environment)
    const away = await stop('stop --plan offline.yaml', { DATABASE_URL: 'postgres://nobody@127.0.0.1:3/none' })
    assert.equal(away.exit, 3)
    assert.match(
      away.error[0] ?? '',
      /^Cannot stop without a server: found no answer \(.*ECONNREFUSED.*\), expected the database/,
    )
    for (const [rest, environment] of [
      ['stop', { DATABASE_URL: databaseUrl }],
      ['clear --plan offline.yaml', { DATABASE_URL: databaseUrl }],
      ['stop --plan offline.yaml', { DATABASE_URL: '' }],
      ['stop --plan nowhere.yaml', { DATABASE_URL: databaseUrl }],
    ] as const)
      assert.equal((await stop(rest, environment)).exit, 2, rest)
  })
})

it('every command of flags and cohort was run here against the server', () => {
  const terminal = { out: () => {}, error: () => {}, columns: 100, hasColour: false, environment: {}, workingFolder }
  const all = createProgram(contextOf(terminal, false)).commands.flatMap(group =>
    group.commands.map(command => `${group.name()} ${command.name()}`),
  )
  assert.deepEqual(
    all.filter(name => !commandsRun.has(name)),
    [],
  )
})
