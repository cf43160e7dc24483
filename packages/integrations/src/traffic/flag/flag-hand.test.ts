import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { HandTarget } from '@dankai/engine'
import { defineFlag } from '@dankai/flags'
import type { CompiledPlan, Exposure, Hand } from '@dankai/plan'
import { createMemoryStore } from '@dankai/store'
import { createFlagSetRunner } from '../../flags/flag-set-runner.ts'
import { claimedCommand, testScope } from '../../testing/claimed-command.ts'
import { createFlagHand } from './flag-hand.ts'

const people = (share: number, change: Partial<Exposure> = {}): Exposure => ({
  share,
  cohorts: [],
  shadow: false,
  ...change,
})

/** The store's twin in memory, with one live release that holds the flag "checkout". */
async function bench(role: Hand['role'] = 'splitter') {
  const store = createMemoryStore({ clock: { now: () => 1_000_000 } })
  const hand: Hand = { id: 'flag:checkout', kind: 'flag', role, canLower: true, options: {} }
  const plan = {
    name: 'shop',
    hands: [hand],
    segments: { staff: { name: 'staff', include: { team: ['shop'] }, where: null, size: null } },
  } as unknown as CompiledPlan
  const state = { exposure: { desired: people(0), generation: 0, changedAt: 0 }, lifecycle: { kind: 'starting' } }
  const created = await store.releases.createRelease({
    ...testScope,
    plan,
    planDigest: 'digest',
    version: '1',
    events: [],
    state: state as never,
    status: {} as never,
    wakeAt: null,
  })
  assert.ok(created.ok)
  const stopped = new Set<string>()
  const mover = createFlagHand(store.flags, {
    reach: (scope, version) => store.sdks.reach(scope, version, 15_000),
    isStopped: (_, { key }) => stopped.has(key),
  })
  const target = (desired: Exposure, generation: number): HandTarget => ({
    releaseId: created.id,
    ...testScope,
    hand,
    desired,
    generation,
    plan,
  })
  const flag = async () => (await store.flags.get(testScope, 'checkout'))?.definition
  return { store, mover, target, flag, stopped, releaseId: created.id }
}

describe('the hand that is a flag', () => {
  it('makes a flag that nobody has made yet, exposing what is desired', async () => {
    const { mover, target, flag } = await bench()
    await mover.apply(target(people(0.05), 1), 1_000)
    assert.equal((await flag())?.exposure.share, 0.05)
  })

  it('has reached it when stored, as long as no SDK evaluates flags', async () => {
    const { mover, target } = await bench()
    assert.equal((await mover.read(target(people(0.05), 1), 1_000)).reached, false)
    await mover.apply(target(people(0.05), 1), 1_000)
    assert.deepEqual(await mover.read(target(people(0.05), 1), 1_000), {
      share: 0.05,
      reached: true,
      floor: 0,
      problem: null,
    })
  })

  it('has reached it when every SDK has acknowledged; until then names the silent and reports the larger share', async () => {
    const { store, mover, target } = await bench()
    const sdks = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222']
    for (const sdk of sdks) await store.sdks.connected({ ...testScope, sdk, name: `trips-${sdk[0]}`, kind: 'server' })
    const acknowledge = async (which: readonly string[]) =>
      store.sdks.acknowledged(
        testScope,
        which.map(sdk => ({ sdk, version: 1_000 })),
      )
    await mover.apply(target(people(0.5), 1), 1_000)
    const silent = await mover.read(target(people(0.5), 1), 1_000)
    assert.equal(silent.reached, false)
    assert.match(silent.problem ?? '', /2 of 2 SDKs have not acknowledged version \d+: trips-1 \(11111111\), trips-2/)
    await acknowledge(sdks)
    assert.equal((await mover.read(target(people(0.5), 1), 1_000)).reached, true)

    await store.sdks.connected({
      ...testScope,
      sdk: '33333333-3333-4333-8333-333333333333',
      name: 'late',
      kind: 'server',
    })
    await mover.apply(target(people(0), 2), 1_000)
    const lowering = await mover.read(target(people(0), 2), 1_000)
    assert.deepEqual([lowering.share, lowering.reached], [0.5, false])
  })

  it('does not wait for an SDK whose stream has ended when it raises, and does when it lowers', async () => {
    const { store, mover, target } = await bench()
    const sdk = '11111111-1111-4111-8111-111111111111'
    await store.sdks.connected({ ...testScope, sdk, name: 'stopped', kind: 'server' })
    await mover.apply(target(people(0.5), 1), 1_000)
    assert.equal((await mover.read(target(people(0.5), 1), 1_000)).reached, false)
    await store.sdks.disconnected(testScope, [sdk])
    assert.equal((await mover.read(target(people(0.5), 1), 1_000)).reached, true)
    await mover.apply(target(people(0), 2), 1_000)
    const lowering = await mover.read(target(people(0), 2), 1_000)
    assert.deepEqual([lowering.reached, lowering.share], [false, 0.5])
  })

  it('never raises by a late write of an older generation', async () => {
    const { mover, target, flag } = await bench()
    await mover.apply(target(people(0.5), 1), 1_000)
    await mover.apply(target(people(0), 2), 1_000)
    await mover.apply(target(people(0.5), 1), 1_000)
    assert.equal((await flag())?.exposure.share, 0)
  })

  it('opens a gate to all while anybody is exposed', async () => {
    const { mover, target, flag } = await bench('gate')
    for (const [generation, desired, share] of [
      [1, people(0.05), 1],
      [2, people(0), 0],
      [3, people(0, { cohorts: [{ segment: 'staff', share: 1, mix: null }] }), 1],
      [4, people(0.5, { shadow: true }), 0],
    ] as const) {
      await mover.apply(target(desired, generation), 1_000)
      assert.equal((await flag())?.exposure.share, share)
    }
  })

  it('carries the segments its cohorts name', async () => {
    const { mover, target, flag } = await bench()
    const desired = people(0.1, { cohorts: [{ segment: 'staff', share: 0.5, mix: null }] })
    await mover.apply(target(desired, 1), 1_000)
    assert.deepEqual((await flag())?.segments, { staff: { include: { team: ['shop'] } } })
    const reading = await mover.read(target(desired, 1), 1_000)
    assert.deepEqual([reading.reached, reading.share], [true, 0.5])
  })

  it('turns quotas of a sample into thresholds, of a population that its options name', async () => {
    const { mover, target, flag } = await bench()
    const mix = { region: { 東京: 0.5, その他: 0.5 } }
    const desired = people(0, { cohorts: [{ segment: 'staff', share: 0.15, mix }] })
    const given = target(desired, 1)
    const options = { population: { region: { 東京: '30%', その他: 0.7 } } }
    await mover.apply({ ...given, hand: { ...given.hand, options } }, 1_000)
    const strata = (await flag())?.exposure.cohorts[0]?.mix
    const thresholds = strata?.map(({ where, share }) => [where['region']?.[0] ?? null, Math.round(share * 1e4) / 1e4])
    assert.deepEqual(thresholds, [
      ['東京', 0.25],
      [null, 0.1071],
    ])
  })

  it('reports nobody exposed while an emergency stop covers the flag, and is not reached', async () => {
    const { mover, target, stopped } = await bench()
    await mover.apply(target(people(0.5), 1), 1_000)
    stopped.add('checkout')
    const reading = await mover.read(target(people(0.5), 1), 1_000)
    assert.deepEqual([reading.share, reading.reached, reading.problem], [0, false, 'flag "checkout" is stopped'])
  })
})

