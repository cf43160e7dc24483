// How long one observation takes at full fidelity: `node packages/analysis/src/testing/observe-speed.ts`. Run by hand.
// 20 metrics of every kind with rules and criteria as in the documents, 10 s buckets that are never equal.
import { EvidenceFold, type Measure, Quantiles } from '../index.ts'
import { count, days, evidencePlan, last, type PlanSketch, p99, ratio } from './evidence-plan.ts'

const bucketMs = 10_000
const metricsAsked = 20

interface Kind {
  readonly measure: NonNullable<PlanSketch['metrics'][string]>['measure']
  readonly rules: readonly string[]
  readonly promoteWhen: readonly string[]
  readonly next: (draw: number) => Measure
}

const errorRate: Kind = {
  measure: ratio,
  rules: ['> 5% for 2m', '> 10%', 'over 5m > 7%'],
  promoteWhen: ['over 5m <= baseline + 0.5pt'],
  next: draw => ({ kind: 'ratio', numerator: Math.floor(draw * 10), denominator: 500 + Math.floor(draw * 100) }),
}
const latency: Kind = {
  measure: p99,
  rules: ['> 5000ms for 5m'],
  promoteWhen: ['over 5m <= baseline + 10%'],
  next: draw => ({
    kind: 'quantile',
    quantiles: new Quantiles()
      .add(100, 40)
      .add(400 + Math.floor(draw * 100), 10)
      .add(900),
  }),
}
const restarts: Kind = {
  measure: count,
  rules: ['> 1000 in 5m'],
  promoteWhen: [],
  next: draw => ({ kind: 'count', count: Math.floor(draw * 3) }),
}
const use: Kind = {
  measure: last,
  rules: ['> 95%', '> 85% for 10m'],
  promoteWhen: [],
  next: draw => ({ kind: 'last', value: 0.4 + draw / 10 }),
}
const kinds: readonly Kind[] = [errorRate, errorRate, latency, restarts, use]
const named = Array.from({ length: metricsAsked }, (_, index) => ({
  name: `m${index}`,
  kind: kinds[index % kinds.length]!,
}))

function start(): EvidenceFold {
  const sentences = (part: 'rules' | 'promoteWhen') =>
    named.flatMap(({ name, kind }) => kind[part].map(text => `${name} ${text}`))
  const plan = evidencePlan({
    metrics: Object.fromEntries(named.map(({ name, kind }) => [name, { measure: kind.measure }])),
    rules: sentences('rules'),
    phases: [{ promoteWhen: sentences('promoteWhen') }],
    evidence: { kind: 'notHarmful', samples: 100, afterMs: 0 },
  })
  const fold = EvidenceFold.start(plan)
  fold.beginPhase(0, 0)
  fold.reachExposure(0)
  return fold
}

/** A repeatable draw between 0 and 1; only its spread matters here. */
let seed = 1
function draw(): number {
  seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff
  return seed / 0x7fffffff
}

function feed(fold: EvidenceFold | null, ticks: number): void {
  for (let tick = 0; tick < ticks; tick += 1) {
    for (const { name, kind } of named) {
      const measure = kind.next(draw())
      const bucket = { metric: name, start: tick * bucketMs, lengthMs: bucketMs, buckets: 1, measure, open: false }
      fold?.observe({ ...bucket, track: 'canary' })
      fold?.observe({ ...bucket, track: 'stable' })
    }
    fold?.advance((tick + 1) * bucketMs)
  }
}

/** Processor time, because a shared machine gives a process only part of the clock. */
function processorMs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

const ticks = (28 * days) / bucketMs
const observations = ticks * metricsAsked * 2
for (const round of ['first', 'second']) {
  const foldMs = processorMs(() => feed(start(), ticks))
  const drawMs = processorMs(() => feed(null, ticks))
  const eachUs = ((foldMs - drawMs) * 1_000) / observations
  console.log(
    `${round}: ${observations} observations in ${Math.round(foldMs)} ms, ${eachUs.toFixed(2)} µs each without making them`,
  )
}
