import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ScenarioResult, testPlans } from './test-plans.ts'
import { shopFiles, shopScenarios } from './testing/shop-plan.ts'

async function run(scenario: string, fidelity: 'events' | 'full' = 'events'): Promise<ScenarioResult> {
  const [result] = await testPlans({ files: shopScenarios(scenario), fidelity })
  assert.ok(result)
  return result
}

/** Scenarios that must pass, at both fidelities: each line of `expect` is a claim about engine, world and matcher. */
const passing: Readonly<Record<string, string>> = {
  'a healthy world completes, phase by phase, at the times the plan writes': `
  - name: healthy
    expect:
      - { at: start, event: PhaseEntered }
      - { at: canary + 5m, event: PhasePromoted, phase: half, exposure: 50% }
      - { at: half + 20m, event: PhasePromoted }
      - { at: all + 30m, event: Completed }
      - { outcome: completed }
      - { count: run npm test, is: 1 }
      - { count: notify done to team, is: 1 }
      - { never: RollbackStarted }
`,
  'nobody approves, so nobody is exposed; one of two approvals is not enough': `
  - name: absent
    lasts: 4h
    script:
      - { at: start, absent: [release-managers] }
      - { at: start + 1h, person: release-manager, does: approve }
    expect:
      - { at: start + 30m, waitingOn: approval of release-managers (0 of 2) }
      - { at: start + 2h, waitingOn: approval of release-managers (1 of 2) }
      - { at: start + 2h, waitingOn: release-managers の承認 }
      - { never: exposure > 0% }
      - { outcome: running }
`,
  'who comes back answers what was asked meanwhile': `
  - name: back
    script: [{ at: start, absent: [everyone] }, { at: start + 3h, present: [everyone] }]
    expect: [{ at: start + 3h, event: PhaseEntered }, { outcome: completed }]
`,
  'a rule fires after its duration, and everything is back before the runbook goes on': `
  - name: spike
    script: [{ at: half + 1m, error_rate: 6%, for: 10m }]
    expect:
      - { at: half + 3m, event: RollbackStarted, because: Error spike }
      - { by: half + 3m, exposure: 0% }
      - { event: StepEnded, because: back, exposure: 0% }
      - { outcome: rolled back }
      - { count: run ./restore.sh, is: 1 }
`,
  'one second short of its duration, or exactly at its limit, a rule does not fire': `
  - name: nearly
    script: [{ at: half + 1m, error_rate: 5.01%, for: 110s }, { at: half + 5m, error_rate: 5%, for: 5m }]
    expect: [{ never: RollbackStarted, because: Error spike }]
`,
  'a canary that is slower than stable is harmful at the end of its hold': `
  - name: slower
    script: [{ at: canary, p99 canary: 1200ms }]
    expect:
      - { at: canary + 5m, event: RollbackStarted, because: shown harmful }
      - { never: exposure > 5% }
`,
  'everybody slower alike blames nobody': `
  - name: slow day
    script: [{ at: canary, p99: 1900ms }]
    expect: [{ outcome: completed }]
`,
  'a decision is answered by the people who are there': `
  - name: answered
    script: [{ at: half + 2m, error_rate: 3%, for: 1m }]
    expect:
      - { at: half + 2m10s, event: DecisionAsked, because: Elevated }
      - { event: DecisionAnswered, because: continue }
      - { outcome: completed }
`,
  'silence falls to the answer the plan writes': `
  - name: silence
    script: [{ at: half + 2m, error_rate: 3%, for: 1m }, { at: half, absent: [on-call, tech-lead], for: 1h }]
    expect:
      - { at: half + 12m, event: RollbackStarted, because: no answer within 10m }
      - { during: [half + 3m, half + 11m], waitingOn: decision about "error_rate > 2%" }
`,
  'a person may decide otherwise': `
  - name: decided
    script:
      - { at: half, absent: [everyone] }
      - { at: half + 2m, error_rate: 3% }
      - { at: half + 4m, person: on-call, does: answer rollback, why: better safe }
    expect: [{ at: half + 4m, event: RollbackStarted }]
`,
  'a report of a person rolls back at once': `
  - name: reported
    script: [{ at: half + 7m, person: support, does: report data_loss, why: two customers }]
    expect: [{ at: half + 7m, event: RollbackStarted, because: Reported }]
`,
  'pause stops the clock of the hold, resume lets it go on': `
  - name: pause
    script: [{ at: half + 5m, person: on-call, does: pause }, { at: half + 65m, person: on-call, does: resume }]
    expect:
      - { at: half + 30m, waitingOn: resume, exposure: 50% }
      - { at: half + 80m, event: PhasePromoted }
`,
  'a gap in the data holds, and only observed time counts': `
  - name: gap
    script: [{ at: half + 5m, error_rate: no data, for: 10m }]
    expect:
      - { at: half + 5m30s, event: DataMissing, because: error_rate }
      - { at: half + 10m, waitingOn: data for error_rate }
      - { at: half + 15m, event: DataRestored, because: error_rate }
      - { at: half + 30m, event: PhasePromoted }
`,
  'data that is a little late is judged a little late': `
  - name: late
    script: [{ at: half + 1m, error_rate: 6%, for: 10m }, { at: half + 1m, late: 20s, for: 20m }]
    expect: [{ at: half + 3m20s, event: RollbackStarted, because: Error spike }]
`,
  'data that is too late is missing, and decides nothing when it comes': `
  - name: too late
    script: [{ at: half + 1m, error_rate: 6%, for: 10m }, { at: half + 1m, late: 5m, for: 20m }]
    expect: [{ at: half + 1m30s, event: DataMissing, because: error_rate }, { never: RollbackStarted }]
`,
  'a count fires by its window': `
  - name: crash loop
    script: [{ at: half + 2m, restarts: 4 }, { at: half + 4m, restarts: 4 }]
    expect: [{ at: half + 5m, event: RollbackStarted, because: Crash loop }]
`,
  'a hold rule keeps the release where it is while it is true': `
  - name: busy
    script: [{ at: half + 10m, cpu: 95%, for: 1h }]
    expect:
      - { at: half + 40m, exposure: 50%, waitingOn: end of "Busy" }
      - { never: RollbackStarted }
      - { outcome: completed }
`,
  'a failing gate waits for a person; retried, it goes on': `
  - name: gate
    script: [{ at: start, step: npm test, fails: once }, { at: start + 10m, person: dev, does: retry npm test }]
    expect:
      - { at: start + 5m, waitingOn: retry or skip of "npm test", exposure: 0% }
      - { at: start + 10m, event: PhaseEntered }
      - { count: run npm test, is: 2 }
`,
  'a command takes its time, and what hangs has no known result': `
  - name: slow and hanging
    script: [{ at: start, step: npm test, takes: 4m }]
    expect: [{ at: start + 3m, waitingOn: step "npm test" }, { at: start + 4m, event: PhaseEntered }]
`,
  'a hanging command is ambiguous after its time-out, never run twice by itself': `
  - name: hangs
    lasts: 2h
    script: [{ at: start, step: npm test, hangs: always }]
    expect:
      - { event: StepEnded, because: ambiguous }
      - { at: start + 1h, waitingOn: retry or skip of "npm test" }
      - { count: run npm test, is: 1 }
`,
  'a hand that fails for a while is retried, and its hold starts when it is there': `
  - name: hand
    script: [{ at: canary + 5m, hand: nginx, fails: always, for: 2m }]
    expect:
      - { at: canary + 6m, waitingOn: 'exposure of nginx:shop at 50%', exposure: 5% }
      - { by: canary + 8m, exposure: 50% }
      - { at: half + 20m, event: PhasePromoted }
`,
  'upward drift is lowered at once': `
  - name: drift up
    script: [{ at: canary + 2m, hand: nginx, drifts: 80% }]
    expect: [{ at: canary + 2m, event: DriftSeen }, { at: canary + 2m, exposure: 5% }, { outcome: completed }]
`,
  'downward drift waits for a person': `
  - name: drift down
    lasts: 2h
    script: [{ at: canary + 2m, hand: nginx, drifts: 1% }]
    expect: [{ at: canary + 30m, waitingOn: drift of nginx, exposure: 1% }, { outcome: running }]
`,
  'what cannot be read is not raised': `
  - name: unreadable
    script: [{ at: canary + 1m, hand: nginx, unreadable: always, for: 10m }]
    expect: [{ at: canary + 8m, exposure: 5% }, { outcome: completed }]
`,
  'killed between the call and its result, the engine sets nothing twice': `
  - name: killed
    script: [{ at: half, crash: after SetExposure ran, restart: 40s }]
    expect: [{ count: nginx reloads with weight=50, is: 1 }, { at: half + 1m, exposure: 50% }, { outcome: completed }]
`,
  'killed around a commit, nothing is lost': `
  - name: commits
    script:
      - { at: canary, crash: before PhasePromoted, restart: 20s }
      - { at: half, crash: after ExposureReached, restart: 20s }
      - { at: all + 1m, crash: 'commit: after', restart: 20s }
    expect: [{ count: PhasePromoted, is: 3 }, { outcome: completed }]
`,
  'killed while a rule is pending, it fires when the engine is back': `
  - name: pending
    script: [{ at: half + 1m, error_rate: 6% }, { at: half + 2m, crash: now, restart: 30s }]
    expect: [{ at: half + 3m, event: RollbackStarted, because: Error spike }]
`,
  'a suspended machine loses coverage, and the hold is longer by it': `
  - name: suspended
    script: [{ at: half + 5m, suspended: 10m }]
    expect:
      - { at: half + 15m, event: CoverageRestored }
      - { at: half + 30m, event: PhasePromoted }
`,
  'a rollback that cannot verify is incomplete, and exposure stays at zero': `
  - name: incomplete
    script: [{ at: half + 1m, error_rate: 6% }]
    expect:
      - { at: rollback + 15m, event: RunbookStepFailed, because: verify }
      - { outcome: rollback incomplete }
      - { during: [rollback + 1m, rollback + 14m], exposure: 0% }
`,
}

