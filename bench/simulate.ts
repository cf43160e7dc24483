import { runWorlds, simulate } from '@dankai/simulation'
import type { BenchResult } from './bench-result.ts'
import { wideplan } from './decide.ts'
import { distributionOf } from './distribution.ts'

const eventRuns = 20
const worldsUnlessAsked = 500

/** A four-week plan with 20 metrics at 10 s: event by event, every bucket by itself, and many seeded worlds. */
export async function simulateBench(args: readonly string[]): Promise<BenchResult> {
  const plan = wideplan()
  const run = async (fidelity: 'events' | 'full'): Promise<number> => {
    const before = performance.now()
    const result = await simulate({
      plan,
      script: [],
      seed: 1,
      fidelity,
      start: null,
      labels: [],
      lastsMs: null,
      lookedAt: [],
    })
    if (!result.ok || result.trace.outcome !== 'completed')
      throw new Error(result.ok ? result.trace.outcome : result.message)
    return performance.now() - before
  }
  const eventMs: number[] = []
  for (let index = 0; index < eventRuns; index += 1) eventMs.push(await run('events'))
  const fullMs = await run('full')
  const worlds = Number(args.find(arg => arg.startsWith('--worlds='))?.slice('--worlds='.length) ?? worldsUnlessAsked)
  const before = performance.now()
  const report = await runWorlds([plan], worlds, 1)
  return {
    bench: 'simulate',
    target: 'four-week plan: <= 50 ms event-driven, <= 5 s at full fidelity; 10,000 seeded worlds, no law broken',
    figures: {
      ...distributionOf('event-driven ms', eventMs),
      'full fidelity ms': fullMs,
      'full / event-driven': fullMs / (eventMs.reduce((a, b) => a + b, 0) / eventMs.length),
      'seeded worlds': worlds,
      'worlds ms each': (performance.now() - before) / worlds,
      'laws broken': report.broken.length,
    },
  }
}
