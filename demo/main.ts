// Everything on one machine: the control plane, TripTrip in two versions with real HTTP traffic, and two releases. One
// reaches everybody; the other begins to fail at 20 % and takes itself back. `--once` ends afterwards, `--json` prints
// one line per release.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Event } from '@dankai/core'
import { levelOf } from '@dankai/core'
import { renderEvent, renderTime } from '@dankai/insight'
import { applyDemoPlans, type ControlPlane, startControlPlane } from './control-plane.ts'
import { freePort } from './free-port.ts'
import { runShow, type Show, type ShowResult } from './show.ts'

const oldestNode = 24
if (Number(process.versions.node.split('.')[0]) < oldestNode) {
  process.stderr.write(
    `Cannot run the demo: found Node ${process.versions.node}, expected the project's own. Run "npm start", it installs it.\n`,
  )
  process.exit(3)
}

const once = process.argv.includes('--once')
const json = process.argv.includes('--json')
const say = (line: string): void => void (json ? process.stderr : process.stdout).write(`${line}\n`)

const shows: readonly Show[] = [
  { plan: 'new-booking-flow', version: 'v1.6.0', flag: 'new-booking-flow', service: 'trips', fault: null },
  {
    plan: 'realtime-pricing',
    version: 'v1.6.0',
    flag: 'realtime-pricing',
    service: 'trips-pricing',
    fault: { phase: 1, faults: { errors: 0.5 } },
  },
]

const wording = { language: 'en', timezone: new Intl.DateTimeFormat().resolvedOptions().timeZone, plan: null } as const

/** One line per event, a bar for the exposure the release wants, the plan in front. */
function narrate(plan: string, event: Event): void {
  if (event.body.type === 'StepStarted' || event.body.type === 'StepEnded' || event.body.type === 'VerdictChanged')
    return
  const bar = event.body.type === 'ExposureChanged' ? `${drawBar(levelOf(event.body.exposure))} ` : ''
  say(`${renderTime(event.at, wording)}  ${plan.padEnd(17)} ${bar}${renderEvent(event, wording)}`)
}

function drawBar(share: number): string {
  const full = Math.round(share * 20)
  return `${'█'.repeat(full)}${'░'.repeat(20 - full)}`
}

function report(result: ShowResult): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(result)}\n`)
    return
  }
  const percent = `${Math.round(result.maxExposure * 100)} %`
  say(
    result.outcome === 'completed'
      ? `\n✓ ${result.plan} reached ${percent} of users.`
      : `\n✗ ${result.plan} took itself back from ${percent}: ${result.reasons.join(', ')}. ${result.detectionMs} ms from the first bad answer to the decision, ${result.rollbackMs} ms from there to the last answer of the new version.`,
  )
}

// The demo that ends by itself leaves nothing behind; the one that stays uses the port and folder of the README.
const dataDir = once ? mkdtempSync(join(tmpdir(), 'dankai-demo-')) : null
const port = once ? await freePort() : Number(process.env['DANKAI_PORT'] ?? 4600)
let plane: ControlPlane | null = null
let isEnding = false
const end = async (code: number): Promise<void> => {
  if (isEnding) return
  isEnding = true
  await plane?.close()
  if (dataDir !== null) rmSync(dataDir, { recursive: true, force: true })
  process.exit(code)
}
process.on('SIGINT', () => void end(0)).on('SIGTERM', () => void end(0))

try {
  say('Starting PostgreSQL and the control plane …')
  plane = await startControlPlane({ port, dataDir })
  await applyDemoPlans(plane.api)
  say(
    `Dankai is on ${plane.url}. Starting TripTrip twice, each in two versions behind a gateway, with ${shows.length} releases …\n`,
  )
  const running = plane
  const results = await Promise.all(shows.map(show => runShow(running, show, narrate)))
  for (const result of results) report(result)
  const isAsExpected = results[0]?.outcome === 'completed' && results[1]?.outcome === 'rolledBack'
  if (once) await end(isAsExpected ? 0 : 1)
  say(
    `\nThe server stays on ${plane.url}. Try: npx dankai status · npx dankai events realtime-pricing · Ctrl-C ends it.`,
  )
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  await end(3)
}
