import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runCommand } from './testing/run-command.ts'

const workingFolder = fileURLToPath(new URL('./golden/files', import.meta.url))
const run = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  runCommand(args, { workingFolder, environment })

describe('dankai test', () => {
  it('says at which expectation a scenario failed and what happened instead', async () => {
    const { exit, out, error } = await run(['test', 'failing'])
    assert.deepEqual([exit, error], [1, []])
    assert.equal(out[0], '✗ checkout: exactly 5 % takes everybody back')
    assert.match(
      out[1] ?? '',
      /^ {4}failing\/plan\.yaml:14:14: Cannot meet "at all \+ 3m, event RollbackStarted": found no such event; .*, expected /,
    )
    assert.match(out[2] ?? '', /^ {4}failing\/plan\.yaml:14:56: Cannot meet "outcome rolled back": found completed/)
    assert.equal(out.at(-1), '0 passed, 1 failed')
    assert.equal((await run(['test', 'failing'], { DANKAI_LANG: 'ja' })).out.at(-1), '成功 0、失敗 1')
  })

  it('prints one JSON value with every result', async () => {
    const { exit, out } = await run(['test', 'good', '--json'])
    const { passed, failed, problems, results } = JSON.parse(out[0] ?? '')
    assert.deepEqual([exit, out.length, passed, failed, problems], [0, 1, 2, 0, []])
    const places = results.map(({ file, line, outcome }: Record<string, unknown>) => `${file}:${line} ${outcome}`)
    assert.deepEqual(places, ['good/scenarios/careful.yaml:4 rolled back', 'good/scenarios/careful.yaml:9 completed'])
  })
})

describe('dankai simulate', () => {
  const scenario = ['good/plan.yaml', '--scenario', 'errors for two minutes']

  it('prints a scenario as one JSON value, found by a part of its name beside the plan', async () => {
    const { exit, out } = await run(['simulate', ...scenario, '--json'])
    const trace = JSON.parse(out[0] ?? '')
    assert.deepEqual([exit, out.length], [0, 1])
    assert.deepEqual(
      [trace.plan, trace.scenario, trace.outcome, trace.passed, trace.failures],
      ['checkout', 'errors for two minutes take everybody back', 'rolled back', true, []],
    )
    assert.equal(trace.events[0].type, 'ReleaseStarted')
    assert.deepEqual(
      trace.events
        .filter(({ type }: { type: string }) => type === 'RollbackStarted')
        .map(({ when }: { when: string }) => when),
      ['rollback'],
    )
    assert.equal(trace.exposures.at(-1).share, 0)
  })

  it('draws it in the language of the person', async () => {
    const { exit, out } = await run(['simulate', ...scenario])
    assert.equal(exit, 0)
    assert.match(
      out.join('\n'),
      /checkout[\s\S]*errors for two minutes take everybody back[\s\S]*rolled back[\s\S]*canary 5%/,
    )
    assert.match((await run(['simulate', ...scenario], { DANKAI_LANG: 'ja' })).out.join('\n'), /ロールバック済み/)
  })

  it('draws the same world of troubles for the same seed, and another for another', async () => {
    const world = async (seed: string) => (await run(['simulate', 'good/plan.yaml', '--seed', seed, '--json'])).out[0]
    const seven = await world('7')
    assert.equal(await world('7'), seven)
    assert.notEqual(await world('8'), seven)
  })

  it('exits with 1 when the scenario fails, and prints what failed', async () => {
    const { exit, out } = await run(['simulate', 'failing', '--scenario', 'exactly', '--json'])
    const trace = JSON.parse(out[0] ?? '')
    assert.deepEqual([exit, trace.passed, trace.outcome, trace.failures.length], [1, false, 'completed', 2])
  })

  it('simulates a strategy by its name, at full fidelity too', async () => {
    const hotfix = async (...options: string[]) => {
      const { out } = await run(['simulate', 'good/plan.yaml', '--strategy', 'hotfix', '--json', ...options])
      return JSON.parse(out[0] ?? '')
    }
    const [quick, full] = [await hotfix(), await hotfix('--full')]
    assert.deepEqual([quick.outcome, full.outcome], ['completed', 'completed'])
    assert.equal(quick.events.filter(({ type }: { type: string }) => type === 'PhaseEntered').length, 1)
  })
})
