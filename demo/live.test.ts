import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Event } from '@dankai/core'
import { applyDemoPlans, type ControlPlane, startControlPlane } from './control-plane.ts'
import { freePort } from './free-port.ts'
import { runShow, type Show } from './show.ts'

/** Real processes: the server with its PostgreSQL, two versions of TripTrip, a gateway, real HTTP traffic. */
describe('a live release', { concurrency: false }, () => {
  let plane: ControlPlane
  const dataDir = mkdtempSync(join(tmpdir(), 'dankai-live-'))

  before(async () => {
    plane = await startControlPlane({ port: await freePort(), dataDir })
    await applyDemoPlans(plane.api)
  })
  after(async () => {
    await plane.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  const bad: Show = {
    plan: 'realtime-pricing',
    version: 'v1.6.0',
    flag: 'realtime-pricing',
    service: 'trips-pricing',
    fault: { phase: 1, faults: { errors: 0.5 } },
  }

  it('takes itself back to 0 % when the new version begins to fail at 20 % (T-011)', async () => {
    const log: Event[] = []
    const result = await runShow(plane, bad, (_plan, event) => void log.push(event))
    assert.equal(result.outcome, 'rolledBack')
    assert.equal(result.maxExposure, 0.2)
    assert.match(result.reasons.join(), /Error Rate Spike/)
    assert.ok(log.some(event => event.body.type === 'TriggerFired'))
    const lowered = log.findLast(event => event.body.type === 'ExposureChanged')
    assert.deepEqual(lowered?.body.type === 'ExposureChanged' && lowered.body.exposure.share, 0)
  })

  it('has the same outcome when the server is killed with -9 in the middle', async () => {
    let killed = false
    const result = await runShow(plane, { ...bad, version: 'v1.6.1' }, async (_plan, event) => {
      if (event.body.type !== 'PhaseEntered' || event.body.phase !== 1 || killed) return
      killed = true
      await plane.crash()
    })
    assert.ok(killed)
    assert.equal(result.outcome, 'rolledBack')
    assert.equal(result.maxExposure, 0.2)
  })
})