for (const [sentence, scenario] of Object.entries(passing)) {
  test(`${sentence}`, async () => {
    for (const fidelity of ['events', 'full'] as const) {
      const result = await run(scenario, fidelity)
      assert.deepEqual(
        result.failures.map(({ message }) => message),
        [],
        fidelity,
      )
    }
  })
}

/** An expectation that is wrong for a spike at half + 1m, and parts of the message it fails with. */
const failing: readonly (readonly [string, readonly string[]])[] = [
  [
    '{ at: half + 2m, event: RollbackStarted }',
    [
      'shop.scenarios.yaml:8:9: Cannot meet "at half + 2m, event RollbackStarted": found RollbackStarted at half + 3m',
      ', waiting on hold until 2026-06-02 01:25, 2m of 20m, expected it then, less than one bucket late. Correct the time',
    ],
  ],
  [
    '{ at: half + 3m, event: RollbackStarted, because: Slow }',
    ['found RollbackStarted at half + 3m', 'Correct the cause'],
  ],
  ['{ event: Paused }', ['found no such event; near it', 'expected it at some time.']],
  ['{ by: half + 2m, exposure: 0% }', ['found exposure 50% at half + 2m']],
  ['{ at: all + 1m, exposure: 100% }', ['found phase "all" never exposed; it ended rolled back at rollback']],
  ['{ never: RollbackStarted }', ['found RollbackStarted at rollback', 'expected it never to happen']],
  ['{ never: exposure > 5% }', ['found exposure 50% at half']],
  ['{ outcome: completed }', ['found rolled back', 'expected outcome completed']],
  ['{ at: canary + 1m, phase: half }', ['found exposure 5%, phase canary at canary + 1m']],
  ['{ at: canary + 1m, waitingOn: approval of sre }', ['waiting on hold until', '1m of 5m']],
  ['{ count: run npm test, is: 2 }', ['found 1 of it; performed were "run npm test", "nginx reloads with weight=5"']],
  ['{ during: [half, half + 10m], exposure: 50% }', ['found exposure 0% at half + 3m']],
  ['{ during: [canary, half], event: Paused }', ['found no such event; near it']],
]

