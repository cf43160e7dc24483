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

/** A machine that is busy with other tests is slow, not wrong. */
const untilMs = 60_000

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
      '  read by    servers',
      '  stage      -',
      '  retention  Kept: 90 days after GA.',
      '  evaluated  -',
      '  changed    TIME',
    ])
    const japanese = (await dankai('flags get new-booking-flow', { DANKAI_LANG: 'ja' })).out
    assert.deepEqual(
      [japanese[0], japanese.find(line => line.includes('保持'))],
      ['new-booking-flow  release  off  版 3', '  保持    保持します'],
    )
    const staff = { attribute: 'email', operator: 'endsWith', values: ['@a', '@b', '@c', '@d'] }
    const early = { attribute: '', operator: 'inSegment', values: ['early'], negated: true }
    const rules = [
      { id: 'staff', when: [staff, early], share: 0.5, serve: { variant: 'on' } },
      { id: 'rest', serve: { variant: 'off' } },
    ]
    await data(
      `flags set new-search --field 'rules=${JSON.stringify(rules)}' --field 'segments={"early":{"include":{"a":["b"]}}}'`,
    )
    assert.deepEqual(
      (await dankai('flags get new-search')).out.filter(line => line.startsWith('  rule ')),
      [
        '  rule       staff: email endsWith "@a", "@b", "@c", … (4) & not inSegment "early": 50% -> on',
        '  rule       rest: everybody: 100% -> off',
      ],
    )
    await data('flags set new-search --kind experiment --field rules=[]')
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
    assert.deepEqual((await dankai('flags restore new-booking-flow 1')).out, ['new-booking-flow: on, 25% (version 7)'])
    const misread = await dankai('flags restore new-booking-flow first')
    assert.deepEqual(
      [misread.exit, misread.error],
      [
        2,
        [
          'Cannot run "dankai flags restore": found "first" for <version>, expected a whole number. See "dankai flags restore --help".',
        ],
      ],
    )
    const reserved = await dankai('flags set stale --on')
    assert.deepEqual(
      [reserved.exit, reserved.error],
      [2, ['Cannot name a flag "stale": found a word of the API, expected another key. Choose another.']],
    )
    const slip = await dankai('flags set new-search --on --environment prodction')
    assert.match(slip.error[0] ?? '', /^This is the first flag of "prodction"/)
    assert.deepEqual((await dankai('flags set second --on --environment prodction')).error, [])
    const unclosed = await dankai('flags set new-search --field rules=[')
    assert.equal(unclosed.exit, 2)
    assert.match(unclosed.error[0] ?? '', /^Cannot read a field: found "rules=\[", expected NAME=JSON/)
    const unsound = await dankai('flags set unsound --field onVariant=none')
    assert.deepEqual(unsound.error, [
      'Cannot accept flag "unsound": onVariant: found "none", expected the name of a variant.',
    ])
    const gone = await dankai('flags get nothing')
    assert.deepEqual(
      [gone.exit, gone.error],
      [1, ['Cannot find flag "nothing": found no such flag in environment "production" of project "default".']],
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
    const share = await data('flags schedule planned --at 2099-01-01T09:00:00+09:00 --share 50%')
    assert.deepEqual(share.flag, { exposure: { share: 0.5 } }, 'cohorts are those of then')
    await dankai('flags schedule planned --at 2099-01-01T09:00:00Z --off')
    await dankai('flags set planned --kind ops')
    assert.match((await dankai('flags schedule planned')).out[0] ?? '', /planned \(will be cancelled: the flag is at /)
    const noDay = await dankai('flags schedule planned --at 2099-11-31T09:00:00Z --off')
    assert.match(noDay.error[0] ?? '', /^Cannot read the time: found "2099-11-31T09:00:00Z"/)
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

async function call<Body>(path: string, body: unknown, key: string | null = null): Promise<Body> {
  const response = await fetch(local.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === null ? {} : { authorization: `Bearer ${key}` }) },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  assert.ok(response.ok, `${path}: ${text}`)
  return text === '' ? (null as Body) : JSON.parse(text)
}

const keyOf = async (kind: string): Promise<string> =>
  (await call<{ secret: string }>('/v1/keys', { kind, principal: 'shop', name: `shop ${kind}` })).secret

describe('dankai experiments', () => {
  /** Users of each variant, of whom the first ones searched, each for so much. */
  async function tell(flag: string, variant: string, users: number, converted: number, value: number): Promise<void> {
    const at = Date.now() - 1_000
    const people = Array.from({ length: users }, (_, index) => `${flag}-${variant}-${index}`)
    await call('/v1/exposures', {
      sdk: '00000000-0000-4000-8000-000000000009',
      batch: ++batch,
      sentAt: Date.now(),
      exposures: people.map(user => ({ flag, variant, user, at })),
      outcomes: people.slice(0, converted).map(user => ({ event: `${flag}-search`, user, at, value })),
    })
  }
  let batch = 0
  const halves = (one: string, two: string): string => {
    const variants = JSON.stringify({ [one]: one, [two]: two })
    const split = JSON.stringify({
      split: [one, two].map(variant => ({ variant, weight: 50_000 })),
      experiment: true,
    })
    return `--kind experiment --field variants='${variants}' --field offVariant=${one} --field onVariant=${two} --field otherwise='${split}'`
  }

  it('lists experiments, and shows what one has shown with intervals and the check of its sample ratio (F-037)', async () => {
    await data(`flags set ranking ${halves('control', 'ml')} --owner search`)
    await tell('ranking', 'control', 900, 90, 1)
    await tell('ranking', 'ml', 900, 225, 2)
    const listed = await dankai('experiments list')
    assert.ok(listed.out.includes('ranking     running  control 50% / ml 50%  search'), listed.out.join('\n'))
    const shown = await dankai('experiments results ranking')
    assert.deepEqual(
      [shown.exit, steady(shown.out)],
      [
        0,
        [
          'ranking: running, first user TIME, 1800 users, compared with control',
          '  variant            users  got  should get',
          '  control (control)  900    50%  50%',
          '  ml                 900    50%  50%',
          'sample ratio: as it should be (e-value 0.6, alarm from 1000)',
          'ranking-search',
          '  variant  did it           difference (95% interval)       mean  difference (95% interval)',
          '  control  90 / 900 = 10%                                   0.1',
          '  ml       225 / 900 = 25%  +15 (+9.47 … +20.53) pp higher  0.5   +0.4 (+0.3038 … +0.4962) higher',
        ],
      ],
    )
    const japanese = await dankai('experiments results ranking --control ml', { DANKAI_LANG: 'ja' })
    assert.match(steady(japanese.out)[0] ?? '', /^ranking: 実施中、最初の利用者 TIME、利用者 1800 人、比べる相手は ml$/)
    assert.ok(
      japanese.out.some(line => /^ {2}control .* 低い$/.test(line)),
      japanese.out.join('\n'),
    )
    const { sampleRatio, outcomes } = await data('experiments results ranking --event nothing')
    assert.deepEqual([sampleRatio.state, outcomes[0].event], ['even', 'nothing'])
    await data('flags set ranking --ended')
    const japaneseList = await dankai('experiments list', { DANKAI_LANG: 'ja' })
    assert.ok(japaneseList.out.some(line => /^ranking +終了 /.test(line)))
    assert.match((await dankai('experiments results ranking')).out[0] ?? '', /^ranking: ended \d/)
  })

  it('says first what keeps results from being read', async () => {
    await data(`flags set losing ${halves('a', 'b')}`)
    await tell('losing', 'a', 900, 10, 1)
    await tell('losing', 'b', 50, 1, 1)
    await tell('losing', 'b', 1, 0, 1)
    await call('/v1/exposures', {
      sdk: '00000000-0000-4000-8000-000000000009',
      batch: ++batch,
      sentAt: Date.now(),
      exposures: [{ flag: 'losing', variant: 'a', user: 'losing-b-7', at: Date.now() }],
      outcomes: [],
    })
    const { out } = await dankai('experiments results losing')
    assert.deepEqual(out.slice(1, 3), [
      '! do not read the results: find out first why some variant loses users',
      '! 1 users were given more than one variant and are left out',
    ])
    assert.ok(
      out.some(line => /^sample ratio: NOT as it should be \(e-value 10\^\d+, alarm from 1000\)$/.test(line)),
      out.join('\n'),
    )
    assert.ok(out.some(line => /^ {2}b .*too few users/.test(line)))
    const wrong = await dankai('experiments results losing --control purple')
    assert.deepEqual([wrong.exit, wrong.error[0]?.slice(0, 28)], [1, 'Cannot compare with "purple"'])
    assert.equal((await dankai('experiments results nothing')).exit, 1)
  })
})

describe('dankai flags sets and apply-set', () => {
  const plan = `kind: ReleasePlan
name: push
exposure: [{ flag: push-new }]
flags:
  initial: { PUSH: false, MONITORING: true, TARGET: 0 }
  alpha: { PUSH: true, MONITORING: true, TARGET: exposure, ALPHA_ONLY: true }
  emergency: { PUSH: false, MONITORING: true, TARGET: 0 }
phases: [{ name: all, expose: 100%, hold: 1h, flags: alpha }]
rollback: [{ flags: emergency }]
`
  it('shows the sets of applied plans and applies one as a complete replacement (CB-03)', async () => {
    const none = await dankai('flags sets --environment empty')
    assert.deepEqual([none.exit, none.out], [0, ['No applied plan has a flag set.']])
    await data(`apply ${file('push.yaml', plan)}`)
    const table = [
      'push',
      '  flag        initial  alpha     emergency',
      '  PUSH        false    true      false',
      '  MONITORING  true     true      true',
      '  TARGET      0        exposure  0',
      '  ALPHA_ONLY  -        true      -',
      '- : not named, so a set that is applied switches it off',
    ]
    assert.deepEqual((await dankai('flags sets')).out, table)
    assert.deepEqual((await dankai('flags sets push')).out, table)
    const alpha = await dankai('flags apply-set push alpha --exposure 5% --why "first users"')
    assert.deepEqual(
      [alpha.exit, alpha.out.at(-1)],
      [0, 'push/alpha: changed 4, unchanged 0, not set 0'],
      alpha.error.join('\n'),
    )
    assert.equal((await data('flags get TARGET')).flag.variants.on, 5)
    const stopped = await dankai('flags apply-set push emergency', { DANKAI_LANG: 'ja' })
    assert.deepEqual(
      [stopped.exit, stopped.out],
      [
        0,
        ['  変更: PUSH', '  変更: TARGET', '  変更: ALPHA_ONLY', 'push/emergency: 変更 3、同じ 1、設定できないもの 0'],
      ],
    )
    assert.equal((await data('flags get ALPHA_ONLY')).flag.on, false, 'not named, so off')
    assert.match((await dankai('flags history ALPHA_ONLY')).out[0] ?? '', /"flag set push\/emergency"$/)
  })

  it('sets what it can, names what a live release moves, and ends with 1; breaking the glass sets that too', async () => {
    const scope = '--environment held'
    const held = plan.replace('name: push', 'name: held').replaceAll('PUSH', 'push-new')
    const waiting = held.replace('phases:', 'before: [{ approve: release-managers }]\nphases:')
    const files = [{ file: 'held.yaml', text: waiting }]
    await call('/v1/plans?environment=held', { files })
    await data(`flags set push-new ${scope}`)
    const { id } = await call<{ id: string }>('/v1/releases?environment=held', { plan: 'held', version: 'v1' })
    const partly = await dankai(`flags apply-set held emergency ${scope}`)
    assert.deepEqual(
      [partly.exit, steady(partly.out)],
      [
        1,
        [
          '  changed: MONITORING',
          '  changed: TARGET',
          '  changed: ALPHA_ONLY',
          '  not set: push-new: moved by live release ID',
          'held/emergency: changed 3, unchanged 0, not set 1',
        ],
      ],
    )
    const all = await dankai(`flags apply-set held emergency ${scope} --break-glass --why fire`)
    assert.deepEqual([all.exit, all.out.at(-1)], [0, 'held/emergency: changed 1, unchanged 3, not set 0'])
    assert.equal((await data(`flags get push-new ${scope}`)).claimedBy, id)
  })

  it('says what it cannot apply', async () => {
    const noShare = await dankai('flags apply-set push alpha')
    assert.deepEqual(
      [noShare.exit, noShare.error],
      [
        2,
        [
          'Cannot apply flag set "alpha": found that TARGET follows the exposure of a release, expected a percentage to put there. Give --exposure 25%.',
        ],
      ],
    )
    const unknown = await dankai('flags apply-set push omega')
    assert.deepEqual(
      [unknown.exit, unknown.error],
      [
        1,
        [
          'Cannot apply flag set "omega" of plan "push": found no such set, expected one of initial, alpha, emergency. See them: dankai flags sets.',
        ],
      ],
    )
    assert.equal((await dankai('flags apply-set nothing alpha')).exit, 1)
  })
})

describe('dankai flags policy', () => {
  it('says and sets whether overdue flags block releases, and leaves the stages as they are', async () => {
    assert.deepEqual((await dankai('flags policy')).out, ['Overdue flags block no release.'])
    const { stages } = await data('flags policy')
    assert.deepEqual(stages.gradualShares, [0.25, 0.5, 0.75, 1])
    assert.deepEqual(await data('flags policy --block-overdue'), { overdueBlocksRelease: true, stages })
    assert.deepEqual((await dankai('flags policy', { DANKAI_LANG: 'ja' })).out, [
      '削除の期限を過ぎたフラグは、そのサービスの次のリリースを止めます。',
    ])
    assert.deepEqual(await data('flags policy --allow-overdue'), { overdueBlocksRelease: false, stages })
    assert.equal((await dankai('flags policy --allow-overdue --block-overdue')).exit, 2)
  })
})

describe('dankai flags evaluations and clients', () => {
  it('says who evaluated a flag, with which answer and when last', async () => {
    await data('flags set watched --on --share 100%')
    assert.deepEqual((await dankai('flags evaluations watched')).out, ['No client has reported evaluations yet.'])
    const toggles = { watched: { yes: 7, no: 2, variants: {} } }
    const bucket = { start: new Date(Date.now() - 60_000).toISOString(), stop: new Date().toISOString(), toggles }
    await call('/unleash/api/client/metrics', { appName: 'shop', instanceId: 'i', bucket }, await keyOf('sdk-server'))
    const { out } = await dankai('flags evaluations watched')
    assert.deepEqual(steady(out), [
      'counted since TIME',
      ...['who      variant  count  last', 'unleash  off      2      TIME', 'unleash  on       7      TIME'],
    ])
    const japanese = await dankai('flags evaluations in-code', { DANKAI_LANG: 'ja' })
    assert.equal(japanese.out[1], '誰も評価していません。')
    assert.equal((await dankai('flags evaluations nothing')).exit, 1)
  })

  it('names connected, acknowledged and silent SDKs, and what each protocol is refused and why', async () => {
    await data('flags set dealt --on --share 50% --environment served')
    const secret = (
      await call<{ secret: string }>('/v1/keys', {
        ...{ kind: 'sdk-server', principal: 'shop', name: 'served', environment: 'served' },
      })
    ).secret
    const client = createDankaiClient({ url: local.url, key: secret, name: 'shop-1' })
    const ending = new AbortController()
    try {
      await client.ready(untilMs)
      const silent = { 'dankai-sdk': '00000000-0000-4000-8000-0000000000aa; name=mute-1' }
      const headers = { ...silent, authorization: `Bearer ${secret}` }
      await fetch(`${local.url}/v1/stream`, { headers, signal: ending.signal })
      const read = async () => steady((await dankai('flags clients --environment served')).out)
      let lines = await read()
      for (const startedAt = performance.now(); !lines[0]?.endsWith('1 of 2 server SDKs have it'); lines = await read())
        assert.ok(performance.now() - startedAt < untilMs, lines.join('\n'))
      const version = String((await data('flags get dealt --environment served')).flag.version)
      assert.deepEqual(lines.slice(0, 5), [
        `version ${version}: 1 of 2 server SDKs have it`,
        '  name    kind    state         version  stream     last heard',
        '  mute-1  server  silent        0        connected  TIME',
        `  shop-1  server  acknowledged  ${version.padEnd(7)}  connected  TIME`,
        'not served to launchdarkly clients:',
      ])
      assert.match(lines[5] ?? '', /^ {2}dealt {2}.*dankai/)
      const all = await data('flags clients --environment served')
      assert.deepEqual(
        all.refused.map(({ client, flags }: { client: string; flags: readonly { flag: string }[] }) => [
          client,
          flags.map(({ flag }) => flag),
        ]),
        ['launchdarkly', 'unleash', 'flagd'].map(name => [name, ['dealt']]),
      )
      const one = await dankai('flags clients dealt --environment served', { DANKAI_LANG: 'ja' })
      assert.equal(one.out.filter(line => line.includes('届かない')).length, 3)
      assert.deepEqual((await dankai('flags clients watched')).out, [
        'launchdarkly  served',
        'unleash       served',
        'flagd         served',
      ])
    } finally {
      ending.abort()
      await client.close()
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

/** Runs the command again while an SDK is too slow to speak within the second that the servers wait for it. */
async function untilSaid(
  line: string,
  environment: Readonly<Record<string, string>>,
  expected: string,
): Promise<CommandRun> {
  for (const startedAt = performance.now(); ; ) {
    const run = await dankai(line, environment)
    assert.equal(run.exit, 0, run.error.join('\n'))
    if (run.out[0] === expected) return run
    assert.ok(performance.now() - startedAt < untilMs, run.out.join('\n'))
  }
}

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
      await client.ready(untilMs)
      const urls = { DANKAI_URL: `${local.url},${second.url}` }
      await untilSaid('emergency stop --why drill', urls, 'stopped: 1 of 1 connected SDKs have it')
      const cleared = await untilSaid('emergency clear --why over', urls, 'cleared: 1 of 1 connected SDKs have it')
      assert.deepEqual(cleared.out.length, 1)
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
  async function rolledBack(id: string): Promise<void> {
    for (const startedAt = performance.now(); ; ) {
      const { status } = await data(`status ${id}`)
      if (status.stage === 'rolledBack') return
      if (performance.now() - startedAt > untilMs) throw new Error(`not rolled back: ${JSON.stringify(status)}`)
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

it('every command of flags, experiments and cohort was run here against the server', () => {
  const terminal = { out: () => {}, error: () => {}, columns: 100, hasColour: false, environment: {}, workingFolder }
  const all = createProgram(contextOf(terminal, false)).commands.flatMap(group =>
    group.commands.map(command => `${group.name()} ${command.name()}`),
  )
  assert.deepEqual(
    all.filter(name => !commandsRun.has(name)),
    [],
  )
})
