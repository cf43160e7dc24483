import type { CompiledPlan } from '@dankai/plan'
import { laws } from './laws.ts'
import { drawScript } from './random-script.ts'
import { createSeededRandom } from './seeded-random.ts'
import { simulate } from './simulate.ts'
import type { Trace } from './trace.ts'
import { findGoodValues } from './world/good-values.ts'

/** A law that did not hold: the plan and the seed repeat the world it was broken in. */
export interface BrokenLaw {
  readonly plan: string
  readonly seed: number
  readonly law: string
  readonly how: string
}

export interface WorldsReport {
  readonly worlds: number
  readonly broken: readonly BrokenLaw[]
  /** How the releases ended, so that a reader sees that the worlds were not all the same. */
  readonly outcomes: Readonly<Record<Trace['outcome'], number>>
  readonly crashes: number
  readonly events: number
}

const brokenAtMost = 50

const day = 86_400_000

/** Half as long again as the plan: a release that is stuck for longer tells nothing new. */
function lastsMs(plan: CompiledPlan): number {
  return 1.5 * plan.phases.reduce((sum, phase) => sum + (phase.holdMs ?? day), 0) + day
}

/** Runs `count` seeded worlds over the plans in turn. World n has the seed `seed + n`. */
export async function runWorlds(
  plans: readonly CompiledPlan[],
  count: number,
  seed: number,
  onWorld: (done: number, broken: readonly BrokenLaw[]) => void = () => {},
): Promise<WorldsReport> {
  const outcomes = { completed: 0, 'rolled back': 0, 'rollback incomplete': 0, contained: 0, running: 0 }
  const broken: BrokenLaw[] = []
  let crashes = 0
  let events = 0
  for (let index = 0; index < count && broken.length < brokenAtMost; index += 1) {
    const plan = plans[index % plans.length]
    if (!plan) break
    const world = await runWorld(plan, seed + index)
    outcomes[world.trace.outcome] += 1
    crashes += world.trace.crashes
    events += world.trace.events.length
    broken.push(...world.broken)
    onWorld(index + 1, broken)
  }
  return { worlds: count, broken, outcomes, crashes, events }
}

/** One world: a script drawn from the seed, and every law on what came of it. */
export async function runWorld(
  plan: CompiledPlan,
  seed: number,
  fidelity: 'events' | 'full' = 'events',
): Promise<{ readonly trace: Trace; readonly broken: readonly BrokenLaw[] }> {
  const good = findGoodValues(plan)
  if (!good.ok) throw new Error(good.message)
  const random = createSeededRandom(seed)
  const script = drawScript(plan, good.values, random)
  const run = await simulate({
    plan,
    script,
    seed,
    fidelity,
    start: null,
    labels: [],
    lastsMs: lastsMs(plan),
    lookedAt: [],
  })
  if (!run.ok) throw new Error(run.message)
  const { trace } = run
  const broken = laws.flatMap(law => {
    const how = law.broken(trace)
    return how === null ? [] : [{ plan: plan.name, seed, law: law.name, how }]
  })
  return { trace, broken }
}