describe('a flag set', () => {
  const set = (releaseId: string, values: Record<string, boolean | string | number>, replace: boolean) =>
    claimedCommand({ kind: 'flags', values, replace }, { releaseId })

  it('replaces all flags of the plan: one not named is off (CB-03)', async () => {
    const { store, releaseId } = await bench()
    const runner = createFlagSetRunner(store.flags, async () => ['push', 'realtime', 'percentage'])
    await store.flags.put({
      ...testScope,
      definition: defineFlag({ key: 'other' }),
      expectedVersion: 0,
      by: 'x',
      why: null,
    })
    assert.equal(
      (await runner.run(set(releaseId, { push: true, realtime: true, percentage: 15 }, true))).outcome,
      'succeeded',
    )
    assert.equal((await runner.run(set(releaseId, { push: true, percentage: 25 }, true))).outcome, 'succeeded')
    const read = async (key: string) => (await store.flags.get(testScope, key))?.definition
    assert.deepEqual([(await read('push'))?.on, (await read('push'))?.exposure.share], [true, 1])
    assert.equal((await read('realtime'))?.on, false)
    assert.equal((await read('percentage'))?.variants['on'], 25)
    assert.equal((await read('other'))?.on, true)
  })

  it('writes nothing the second time', async () => {
    const { store, releaseId } = await bench()
    const runner = createFlagSetRunner(store.flags, async () => [])
    await runner.run(set(releaseId, { push: true }, false))
    const version = (await store.flags.get(testScope, 'push'))?.version
    await runner.run(set(releaseId, { push: true }, false))
    assert.equal((await store.flags.get(testScope, 'push'))?.version, version)
  })

  it('keeps the exposure of the flag its own release moves, and leaves that of another release alone', async () => {
    const { store, mover, target, releaseId, flag } = await bench()
    const runner = createFlagSetRunner(store.flags, async () => [])
    await mover.apply(target(people(0.05), 1), 1_000)
    await runner.run(set(releaseId, { checkout: false }, false))
    assert.deepEqual([(await flag())?.on, (await flag())?.exposure.share], [false, 0.05])
    const refused = await runner.run(set('another', { checkout: true }, false))
    assert.match(refused.detail ?? '', /found it held by release/)
  })
})
