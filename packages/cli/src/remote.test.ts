import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Api } from './api.ts'
import { contextOf } from './context.ts'
import { createProgram } from './program.ts'
import { type LocalServer, startLocalServer, startRelay } from './testing/local-server.ts'
import { type CommandRun, runCommand, splitWords } from './testing/run-command.ts'

let local: LocalServer
let api: Api
let workingFolder = ''
const commandsRun = new Set<string>()

/** One plan with everything that a person can answer; TAG keeps the plans and flags of the tests apart. */
const planOf = (tag: string): string => `kind: ReleasePlan
name: ${tag}
exposure: [{ flag: ${tag}-new }]
signals:
  data_loss: Somebody lost data
  rumour: Somebody says something is odd
before:
  - { approve: release-managers }
  - { confirm: Dashboards are open }
rollbackWhen:
  - { name: Data loss, if: data_loss reported, then: rollback within 1h }
  - { name: Rumour, if: rumour reported, then: decide within 1h, otherwise: continue }
phases:
  - { name: canary, expose: 5%, hold: 1h }
  - { name: all, expose: 100%, hold: open }
rollback:
  - { name: expose nobody, within: 5m, do: [{ expose: 0% }] }
  - { run: "false", name: clear the cache, onFail: ask on-call }
runbooks:
  tidy: [{ run: "false", name: tidy the table, onFail: ask on-call }]
`

before(async () => {
  local = await startLocalServer()
  workingFolder = mkdtempSync(join(tmpdir(), 'dankai-remote-'))
  api = new Api(contextOf(terminalFor(local.url), false).terminal)
  const settings = { cwd: workingFolder, programs: ['false', 'true'] }
  await fetch(`${local.url}/v1/connections/default`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'run', settings }),
  })
})
after(async () => {
  await local.close()
  rmSync(workingFolder, { recursive: true })
})

const terminalFor = (url: string) => ({
  out: () => {},
  error: () => {},
  columns: 100,
  hasColour: false,
  environment: { DANKAI_URL: url },
  workingFolder,
})

function dankai(line: string, environment: Readonly<Record<string, string>> = {}): Promise<CommandRun> {
  const words = splitWords(line)
  commandsRun.add(words[0] ?? '')
  return runCommand(words, { workingFolder, environment: { DANKAI_URL: local.url, ...environment } })
}

async function data(line: string) {
  const { out, error, exit } = await dankai(`${line} --json`)
  assert.deepEqual([exit, error], [0, []], `${line}: ${out}`)
  return JSON.parse(out[0] ?? '')
}

function writePlan(name: string, text: string): string {
  writeFileSync(join(workingFolder, `${name}.yaml`), text)
  return `${name}.yaml`
}

/** The release of a new plan, once it waits for its first approval. */
async function startRelease(tag: string): Promise<string> {
  await data(`apply ${writePlan(tag, planOf(tag))}`)
  const { id } = await data(`start ${tag} --version v1`)
  await eventOf(id, 'GateOpened')
  return id
}

/** Through both gates, until the canary is exposed. */
async function startExposed(tag: string): Promise<string> {
  const id = await startRelease(tag)
  await data(`approve ${tag}`)
  await eventOf(id, 'GateOpened', 2)
  await data(`confirm ${tag} dashboards`.replace('dashboards', 'Dashboards'))
  await eventOf(id, 'ExposureReached')
  return id
}

/** A machine that is busy with other tests is slow, not wrong. */
const untilMs = 60_000

/** Follows the release until what it says is enough. */
async function follow(id: string, isEnough: (name: string, message: Message) => boolean): Promise<void> {
  const seen: string[] = []
  try {
    for await (const { event, data: text } of api.stream(`/v1/releases/${id}/timeline`, AbortSignal.timeout(untilMs))) {
      seen.push(text)
      if (isEnough(event, JSON.parse(text))) return
    }
  } catch (cause) {
    throw new Error(`not so within ${untilMs} ms: ${seen.slice(-5).join('\n')}`, { cause })
  }
}

interface Message {
  readonly body: { readonly type: string }
  readonly status: { readonly waitingOn: readonly { readonly kind: string }[] }
}

async function eventOf(id: string, type: string, times = 1): Promise<void> {
  let seen = 0
  await follow(id, (name, { body }) => name === 'event' && body.type === type && ++seen === times)
}

