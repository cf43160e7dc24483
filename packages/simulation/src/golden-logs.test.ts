import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Event, foldEvents, type ReleaseState, semanticsVersion } from '@dankai/core'
import type { CompiledPlan } from '@dankai/plan'
import { testPlans } from './test-plans.ts'
import { shopScenarios } from './testing/shop-plan.ts'

/**
 * Logs of releases as programs of the past wrote them, one file a release: the plan, its events, the state they came to.
 * A later program must fold each to the same state, because releases outlive the program that started them.
 *
 * A file is never written again. A new meaning of an event is a new `semanticsVersion`, and new files beside the old;
 * `GOLDEN=write` adds what is missing for the present one.
 */
const folder = new URL('./testing/golden-logs/', import.meta.url).pathname

/** Between them they have every kind of event a release of the shop writes. */
const scripts: Readonly<Record<string, string>> = {
  completed: '[]',
  'rolled-back': '[{ at: half + 1m, error_rate: 6%, for: 10m }]',
  incomplete: '[{ at: half + 1m, error_rate: 6% }]',
  suspended: '[{ at: half + 5m, suspended: 10m }]',
  'failing-gate':
    '[{ at: start, step: npm test, fails: once }, { at: start + 10m, person: dev, does: retry npm test }]',
  'without-data': '[{ at: half + 5m, error_rate: no data, for: 10m }]',
  drifting: '[{ at: canary + 2m, hand: nginx, drifts: 80% }]',
  elevated: '[{ at: half + 1m, error_rate: 3%, for: 3m }, { at: half + 6m, cpu: 95%, for: 3m }]',
  reported: '[{ at: half + 1m, person: dev, does: report data_loss }]',
  paused: '[{ at: half + 1m, person: dev, does: pause }, { at: half + 40m, person: dev, does: resume }]',
}

interface GoldenLog {
  readonly plan: CompiledPlan
  readonly events: readonly Event[]
  readonly state: ReleaseState
}

mkdirSync(folder, { recursive: true })
for (const [name, script] of Object.entries(scripts)) {
  const file = join(folder, `${semanticsVersion}-${name}.jsonl`)
  if (process.env['GOLDEN'] === 'write' && !existsSync(file)) {
    const scenario = `  - { name: ${name}, script: ${script}, expect: [{ at: start, event: ReleaseStarted }] }\n`
    const [result] = await testPlans({ files: shopScenarios(scenario) })
    assert.ok(result?.trace, String(result?.failures.map(({ message }) => message)))
    writeFileSync(file, linesOf(result.trace))
  }
  test(`the log of a release that is ${name} is kept for semantics ${semanticsVersion}`, () => {
    assert.ok(existsSync(file), `found no ${file}, expected it. Write it with GOLDEN=write`)
  })
}

for (const file of readdirSync(folder)) {
  test(`${file} folds to the state it came to when it was written`, () => {
    const { plan, events, state } = readLog(join(folder, file))
    assert.deepEqual(JSON.parse(JSON.stringify(foldEvents(plan, events))), state)
  })
}

/** Of releases that were amended, contained, or whose hands failed for five minutes no log is kept yet. */
const keptTypes = `
AlertCleared AlertRaised Completed CoverageLost CoverageRestored DataMissing DataRestored
DecisionAnswered DecisionAsked DriftEnded DriftSeen ExposureChanged ExposureReached FollowUpOpened
GateAnswered GateOpened HoldEnded Paused PhaseEntered PhasePromoted ReleaseStarted Resumed
RollbackStarted RolledBack RunbookStepFailed SignalReported StepEnded StepRetried StepStarted
TriggerCleared TriggerFired TriggerPending VerdictChanged
`

test('golden logs are kept of these kinds of events', () => {
  const events = readdirSync(folder).flatMap(file => readLog(join(folder, file)).events)
  assert.deepEqual([...new Set(events.map(({ body }) => body.type))].toSorted(), keptTypes.trim().split(/\s+/))
})

function linesOf({ plan, events, state }: GoldenLog): string {
  const logged = events.map(({ seq, at, body }) => ({ seq, at, body }))
  return [plan, ...logged, state].map(line => `${JSON.stringify(line)}\n`).join('')
}

function readLog(path: string): GoldenLog {
  const [plan, ...rest] = readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
  return { plan, events: rest.slice(0, -1), state: rest.at(-1) }
}
