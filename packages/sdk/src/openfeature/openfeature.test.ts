import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { defineFlag, type FlagDefinition } from '@dankai/flags'
import {
  type EvaluationContext,
  OpenFeature as ServerApi,
  ProviderEvents as ServerEvents,
} from '@openfeature/server-sdk'
import { OpenFeature as WebApi, ProviderEvents as WebEvents } from '@openfeature/web-sdk'
import type { ClientOptions } from '../client-options.ts'
import { openControlPlaneDouble } from '../testing/control-plane-double.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { DankaiServerProvider } from './server.ts'
import { DankaiWebProvider } from './web.ts'

const everybody = { share: 1, cohorts: [], shadow: false }
const flags: readonly FlagDefinition[] = [
  defineFlag({ key: 'on', exposure: everybody }),
  defineFlag({ key: 'killed', exposure: everybody, killed: true }),
  defineFlag({ key: 'off', on: false }),
  defineFlag({ key: 'text', variants: { on: 'ml_ranking', off: 'control' }, exposure: everybody }),
  defineFlag({ key: 'number', variants: { on: 12.5, off: 0 }, exposure: everybody }),
  defineFlag({ key: 'object', variants: { on: { columns: 3 }, off: {} }, exposure: everybody }),
  defineFlag({ key: 'target', targets: [{ variant: 'on', keys: ['mio'] }] }),
  defineFlag({ key: 'asking', exposure: everybody, prerequisites: [{ flag: 'on', variants: ['on'] }] }),
  defineFlag({ key: 'half', exposure: { ...everybody, share: 0.999_99 } }),
  defineFlag({
    key: 'since',
    rules: [
      {
        id: 'old',
        when: [{ attribute: 'signup', operator: 'before', values: ['2026-01-01T00:00:00Z'], negated: false }],
        share: 1,
        by: null,
        seed: null,
        serve: { variant: 'on' },
      },
    ],
  }),
]

async function openPlane(t: TestContext, given: Partial<ClientOptions> = {}) {
  const plane = await openControlPlaneDouble()
  const clock = new ManualClock(1_700_000_000_000)
  const options: ClientOptions = { url: plane.url, key: 'key', name: 'trips', clock, random: () => 1, ...given }
  t.after(() => plane.close())
  return { plane, clock, options }
}

const once = <Event>(
  target: { addHandler(event: Event, handler: (details?: unknown) => void): void },
  event: Event,
): Promise<{ flagsChanged?: string[]; message?: string }> =>
  new Promise(resolve => target.addHandler(event, details => resolve(details as never)))

test('a server evaluates through OpenFeature with reasons, variants, codes and metadata', async t => {
  const { plane, options } = await openPlane(t)
  const provider = new DankaiServerProvider(options)
  const setting = ServerApi.setProviderAndWait('trips', provider)
  t.after(() => ServerApi.clearProviders())
  ;(await plane.streams.next()).send('flags', 4, { version: 4, flags })
  await setting
  const client = ServerApi.getClient('trips')
  const mio = { targetingKey: 'mio', signup: new Date('2025-06-01') }
  const rows: readonly [key: string, context: EvaluationContext, value: boolean, reason: string, code?: string][] = [
    ['on', mio, true, 'STATIC'],
    ['killed', mio, false, 'DISABLED'],
    ['off', mio, false, 'DISABLED'],
    ['target', mio, true, 'TARGETING_MATCH'],
    ['target', { targetingKey: 'ken' }, false, 'DEFAULT'],
    ['since', mio, true, 'TARGETING_MATCH'],
    ['half', mio, true, 'SPLIT'],
    ['half', {}, true, 'ERROR', 'TARGETING_KEY_MISSING'],
    ['text', mio, true, 'ERROR', 'TYPE_MISMATCH'],
    ['gone', mio, true, 'ERROR', 'FLAG_NOT_FOUND'],
  ]
  for (const [key, context, value, reason, code] of rows) {
    const found = await client.getBooleanDetails(key, reason === 'ERROR', context)
    assert.deepEqual([found.value, found.reason, found.errorCode], [value, reason, code], `${key} ${reason}`)
  }
  assert.equal(await client.getStringValue('text', 'none', mio), 'ml_ranking')
  assert.equal(await client.getNumberValue('number', 0, mio), 12.5)
  const object = await client.getObjectDetails('object', {}, mio)
  assert.deepEqual([object.value, object.variant], [{ columns: 3 }, 'on'])
  const { flagMetadata } = await client.getBooleanDetails('target', false, mio)
  assert.deepEqual(flagMetadata, {
    reason: 'TARGETED',
    ruleId: 'targets',
    inExperiment: false,
    stale: false,
    version: 4,
  })
})