/** A status is written a moment after its event. */
async function statusWith(id: string, kind: string): Promise<void> {
  await follow(id, (name, { status }) => name === 'status' && status.waitingOn.some(waiting => waiting.kind === kind))
}

describe('dankai apply', () => {
  it('shows the difference, applies it, and changes nothing twice', async () => {
    const file = writePlan('apply', planOf('apply'))
    const dry = await dankai(`apply -f ${file} --dry-run`)
    assert.deepEqual(
      [dry.exit, dry.out[0], dry.out.at(-1)],
      [0, 'created ReleasePlan apply', 'would apply: 1 created, 0 changed, 0 unchanged'],
    )
    assert.equal((await dankai(`apply ${file} --why first`)).out.at(-1), 'applied: 1 created, 0 changed, 0 unchanged')
    assert.deepEqual((await dankai(`apply ${file}`)).out, ['applied: 0 created, 0 changed, 1 unchanged'])
    writePlan('apply', planOf('apply').replace('hold: 1h', 'hold: 2h'))
    const changed = await dankai(`apply ${file}`, { DANKAI_LANG: 'ja' })
    assert.deepEqual(
      changed.out.filter(line => /^ {2}[-+]/.test(line)),
      ['  - ' + '  - { name: canary, expose: 5%, hold: 1h }', '  + ' + '  - { name: canary, expose: 5%, hold: 2h }'],
    )
    assert.equal(changed.out.at(-1), '適用しました: 新規 0、変更 1、同じ 0')
  })

  it('refuses a mistake with its place and applies nothing', async () => {
    const file = writePlan('apply-bad', planOf('apply-bad').replace('5%', '500%'))
    const { exit, out } = await dankai(`apply ${file}`)
    assert.equal(exit, 1)
    assert.match(out[0] ?? '', /^apply-bad\.yaml:\d+:\d+: Cannot read "phases\[0\]\.expose": found "500%"/)
    const json = await dankai(`apply ${file} --json`)
    assert.deepEqual([json.exit, JSON.parse(json.out[0] ?? '').ok], [1, false])
    assert.equal((await dankai('start apply-bad --version v1')).exit, 1)
  })
})

describe('dankai start', () => {
  it('refuses whatever would reach a shell, an internal address or the control database, by name', async () => {
    const hostile = `${planOf('hostile').replace(/rollback:[\s\S]*/, 'rollback: [{ expose: 0% }]\n')}`.replace(
      'before:\n',
      `before:
  - { run: "sh -c 'rm -rf /'", name: shell }
  - { http: "GET http://169.254.169.254/latest/meta-data/", name: metadata }
  - { http: "GET http://127.0.0.1:4600/v1/keys", name: own API }
  - { sql: DROP TABLE release, name: own database }
`,
    )
    await data(`apply ${writePlan('hostile', hostile)}`)
    const { exit, error } = await dankai('start hostile --version v1')
    assert.equal(exit, 1)
    for (const name of ['shell', 'metadata', 'own API', 'own database'])
      assert.ok(
        error.some(line => line.includes(`step "${name}"`)),
        name,
      )
    const json = await dankai('start hostile --version v1 --json')
    const { code, message, problem } = JSON.parse(json.out[0] ?? '').error
    assert.equal(code, 'not-live')
    assert.match(message, /^Cannot start "hostile": step "shell": /)
    assert.equal(problem.missing.length, 4)
  })

  it('names the release that holds the hand', async () => {
    const id = await startRelease('held')
    const { exit, error } = await dankai('start held --version v2')
    assert.equal(exit, 1)
    assert.match(
      error[0] ?? '',
      new RegExp(`^Cannot start "held": found hand "flag:held-new" held by live release ${id}, expected it free\\.`),
    )
  })

  it('refuses an unknown plan and says how to apply it', async () => {
    const { exit, error } = await dankai('start nothing --version v1')
    assert.deepEqual(
      [exit, error],
      [1, ['Cannot find plan "nothing": found no applied plan of that name. Apply it: dankai apply -f DIR.']],
    )
  })
})

