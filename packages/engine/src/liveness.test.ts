import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deadAfterMs } from './liveness.ts'
import { defaultSettings } from './settings.ts'

const missedBeats = 3
const marginMs = 1_000

test('three beats may be missing before an instance is dead, and it has stopped raising a second before (F)', () => {
  const { beatEveryMs, leaseMs } = defaultSettings
  assert.ok(missedBeats * beatEveryMs < deadAfterMs)
  assert.ok(leaseMs + marginMs <= deadAfterMs)
})
