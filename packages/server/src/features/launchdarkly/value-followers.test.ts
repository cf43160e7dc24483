import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createLogger } from '../../http/log.ts'
import { Environments } from '../../serving/environments.ts'
import { WrittenFlags } from '../../testing/written-flags.ts'
import { ValueFollowers } from './value-followers.ts'

const scope = { project: 'default', environment: 'production' }

it('clients of values are told in slices, between which anything else runs, and of the newest state alone', async () => {
  const written = new WrittenFlags(scope)
  const environments = new Environments(written, createLogger('silent'))
  // Each slice ends with its first client.
  const followers = new ValueFollowers(0)
  const view = await environments.of(scope)
  const told = Array.from({ length: 50 }, (): number[] => [])
  const unfollows = told.map(heard => followers.follow(view, () => heard.push(view.version)))
  const change = async () => {
    written.write('flag', {})
    await environments.refresh(scope)
  }
  await change()
  for (let turns = 0; turns < 5; turns++) await turn()
  const before = told.filter(({ length }) => length > 0).length
  assert.ok(before > 0 && before < 20, `${before} told while others had their turns`)
  unfollows.at(-1)?.()
  await change()
  while (told.slice(0, -1).some(heard => heard.at(-1) !== 2)) await turn()
  assert.deepEqual(told.at(-1), [], 'one that went hears nothing')
  assert.deepEqual(told.at(-2), [2], 'one that waited hears of both changes at once')
  assert.deepEqual(told[0], [1, 2])
  followers.close()
  environments.close()
})

it('clients of values hear nothing of a flag that is not for them', async () => {
  const written = new WrittenFlags(scope)
  const environments = new Environments(written, createLogger('silent'))
  const followers = new ValueFollowers()
  const view = await environments.viewFor('client', scope)
  const told: number[] = []
  followers.follow(view, () => told.push(view.version))
  for (const client of [false, true]) {
    written.write(client ? 'shown' : 'hidden', {}, { client })
    await environments.refresh(scope)
    await turn()
  }
  assert.deepEqual(told, [2])
  followers.close()
  environments.close()
})
