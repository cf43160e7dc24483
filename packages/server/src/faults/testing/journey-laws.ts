import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Event, foldEvents, levelOf } from '@dankai/core'
import { type CommandSummary, createPostgresStore, type ReleaseDetail, StoreError } from '@dankai/store'
import { patienceMs, pause, until } from './deadline.ts'
import type { FaultHouse } from './fault-house.ts'
import { effectsOf } from './fault-plan.ts'
import type { Journey } from './journey.ts'

export interface StoredJourney {
  readonly release: ReleaseDetail
  readonly events: readonly Event[]
  readonly commands: readonly CommandSummary[]
}

/**
 * What is true of a journey whoever died in it.
 *
 *  1. It ends rolled back, and the SDK serves the change to nobody, never having served it again after it went down.
 *  2. Every call was made under one key, so that the receiver did everything once; nothing it should do is missing.
 *  3. The program of class `ask` ran, or is shown as ambiguous; never twice.
 *  4. The log has no gap, every step of exposure a generation of its own, one beginning and one end.
 *  5. The stored state is the fold of the stored log.
 */
export async function checkJourney(journey: Journey, house: FaultHouse): Promise<void> {
  const stored = await readJourney(journey)
  checkExposure(journey, stored)
  checkCalls(journey, house, stored)
  checkProgram(journey, house, stored)
  checkLog(stored)
  const { release, events } = stored
  assert.deepEqual(JSON.parse(JSON.stringify(foldEvents(release.compiledPlan, events))), release.state)
}

/** A database that is too busy to answer in its time is asked again. */
export async function readJourney(journey: Pick<Journey, 'databaseUrl' | 'id'>): Promise<StoredJourney> {
  for (const startedAt = performance.now(); ; await pause()) {
    try {
      return await readOnce(journey)
    } catch (error) {
      if (!(error instanceof StoreError) || performance.now() - startedAt > patienceMs) throw error
    }
  }
}

/** A release may be over before the last message about it is sent; that is waited for. */
async function readOnce({ databaseUrl, id }: Pick<Journey, 'databaseUrl' | 'id'>): Promise<StoredJourney> {
  const store = await createPostgresStore({ url: databaseUrl, migrate: false, poolSize: 1 })
  try {
    const commands = await until(
      'every command has ended',
      async () => (await store.reader.commands(id, { limit: 200, after: null })).items,
      items => items.every(({ status }) => status !== 'planned' && status !== 'claimed'),
    )
    const release = await store.reader.get(id)
    assert.ok(release !== null)
    const events = await store.reader.events(id, 0, 1_000)
    return { release, events: events.slice(0, release.seq), commands }
  } finally {
    await store.close()
  }
}

function checkExposure({ served }: Journey, { release, events }: StoredJourney): void {
  assert.equal(release.state.lifecycle.kind, 'rolledBack')
  const back = events.findIndex(({ body }) => body.type === 'RollbackStarted')
  for (const { body } of events.slice(back))
    if (body.type === 'ExposureChanged') assert.equal(levelOf(body.exposure), 0, 'nothing is raised on the way back')
  const highest = served.indexOf(Math.max(...served))
  const after = served.slice(highest)
  assert.deepEqual(
    after,
    after.toSorted((a, b) => b - a),
    `served rose again: ${served}`,
  )
}

function checkCalls({ version }: Journey, { receiver }: FaultHouse, { commands }: StoredJourney): void {
  const ids = new Set(commands.map(({ id }) => id))
  for (const what of effectsOf(version)) {
    const keys = [...(receiver.effects.get(what) ?? [])]
    assert.equal(keys.length, 1, `${what} was done under ${keys.length} keys`)
    assert.ok(ids.has(keys[0]!), `${what} was done by a command that is not in the journal`)
  }
  for (const { command, status } of commands)
    if (command.effectClass !== 'ask') assert.equal(status, 'succeeded', `command ${command.slot}`)
}

function checkProgram({ version }: Journey, { workFolder }: FaultHouse, { commands, events }: StoredJourney): void {
  const programs = commands.filter(({ command }) => command.effect.kind === 'run')
  assert.equal(programs.length, 1)
  const [{ status, attempt } = { status: '', attempt: 0 }] = programs
  assert.equal(attempt, 1, 'a program of unknown end is not run again by itself')
  if (status === 'succeeded') assert.ok(existsSync(join(workFolder, version)))
  else {
    assert.equal(status, 'ambiguous')
    const told = events.filter(({ body }) => body.type === 'StepEnded' && body.outcome === 'ambiguous')
    assert.equal(told.length, 1, 'people are shown that nobody knows')
  }
}

function checkLog({ events }: StoredJourney): void {
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, index) => index + 1),
  )
  const ofType = (type: Event['body']['type']) => events.filter(({ body }) => body.type === type).length
  for (const type of ['ReleaseStarted', 'RollbackStarted', 'RolledBack'] as const) assert.equal(ofType(type), 1, type)
  const generations = events.flatMap(({ body }) => (body.type === 'ExposureChanged' ? [body.generation] : []))
  assert.deepEqual(
    generations,
    generations.map((_, index) => index + 1),
  )
  for (const [index, { at }] of events.entries()) assert.ok(at >= (events[index - 1]?.at ?? 0), 'time never steps back')
}
