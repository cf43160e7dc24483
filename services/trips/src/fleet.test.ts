import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startTrips } from './fleet.ts'
import type { LoadSummary } from './load/generate-load.ts'
import { shareOf, startLocalControlPlane } from './testing/local-control-plane.ts'

const FLAG = 'new-booking-flow'
const plane = await startLocalControlPlane()
after(() => plane.close())

test('a whole fleet serves its load by the flag, shows a bad canary and its end, and leaves no process behind', async () => {
  const events = new EventEmitter()
  let seen: LoadSummary | null = null
  const onProgress = (progress: LoadSummary) => {
    seen = progress
    events.emit('progress')
  }
  const until = async (holds: (seen: LoadSummary) => boolean) => {
    while (seen === null || !holds(seen)) await once(events, 'progress')
  }
  await plane.setFlag({ key: FLAG, exposure: shareOf(0.5) })
  const trips = await startTrips({ dankaiUrl: plane.url, key: 'key', rate: 50, progressEveryMs: 100, onProgress })
  const pids = trips.pids()
  assert.equal(pids.length, 4)
  try {
    await until(({ tracks }) => (tracks.canary?.responses ?? 0) >= 20 && (tracks.stable?.responses ?? 0) >= 20)
    const good = await trips.nextSegment('bad canary')
    assert.deepEqual([good.bad, good.firstBad], [0, null])

    await trips.setFaults('canary', { errors: 1 })
    await until(({ name, tracks }) => name === 'bad canary' && (tracks.canary?.bad ?? 0) >= 10)
    await plane.setFlag({ key: FLAG, killed: true, exposure: shareOf(0.5) }, 1)
    const stableNow = seen!.tracks.stable?.responses ?? 0
    await until(({ tracks }) => (tracks.stable?.responses ?? 0) >= stableNow + 30)
  } finally {
    await trips.close().then(last => assert.equal(last?.name, 'bad canary'))
  }
  const bad = seen!
  assert.equal(bad.firstBad?.track, 'canary')
  assert.equal(bad.tracks.stable?.bad, 0)
  assert.equal(bad.lastBad?.endedAt, bad.lastCanary?.endedAt)
  assert.equal(
    bad.exposureEndedAfterMs,
    Math.max(0, Math.round((bad.lastCanary!.endedAt - bad.firstBadCanary!.endedAt) * 10) / 10),
  )
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  assert.ok(plane.sumOf('http_requests', { track: 'canary', version: 'v1.6.0', status: '500' }) >= 10)
})

test('a crashing API is restarted where it was, with its faults, and every restart is reported, until the fault is gone (T-014)', async () => {
  await plane.setFlag({ key: FLAG, exposure: shareOf(1) })
  const restarts: number[] = []
  const trips = await startTrips({
    dankaiUrl: plane.url,
    key: 'key',
    rate: 0,
    onRestart: (track, count) => void restarts.push(track === 'canary' ? count : -1),
  })
  try {
    const { canary, stable } = trips.apis
    const pid = canary.pid()
    const ask = () =>
      fetch(`${trips.gatewayUrl}/api/v1/trips`, { headers: { 'x-user-id': 'u' } }).then(
        async answer => [answer.status, await answer.text()] as const,
      )
    assert.equal((await ask())[0], 200)
    await trips.setFaults('canary', { crash: true })
    for (const times of [1, 2]) {
      assert.equal((await ask())[0], 502)
      await plane.untilSamples(() => plane.sumOf('container_restarts', { track: 'canary' }) >= times)
      await canary.whenReady()
      assert.equal(canary.restarts(), times)
    }
    await trips.setFaults('canary', {})
    assert.equal((await ask())[0], 200)
    assert.notEqual(canary.pid(), pid)
    assert.equal((await fetch(`${canary.url}/health`)).status, 200)
    assert.deepEqual([restarts, stable.restarts()], [[1, 2], 0])
  } finally {
    await trips.close()
  }
})

test('a fleet closes in order also when its load generator was killed', async () => {
  const trips = await startTrips({ dankaiUrl: plane.url, key: 'key', rate: 20 })
  const pids = trips.pids()
  const load = pids[0]!
  const summary = trips.nextSegment('never told')
  process.kill(load, 'SIGKILL')
  const outcome = summary.then(
    () => 'told',
    () => 'not told',
  )
  await trips.close()
  await outcome
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  await assert.rejects(trips.nextSegment('late'), /found no load generator/)
})

test('when the gateway cannot start, the error says what it said, and the APIs are ended', async () => {
  const logs: string[] = []
  await assert.rejects(
    startTrips({ dankaiUrl: 'nowhere', key: 'secret-key', rate: 0, onLog: (_, line) => void logs.push(line) }),
    error => {
      assert.match(String(error), /Cannot start "trips-gateway".*Cannot read "--dankai"/)
      assert.doesNotMatch(String(error), /secret-key/)
      return true
    },
  )
})

test('a process ends with 0 at SIGTERM and when its starter is gone, and with 2 at wrong usage', async () => {
  const run = (args: readonly string[]) =>
    spawn(process.execPath, [fileURLToPath(new URL('./main.ts', import.meta.url)), ...args])
  for (const end of ['SIGTERM', 'stdin'] as const) {
    const child = run(['--version', 'v1.5.0', '--supervised', 'true'])
    const [line] = await once(child.stdout, 'data')
    const ready = JSON.parse(String(line))
    assert.deepEqual([ready.pid, ready.version, ready.track], [child.pid, 'v1.5.0', 'stable'])
    assert.equal((await fetch(`http://127.0.0.1:${ready.listening}/health`)).status, 200)
    if (end === 'SIGTERM') child.kill('SIGTERM')
    else child.stdin.end()
    assert.deepEqual(await once(child, 'close'), [0, null], end)
  }
  for (const wrong of [
    ['--version', 'v9'],
    ['--version', 'v1.5.0', '--control', 'http://example.com'],
    ['--versoin', 'v1.5.0'],
    [],
  ]) {
    const child = run(wrong)
    const said = text(child.stderr)
    assert.deepEqual(await once(child, 'close'), [2, null], wrong.join(' '))
    assert.match(await said, /^Cannot read /)
    assert.doesNotMatch(await said, /\n\s+at /)
  }
})