test('a server hears of changes, of a lost control plane and of its return; tracking reaches it', async t => {
  const { plane, clock, options } = await openPlane(t)
  const provider = new DankaiServerProvider(options)
  const setting = ServerApi.setProviderAndWait('events', provider)
  t.after(() => ServerApi.clearProviders())
  const stream = await plane.streams.next()
  stream.send('flags', 4, { version: 4, flags })
  await setting
  const client = ServerApi.getClient('events')
  const changed = once(client, ServerEvents.ConfigurationChanged)
  stream.send('change', 5, { version: 5, flag: defineFlag({ key: 'on' }) })
  assert.deepEqual((await changed).flagsChanged, ['on', 'asking'])

  client.track('booked', { targetingKey: 'mio' }, { value: 3 })
  clock.advance(6_000)
  const { body, answer } = await plane.exposures.next()
  answer(202, { accepted: 1, refused: [] })
  assert.deepEqual(
    body.outcomes.map(({ event, user, value }: Record<string, unknown>) => [event, user, value]),
    [['booked', 'mio', 3]],
  )

  const stale = once(client, ServerEvents.Stale)
  const lost = new Promise<void>(resolve => {
    // A heartbeat that the same leap of the clock cut short is reported too.
    provider.client.on('error', ({ message }) => message.startsWith('Cannot follow flags') && resolve())
  })
  clock.advance(10_000)
  await stale
  assert.equal(client.providerStatus, 'STALE')
  const details = await client.getBooleanDetails('target', false, { targetingKey: 'mio' })
  assert.deepEqual([details.value, details.reason, details.flagMetadata['reason']], [true, 'STALE', 'TARGETED'])
  await lost
  clock.advance(10_000)
  const again = await plane.streams.next()
  await new Promise<void>(resolve => {
    client.addHandler(ServerEvents.Ready, () => client.providerStatus === 'READY' && resolve())
    again.send('ping', null, {})
  })
})

test('without flags a provider fails to start and is ready when the control plane comes', async t => {
  const { plane, clock, options } = await openPlane(t)
  const provider = new DankaiServerProvider(options, { readyWithinMs: 2_000 })
  const setting = ServerApi.setProviderAndWait('late', provider)
  t.after(() => ServerApi.clearProviders())
  const stream = await plane.streams.next()
  const failing = assert.rejects(setting, /found no flags within 2000 ms/)
  clock.advance(2_000)
  await failing
  const client = ServerApi.getClient('late')
  assert.equal(client.providerStatus, 'ERROR')
  const ready = once(client, ServerEvents.Ready)
  stream.send('flags', 1, { version: 1, flags })
  await ready
  assert.equal(await client.getBooleanValue('on', false), true)
})

test('with bootstrap flags a provider starts without a control plane, and says that it is stale', async t => {
  const { plane, clock, options } = await openPlane(t, { bootstrap: { flags } })
  const setting = ServerApi.setProviderAndWait('offline', new DankaiServerProvider(options, { readyWithinMs: 2_000 }))
  t.after(() => ServerApi.clearProviders())
  await plane.streams.next()
  const stale = once(ServerApi.getClient('offline'), ServerEvents.Stale)
  let told = 0
  ServerApi.getClient('offline').addHandler(ServerEvents.Stale, () => told++)
  clock.advance(2_000)
  await setting
  await stale
  clock.advance(options.staleAfterMs ?? 10_000)
  assert.equal(told, 1, 'the client becomes stale later, which is no news')
  assert.equal(await ServerApi.getClient('offline').getBooleanValue('on', false), true)
})

test('a browser evaluates at once for the context it has, and a new context needs no request', async t => {
  const { plane, clock, options } = await openPlane(t)
  await WebApi.setContext('web', { targetingKey: 'mio' })
  const setting = WebApi.setProviderAndWait('web', new DankaiWebProvider(options))
  t.after(() => WebApi.clearProviders())
  const stream = await plane.streams.next()
  stream.send('flags', 4, { version: 4, flags })
  await setting
  const client = WebApi.getClient('web')
  assert.deepEqual(client.getBooleanDetails('target', false).value, true)
  assert.equal(client.getStringValue('text', 'none'), 'ml_ranking')
  assert.equal(client.getNumberValue('number', 0), 12.5)
  assert.deepEqual(client.getObjectValue('object', {}), { columns: 3 })
  await WebApi.setContext('web', { targetingKey: 'ken' })
  assert.deepEqual(client.getBooleanDetails('target', true).value, false)
  const changed = once(client, WebEvents.ConfigurationChanged)
  stream.send('change', 5, { version: 5, deleted: 'on' })
  assert.deepEqual((await changed).flagsChanged, ['on', 'asking'])
  client.track('booked', { value: 1 })
  clock.advance(6_000)
  assert.equal((await plane.exposures.next()).body.outcomes[0].user, 'ken')
})

test('what a browser loads asks for nothing of Node', () => {
  const seen = new Set<string>()
  const visit = (file: URL): void => {
    if (seen.has(file.href)) return
    seen.add(file.href)
    const text = readFileSync(file, 'utf8')
    for (const [, specifier] of text.matchAll(/(?:from|import\()\s*'([^']+)'/g)) {
      assert.ok(!specifier!.startsWith('node:'), `${file.pathname} asks for ${specifier}`)
      if (specifier!.startsWith('.')) visit(new URL(specifier!, file))
      else if (specifier!.startsWith('@dankai/')) visit(new URL(import.meta.resolve(specifier!)))
    }
  }
  for (const entry of ['../index.ts', './web.ts', '../react/index.ts']) visit(new URL(entry, import.meta.url))
  assert.ok(seen.size > 20, `found ${seen.size} files`)
})
