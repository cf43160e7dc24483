import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineFlag, type FlagDefinition } from '@dankai/flags'
import { createElement } from 'react'
import { createDankaiClient } from '../dankai-client.ts'
import { openControlPlaneDouble } from '../testing/control-plane-double.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { mount } from '../testing/mounted-component.ts'
import { FlagProvider, useFlag, useFlagDetails, useFlagStatus, useTrack, useVariation } from './index.ts'

const flag = (share: number): FlagDefinition =>
  defineFlag({ key: 'new-booking-flow', exposure: { share, cohorts: [], shadow: false } })
const layout = defineFlag({ key: 'layout', variants: { wide: { columns: 3 }, off: { columns: 1 } }, onVariant: 'wide' })

test('components follow the flags of their user, and say when the control plane is lost (F-079)', async t => {
  const plane = await openControlPlaneDouble()
  const clock = new ManualClock(1_700_000_000_000)
  const client = createDankaiClient({ url: plane.url, key: 'key', name: 'web', clock, random: () => 1 })
  t.after(async () => {
    await plane.close()
    await client.close()
  })
  const change = (): Promise<unknown> =>
    new Promise(resolve => {
      const stop = client.on('change', event => {
        stop()
        resolve(event)
      })
    })
  let renders = 0
  let track: ReturnType<typeof useTrack> = () => {}
  const Screen = () => {
    renders++
    track = useTrack()
    const { columns } = useVariation('layout', fallbackLayout)
    const { reason, stale } = useFlagDetails('new-booking-flow', false)
    const flow = useFlag('new-booking-flow') ? 'new' : 'legacy'
    return `${flow} ${columns} ${reason} ${stale} ${useFlagStatus()}`
  }
  const fallbackLayout = { columns: 2 }
  const screenFor = (targetingKey: string, context: object = {}) =>
    createElement(FlagProvider, { client, context: { targetingKey, ...context } }, createElement(Screen))
  const mounted = await mount(screenFor('mio'))
  assert.equal(mounted.text, 'legacy 2 ERROR false starting')

  const stream = await plane.streams.next()
  const first = change()
  stream.send('flags', 1, { version: 1, flags: [flag(1), layout] })
  await mounted.settle(() => first)
  assert.equal(mounted.text, 'new 1 ON false fresh')
  const lowered = change()
  stream.send('change', 2, { version: 2, flag: flag(0) })
  await mounted.settle(() => lowered)
  assert.equal(mounted.text, 'legacy 1 OUTSIDE false fresh')
  const stopped = change()
  stream.send('flags', 2, { version: 2, flags: [{ ...flag(1), killed: true }, layout] })
  await mounted.settle(() => stopped)
  assert.equal(mounted.text, 'legacy 1 KILLED false fresh', 'an emergency stop has no new version')

  const raised = change()
  const targeted = { ...flag(0), targets: [{ variant: 'on', keys: ['ken'] }] }
  stream.send('flags', 3, { version: 3, flags: [targeted, layout] })
  await mounted.settle(() => raised)
  assert.equal(mounted.text, 'legacy 1 OUTSIDE false fresh')
  await mounted.update(screenFor('ken'))
  assert.equal(mounted.text, 'new 1 TARGETED false fresh')

  await mounted.settle(() => clock.advance(10_000))
  assert.equal(mounted.text, 'new 1 TARGETED true stale')
  track('booked', 12_800)
  const flushed = client.flush()
  const { body, ...post } = await plane.exposures.next()
  post.answer(202, { accepted: 1, refused: [] })
  ;(await plane.samples.next()).answer(202)
  await flushed
  assert.deepEqual(body.outcomes, [{ event: 'booked', user: 'ken', at: clock.now(), value: 12_800 }])
  const before = renders
  await mounted.unmount()
  clock.advance(600_000)
  assert.equal(renders, before, 'a component that is gone is not rendered')
})

test('a component of a flag renders again when a flag that it asks for changes', async t => {
  const plane = await openControlPlaneDouble()
  const client = createDankaiClient({ url: plane.url, key: 'key', name: 'web' })
  t.after(async () => {
    await plane.close()
    await client.close()
  })
  const asking = {
    ...layout,
    exposure: flag(1).exposure,
    prerequisites: [{ flag: 'new-booking-flow', variants: ['on'] }],
  }
  const change = (): Promise<readonly string[]> =>
    new Promise(resolve => {
      const stop = client.on('change', ({ keys }) => {
        stop()
        resolve(keys)
      })
    })
  const Screen = () => JSON.stringify(useFlagDetails('layout', null).value)
  const mounted = await mount(
    createElement(FlagProvider, { client, context: { targetingKey: 'mio' } }, createElement(Screen)),
  )
  const stream = await plane.streams.next()
  const first = change()
  stream.send('flags', 1, { version: 1, flags: [flag(1), asking] })
  await mounted.settle(() => first)
  assert.equal(mounted.text, '{"columns":3}')
  const lowered = change()
  stream.send('change', 2, { version: 2, flag: flag(0) })
  await mounted.settle(() => lowered)
  assert.deepEqual([mounted.text, await lowered], ['{"columns":1}', ['new-booking-flow', 'layout']])
  await mounted.unmount()
})

test('a hook outside of a provider says what is missing', async () => {
  const Lost = () => String(useFlag('new-booking-flow'))
  await assert.rejects(() => mount(createElement(Lost)), /Cannot use useFlag: found no FlagProvider/)
})
