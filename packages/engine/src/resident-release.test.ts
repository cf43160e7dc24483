import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command, Event, EventBody } from '@dankai/core'
import { commitOf } from './resident-release.ts'

function started(slot: string): EventBody {
  const command: Command = {
    slot,
    effect: { kind: 'run', command: 'migrate', at: null },
    effectClass: 'ask',
    lane: 'raise',
    timeoutMs: 1_000,
    attempts: 1,
    expiresAt: null,
  }
  return { type: 'StepStarted', step: slot, run: 1, command }
}

test('what began and was given up in the same decision is never journalled, what the rollback itself does is', () => {
  const rollback: EventBody = { type: 'RollbackStarted', because: 'errors', rule: null, by: null, runbook: null }
  const bodies = [started('forward'), rollback, started('back')]
  const events: Event[] = bodies.map((body, index) => ({ seq: index + 1, at: 0, body }))
  const exposure = { desired: { share: 0, cohorts: [], shadow: false }, generation: 1 }
  const state = { seq: 0, exposure, lifecycle: { kind: 'rollingBack' } }
  const release = { id: 'release-1', fence: 1, state, plan: {}, evidence: null }
  const outcome = {
    at: 0,
    events,
    state,
    plan: release.plan,
    status: {},
    wakeAt: null,
    refusal: null,
    marksEvidence: false,
  }
  const input = { release, outcome, folded: [], cursor: null, hasCheckpoint: false, superseded: 'all' }
  // Only what a commit is made of is given here.
  const commit = commitOf(input as unknown as Parameters<typeof commitOf>[0])
  assert.deepEqual(
    commit.commands.map(command => command.slot),
    ['back'],
  )
})