test('a failed expectation says what was found instead, what the release waited for, and what to do next', async () => {
  for (const [expectation, parts] of failing) {
    const { failures } = await run(`
  - name: spike
    script: [{ at: half + 1m, error_rate: 6%, for: 5m }]
    expect:
      - ${expectation}
`)
    const text = failures.map(({ message }) => message).join('\n')
    for (const part of parts) assert.ok(text.includes(part), `${expectation}\n${text}\nlacks ${part}`)
    assert.equal(failures.length, 1, expectation)
  }
})

test('what a script gets wrong is said at its place, and fails its scenario only', async () => {
  const results = await testPlans({
    files: shopScenarios(`
  - name: unknown metric
    script: [{ at: start, eror_rate: 5% }]
    expect: [{ outcome: completed }]
  - name: unknown instant
    script: [{ at: start, crash: sometime, restart: 1s }]
    expect: [{ outcome: completed }]
  - name: refused action
    script: [{ at: start, person: dev, does: resume }]
    expect: [{ outcome: contained }]
  - name: fine
    expect: [{ outcome: completed }]
`),
  })
  assert.deepEqual(
    results.map(({ passed }) => passed),
    [false, false, false, true],
  )
  const [metric, instant, refused] = results.map(({ failures }) => failures.map(({ message }) => message).join('\n'))
  assert.match(metric!, /^shop\.scenarios\.yaml:\d+:\d+: .*eror_rate/)
  assert.match(instant!, /Cannot crash at "sometime": found no such instant, expected now, after SetExposure ran/)
  assert.match(refused!, /Cannot resume "shop": found /)
})

test('a plan that does not compile fails its scenarios with its first problem', async () => {
  const broken = shopFiles.map(file => ({ ...file, text: String(file.text).replace('expose: 5%', 'expose: 60%') }))
  const scenario = {
    path: 's.yaml',
    text: 'kind: Scenarios\nplan: shop\nscenarios: [{ name: a, expect: [{ outcome: completed }] }]',
  }
  const [result] = await testPlans({ files: [...broken, scenario] })
  assert.match(result!.failures[0]!.message, /^shop\.yaml:\d+:\d+: Cannot order phase "half"/)
})