describe('dankai status', () => {
  it('says where a release is, what it waits for and what to type', async () => {
    await statusWith(await startRelease('waiting'), 'approval')
    const { out } = await dankai('status waiting')
    assert.match(out[0] ?? '', /^waiting {2}v1 {2}\([0-9a-f-]{36}\)$/)
    assert.deepEqual(out.slice(1), [
      '▱▱ canary 5% · all 100%',
      'before the first phase, exposure 0%',
      '  waits for  approval of release-managers (0 of 1)',
      '             → dankai approve waiting --role release-managers',
    ])
    const japanese = await dankai('status waiting', { LANG: 'ja_JP.UTF-8' })
    assert.ok(japanese.out.includes('  待ち  release-managers の承認（1 件中 0 件）'))
  })

  it('lists releases, and prints the data of the API for programs', async () => {
    const { out } = await dankai('status')
    assert.ok(out.some(line => /^● [0-9a-f-]{36} {2}waiting +v1 {2}before the first phase, exposure 0%$/.test(line)))
    const page = await data('status --live')
    assert.ok(page.items.every((release: { live: boolean }) => release.live))
    const one = await data('status waiting')
    const [listed] = page.items.filter(({ plan }: { plan: string }) => plan === 'waiting')
    assert.deepEqual(await data(`status ${listed.id}`), one)
  })

  it('says that there is no such release', async () => {
    for (const name of ['nothing', '00000000-0000-7000-8000-000000000000']) {
      const { exit, error } = await dankai(`status ${name}`)
      assert.deepEqual([exit, error.length], [1, 1])
      assert.match(error[0] ?? '', /^Cannot find release "/)
    }
  })
})

describe('people act on a release', () => {
  it('through gates, promotion and closing to its end, which ends dankai watch with 0', async () => {
    const id = await startExposed('good')
    const watching = dankai('watch good --json')
    const { seq } = await data('status good')
    const stale = await dankai(`promote good --seen ${seq - 1}`)
    assert.equal(stale.exit, 1)
    assert.match(stale.error[0] ?? '', /^Cannot promote "good": found event \d+, expected event \d+, which you saw\./)
    await data('promote good --why enough')
    await eventOf(id, 'ExposureReached', 2)
    await statusWith(id, 'close')
    assert.ok((await dankai('status good')).out.some(line => line.endsWith('→ dankai close good')))
    await data('close good')
    const { exit, out } = await watching
    assert.equal(exit, 0)
    const events = out.map(line => JSON.parse(line))
    assert.deepEqual([events[0].seq, events.at(-1).body.type], [1, 'Completed'])
    assert.deepEqual(
      events.map(event => event.seq),
      events.map((_, index) => index + 1),
    )
  })

  it('back, which ends dankai watch with 1 and waits for the failed step', async () => {
    const id = await startExposed('bad')
    const watching = dankai('watch bad')
    await data('rollback bad --why "users complain"')
    await eventOf(id, 'RolledBack')
    await statusWith(id, 'retryOrSkip')
    const { out } = await dankai('status bad')
    assert.ok(out.some(line => line.endsWith("→ dankai retry bad 'clear the cache'")))
    await data('skip bad "clear the cache" --why "cleared by hand"')
    const watched = await watching
    assert.equal(watched.exit, 1)
    assert.deepEqual(watched.error, [])
    assert.match(watched.out.at(-1) ?? '', /rolled back|rollback/)
    assert.equal((await dankai('resume bad')).exit, 1)
  })

  it('that dankai start --watch follows from its start', async () => {
    const text = planOf('followed').replace(/before:[\s\S]*?rollbackWhen/, 'rollbackWhen')
    await data(`apply ${writePlan('followed', text)}`)
    const watching = dankai('start followed --version v1 --watch --json')
    let id: string | undefined
    while (id === undefined) id = (await api.page<{ id: string }>('/v1/releases?plan=followed')).items[0]?.id
    await eventOf(id, 'ExposureReached')
    await data('abort followed')
    const { exit, out } = await watching
    assert.deepEqual([exit, JSON.parse(out.at(-1) ?? '').body.type], [1, 'RolledBack'])
  })

  it('with reports, questions and latched rollbacks (T-059)', async () => {
    const id = await startExposed('asked')
    const mute = await dankai('report asked data_loss')
    assert.deepEqual([mute.exit, /Add --why/.test(mute.error[0] ?? '')], [1, true])
    await data('report asked data_loss --why "a ticket"')
    await statusWith(id, 'latched')
    await data('withdraw asked data_loss --why "another table"')
    await data('cancel asked "Data loss" --why "nothing was lost"')
    await data('report asked rumour --why "social media"')
    await eventOf(id, 'DecisionAsked')
    await data('answer asked continue --why "it is old"')
    await eventOf(id, 'DecisionAnswered')
    await data('pause asked')
    assert.equal((await data('resume asked')).paused, null)
    await data('runbook asked tidy')
    await eventOf(id, 'RunbookStepFailed')
    await data('retry asked "tidy the table"')
    await eventOf(id, 'RunbookStepFailed', 2)
    assert.equal((await data('abort asked')).status.stage, 'rollingBack')
  })

  it('by amending its plan: what tightens is taken over and named, anything else is a new release', async () => {
    await startRelease('amended')
    await data(`apply ${writePlan('amended', planOf('amended').replace('hold: 1h', 'hold: 2h'))}`)
    const { changes, revision } = await data('amend amended --why "more time" --seen 3')
    assert.deepEqual([revision, changes.length], [2, 1])
    assert.match(changes[0], /canary.*2h/)
    await data(`apply ${writePlan('amended', planOf('amended').replace('amended-new', 'other'))}`)
    const { exit, error } = await dankai('amend amended --why "another flag"')
    assert.equal(exit, 1)
    assert.match(
      error[0] ?? '',
      /^Cannot amend release ".*expected only criteria, rules and holds to change\. Start a new release/,
    )
  })

  it('by refusing an approval', async () => {
    const id = await startRelease('rejected')
    await data('reject rejected release-managers'.replace('release-managers', 'before.0'))
    await eventOf(id, 'GateAnswered')
  })

  it('and are told in JSON what stands in the way', async () => {
    await startRelease('early')
    const { exit, out, error } = await dankai('promote early --json')
    const answer = JSON.parse(out[0] ?? '')
    assert.deepEqual([exit, error, answer.error.code], [1, [], 'not-possible'])
    assert.equal(answer.error.message, answer.error.problem.detail)
  })
})

describe('dankai events', () => {
  it('prints the log, from where it was left, one JSON line an event', async () => {
    const { out } = await dankai('events good --json')
    const events = out.map(line => JSON.parse(line))
    assert.equal(events[0].body.type, 'ReleaseStarted')
    const rest = await dankai('events good --since 3 --json')
    assert.deepEqual(rest.out, out.slice(3))
    const text = await dankai('events good')
    assert.match(
      text.out[0] ?? '',
      /^ {3}1 {2}\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? {2}release of good v1 started by local$/,
    )
    assert.ok(
      text.out.some(line => line.includes('"Dashboards are open"')),
      'steps have their names',
    )
  })
})

describe('dankai emergency', () => {
  it('lists what is stopped, acts in the environment that is named, and lifts one stop by its id', async () => {
    const targets = async (place = ''): Promise<string[]> =>
      (await data(`emergency list${place}`)).stops.map(({ target }: { target: string }) => target)
    assert.deepEqual((await dankai('emergency list')).out, ['nothing is stopped'])
    await data('emergency stop --why drill --flag drilled --environment staging')
    await data('emergency stop --why drill --flag other --environment staging')
    assert.deepEqual([await targets(), await targets(' --environment staging')], [[], ['flag other', 'flag drilled']])
    const listed = (await dankai('emergency list --environment staging')).out
    assert.match(listed.join('\n'), /^flag drilled {2}default\/staging {2}20\d\d-\S+ {2}local: drill {2}\(\S+\)$/m)
    const { stops } = await data('emergency list --environment staging')
    await data(`emergency clear --why done --environment staging --id ${stops[0].id}`)
    assert.deepEqual(await targets(' --environment staging'), ['flag drilled'])
    await data('emergency clear --why done --environment staging')
    assert.deepEqual(await targets(' --environment staging'), [])
    for (const line of ['emergency stop', 'emergency clear', 'emergency stop --offline', 'emergency start --why x'])
      assert.equal((await dankai(line)).exit, 2, line)
  })

  it('stops and clears, for all or for one release or flag', async () => {
    const all = await dankai('emergency stop --why fire')
    assert.deepEqual([all.exit, all.out[0]], [0, 'stopped: 0 of 0 connected SDKs have it'])
    const refused = await dankai('start apply --version v1')
    assert.match(refused.error[0] ?? '', /^Cannot start a release: found an emergency stop by local \(fire\)/)
    const cleared = await data('emergency clear --why "fire is out"')
    assert.deepEqual([cleared.stopped, cleared.stops], [false, []])
    assert.deepEqual((await data('emergency stop --why x --flag early-new')).stops.length, 1)
    assert.match(
      (await dankai('emergency stop --why x --release early')).out.join('\n'),
      /stop in force: release [0-9a-f-]{36}/,
    )
    const unknown = await dankai('emergency clear --why x --flag early-nwe')
    assert.equal(unknown.exit, 1)
    assert.match(
      unknown.error[0] ?? '',
      /^Cannot lift the stop of "flag early-nwe": found none .* flag early-new \(id /,
    )
    const one = await dankai('emergency clear --why x --flag early-new')
    assert.deepEqual(
      [one.exit, one.out[0]],
      [0, 'cleared, but other stops are in force: 0 of 0 connected SDKs have it'],
    )
    await data('emergency clear --why x')
  })

  it('posts to every instance and names those that do not answer', async () => {
    const several = { DANKAI_URL: `http://127.0.0.1:3,${local.url}` }
    const { exit, out } = await dankai('emergency stop --why drill', several)
    assert.deepEqual([exit, out[0]], [0, 'stopped: 0 of 0 connected SDKs have it'])
    assert.ok(out.some(line => line.startsWith('  Cannot reach "http://127.0.0.1:3": found ECONNREFUSED')))
    assert.equal((await dankai('emergency clear --why drill', several)).exit, 0)
    assert.equal((await dankai('status', several)).exit, 0, 'reading goes on to the next instance')
    assert.equal((await dankai('emergency stop --why drill', { DANKAI_URL: 'http://127.0.0.1:3' })).exit, 3)
  })
})

describe('a connection', () => {
  it('that breaks is made again by dankai watch, and no event comes twice', async () => {
    const id = await startExposed('broken')
    const relay = await startRelay(local.url)
    let heard = 0
    const watching = runCommand(['watch', id, '--json'], {
      workingFolder,
      environment: { DANKAI_URL: relay.url },
      onOut: () => {
        if (++heard === 3) relay.cut()
      },
    })
    await eventOf(id, 'ExposureReached')
    await data('rollback broken --why enough')
    await eventOf(id, 'RunbookStepFailed')
    relay.cut()
    await data('skip broken "clear the cache" --why x')
    const { exit, out } = await watching
    await relay.close()
    const numbers: number[] = out.map(line => JSON.parse(line).seq)
    assert.deepEqual([exit, numbers], [1, numbers.map((_, index) => index + 1)])
  })

  it('with a key that is not known is refused, and the key is never shown', async () => {
    const key = 'dk_admin_a-key-that-nobody-made'
    for (const extra of ['', ' --json']) {
      const { exit, transcript } = await dankai(`status${extra}`, { DANKAI_API_KEY: key, DANKAI_DEBUG: '1' })
      assert.equal(exit, 1)
      assert.match(transcript, /found a key that is not known/)
      assert.ok(!transcript.includes(key.slice(9)))
    }
  })

  for (const [what, answer, found] of [
    ['a web page', { status: 200, type: 'text/html', text: '<html>' }, 'found an answer that is no JSON'],
    ['another JSON service', { status: 200, type: 'application/json', text: '{"hello":1}' }, 'found another shape'],
    ['a login page', { status: 302, type: 'text/html', text: '' }, 'found status 302 for GET /v1/releases'],
    [
      'a broken gateway',
      { status: 502, type: 'text/html', text: 'Bad gateway' },
      'found status 502 for GET /v1/releases',
    ],
    [
      'an answer without an end',
      { status: 200, type: 'application/json', text: null },
      'found an answer without an end',
    ],
  ] as const) {
    it(`to ${what} is explained`, async () => {
      const foreign = await startForeignServer(answer)
      const { exit, error } = await dankai('status', { DANKAI_URL: foreign.url })
      foreign.close()
      assert.equal(exit, 3)
      assert.ok(error[0]?.includes(found), error.join())
    })
  }
})

async function startForeignServer({ status, type, text }: { status: number; type: string; text: string | null }) {
  const server: Server = createServer((_, response) => {
    response.writeHead(status, { 'content-type': type, location: '/login' })
    if (text !== null) response.end(text)
    else {
      const more = (): void => {
        while (response.write('9'.repeat(1_000_000)));
      }
      response.on('drain', more)
      more()
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`, close }
}

it('tests every command that needs a server', () => {
  const elsewhere = new Set([
    'init',
    'validate',
    'simulate',
    'test',
    'serve',
    'schema',
    'flags',
    'cohort',
    'experiments',
  ])
  const all = createProgram(contextOf(terminalFor(local.url), false)).commands.map(command => command.name())
  assert.deepEqual(
    all.filter(name => !commandsRun.has(name) && !elsewhere.has(name)),
    [],
  )
})
