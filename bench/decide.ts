import { EvidenceFold } from '@dankai/analysis'
import { apply, decide, type HandReading, type ReleaseState, startRelease } from '@dankai/core'
import { type CompiledPlan, compilePlan, parsePlanDocuments } from '@dankai/plan'
import type { BenchResult } from './bench-result.ts'
import { distributionOf } from './distribution.ts'

const phases = 4
const metrics = 20

/** A plan with 20 metrics, a rule and a criterion for each, and one phase of four weeks. */
export function wideplanText(): string {
  const names = Array.from({ length: metrics }, (_, index) => `m${index}`)
  return [
    'kind: ReleasePlan',
    'name: wide',
    'service: wide',
    'exposure: [{ flag: wide }]',
    'metrics:',
    ...names.map(name => `  ${name}: { ratio: ${name}_bad / ${name}_all }`),
    'promoteWhen:',
    ...names.map(name => `  - ${name} < 1%`),
    'rollbackWhen:',
    ...names.map(name => `  - ${name} > 5% for 2m`),
    'phases:',
    ...Array.from(
      { length: phases },
      (_, index) => `  - { name: p${index}, expose: ${[5, 25, 50, 100][index]}%, hold: 7d }`,
    ),
  ].join('\n')
}

export function wideplan(): CompiledPlan {
  const result = compilePlan(parsePlanDocuments([{ path: 'wide.yaml', text: wideplanText() }]), { plan: 'wide' })
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result.plan
}

/** One look at a release that holds: 20 rules and 20 criteria over real evidence, nothing to report. */
export async function decideBench(): Promise<BenchResult> {
  const plan = wideplan()
  const started = startRelease({
    plan,
    planDigest: 'bench',
    version: 'v1',
    strategy: null,
    labels: [],
    by: 'bench',
    exemption: null,
    now: 0,
    supports: { verbs: [], hands: ['flag'], channels: ['*'] },
  })
  if (!started.ok) throw new Error(JSON.stringify(started.refusals))
  const evidence = EvidenceFold.start(plan)
  let state: ReleaseState = started.state
  let hands: Readonly<Record<string, HandReading>> = {}
  const look = (now: number): void => {
    const decision = decide({ plan, state, evidence, hands, results: [], completedPlans: [], now })
    for (const body of decision.events) {
      state = apply(plan, state, { seq: state.seq + 1, at: now, body })
      if (body.type === 'PhaseEntered') evidence.beginPhase(body.phase, now)
      if (body.type === 'ExposureReached') evidence.reachExposure(now)
    }
  }
  look(0)
  const [hand] = plan.hands
  hands = {
    [hand?.id ?? '']: { generation: 1, share: 0.05, reached: true, floor: 0, readings: 2, at: 0, problem: null },
  }
  look(0)
  const observeUs: number[] = []
  const decideUs: number[] = []
  for (let tick = 0; tick < 50_000; tick += 1) {
    const start = tick * 10_000
    const before = performance.now()
    for (let metric = 0; metric < metrics; metric += 1) {
      const measure = { kind: 'ratio', numerator: 1, denominator: 1000 } as const
      evidence.observe({
        metric: `m${metric}`,
        track: 'canary',
        start,
        lengthMs: 10_000,
        buckets: 1,
        measure,
        open: false,
      })
    }
    evidence.advance(start + 10_000)
    const between = performance.now()
    look(start + 10_000)
    const after = performance.now()
    if (tick < 5_000) continue
    observeUs.push(((between - before) * 1000) / metrics)
    decideUs.push((after - between) * 1000)
  }
  return {
    bench: 'decide',
    target:
      'decide of a holding release with 20 rules and 20 criteria: tens of microseconds; observe: about 0.5 microseconds',
    figures: { ...distributionOf('decide µs', decideUs), ...distributionOf('observe µs a metric', observeUs) },
  }
}
