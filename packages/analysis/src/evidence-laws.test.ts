import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Metric } from '@dankai/plan'
import fc from 'fast-check'
import { EvidenceFold, type EvidencePlan, Quantiles } from './index.ts'
import type { Measure, Observation, Track } from './observation.ts'
import { count, evidencePlan, last, mean, minutes, p99, query, ratio } from './testing/evidence-plan.ts'

/**
 * Laws of the fold, over random worlds: metrics of every kind, tracks that come and go, phases, exposure, pauses.
 */

const second = 1_000
const tick = 10 * second

const metrics: Readonly<Record<string, Partial<Metric> & Pick<Metric, 'measure'>>> = {
  errors: { measure: ratio },
  slow: { measure: p99, unit: 'time' },
  cost: { measure: mean, unit: 'money' },
  restarts: { measure: count },
  cpu: { measure: last, everyMs: minutes },
  memory: { measure: last, everyMs: 2 * minutes },
  latency: { measure: query, everyMs: minutes },
  reports: { measure: count, everyMs: null, source: 'people' },
  calls: { measure: count, source: 'people' },
  resources: { measure: { kind: 'highest', of: ['cpu', 'memory'] } },
}

const rules = [
  'errors > 5%',
  'errors > 5% for 2m',
  'errors over 90s > 4%',
  'errors over 5m >= 3% for 1m',
  'errors > 5% 4 times',
  'errors > 5% 3 times in 3m',
  'errors > 2x baseline for 1m',
  'errors over 2m > baseline + 0.5pt',
  'errors has no data for 1m',
  'slow > 500 for 1m',
  'slow over 2m >= baseline + 10%',
  'cost over 3m > 0.3',
  'restarts > 5 in 1m',
  'restarts > 40',
  'restarts = 0 in 2m',
  'restarts >= 3x baseline in 2m',
  'cpu differs from previous by >= 20%',
  'latency > 2x previous',
  'latency over 4m > 300 for 2m',
  'resources > 80%',
  'resources > 80% for 3m',
  'reports >= 3 in 10m',
  'reports > 5',
  'calls >= 3 in 10m',
  'calls = 0 in 2m',
]
const promoteWhen = [
  'errors < 4%',
  'errors over 5m <= baseline + 0.5pt',
  'errors <= baseline',
  'slow < 400',
  'slow <= baseline + 20%',
  'cost <= 0.25',
  'restarts <= 20',
  'restarts = 0 in 5m',
  'resources < 90%',
  'latency over 10m < 250',
  'cpu <= baseline',
  'reports = 0',
]

function planUnder(test: { readonly samples: number; readonly afterMs: number } | null): EvidencePlan {
  const phase = {
    rules: ['errors > 3% 2 times', 'restarts >= 10', 'latency > 300 for 2m', 'cpu has no data'],
    promoteWhen,
  }
  const evidence = test === null ? { kind: 'shownSafe' as const } : { kind: 'notHarmful' as const, ...test }
  return evidencePlan({ metrics, rules, phases: [phase, phase], evidence })
}

const plan = planUnder({ samples: 300, afterMs: 2 * minutes })
const otherPlan = evidencePlan({ metrics, rules: rules.slice(0, 9), phases: [{ promoteWhen }, {}] })
const termIds = [
  ...rules.map((_, index) => `r${index}`),
  ...[0, 1].flatMap(phase => [
    ...promoteWhen.map((_, index) => `p${phase}.c${index}`),
    ...[0, 1, 2, 3].map(index => `p${phase}.r${index}`),
  ]),
]
const textOf = new Map(
  [
    ...plan.rules.flatMap(rule => rule.anyOf),
    ...plan.phases.flatMap(phase =>
      phase.promoteWhen.flatMap(criterion => (criterion.kind === 'condition' ? [criterion.condition] : [])),
    ),
  ].flatMap(condition => ('id' in condition ? [[condition.id, condition.text] as const] : [])),
)

function answers(fold: EvidenceFold): Record<string, unknown> {
  return Object.fromEntries(termIds.map(id => [`${id} ${textOf.get(id)}`, fold.assess(id)]))
}

// ── Worlds ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const measures: Readonly<Record<string, fc.Arbitrary<Measure>>> = {
  errors: fc
    .record({ numerator: fc.constantFrom(0, 1, 3, 5, 6, 20), denominator: fc.constantFrom(0, 10, 60, 100, 400) })
    .map(({ numerator, denominator }) => ({ kind: 'ratio', numerator: Math.min(numerator, denominator), denominator })),
  slow: fc.array(fc.constantFrom(100, 250.5, 390, 400, 501, 800), { minLength: 0, maxLength: 4 }).map(values => ({
    kind: 'quantile',
    quantiles: Quantiles.of(values.flatMap(value => new Array<number>(25).fill(value))),
  })),
  cost: fc
    .record({ sum: fc.constantFrom(0.1, 2.5, 7.77, 30, 1 / 3), count: fc.constantFrom(0, 10, 25, 100) })
    .map(({ sum, count }) => ({ kind: 'mean', sum, count })),
  restarts: fc.constantFrom(0, 0, 1, 2, 7).map(count => ({ kind: 'count', count })),
  cpu: fc.constantFrom(0.4, 0.5, 0.79, 0.81, 0.95).map(value => ({ kind: 'last', value })),
  memory: fc.constantFrom(0.4, 0.79, 0.81, 0.95).map(value => ({ kind: 'last', value })),
  latency: fc
    .record({ value: fc.constantFrom(0, 100, 200.1, 310, 450), samples: fc.constantFrom(0, 1, 30) })
    .map(({ value, samples }) => ({ kind: 'value', value, samples })),
  reports: fc.constantFrom(1, 2).map(count => ({ kind: 'count', count })),
  calls: fc.constantFrom(0, 1, 2).map(count => ({ kind: 'count', count })),
}

/** What people report has no rhythm that could go on as it is. */
const ofPeople = new Set(['reports', 'calls'])

const tracksOf: Readonly<Record<string, readonly Track[]>> = {
  errors: ['canary', 'stable'],
  slow: ['canary', 'stable'],
  cost: ['all'],
  restarts: ['canary', 'stable', 'all'],
  cpu: ['canary', 'stable'],
  memory: ['all'],
  latency: ['canary'],
  reports: ['all'],
  calls: ['all'],
}

type Deed =
  | {
      readonly does: 'observe'
      readonly metric: string
      readonly track: Track
      readonly holes: number
      readonly buckets: number
      readonly measure: Measure
      readonly open: boolean
    }
  | { readonly does: 'advance'; readonly ms: number }
  | { readonly does: 'begin'; readonly phase: number }
  | { readonly does: 'reach' }
  | { readonly does: 'lower' }

const observing: fc.Arbitrary<Deed> = fc.constantFrom(...Object.keys(measures)).chain(metric =>
  fc.record({
    does: fc.constant('observe' as const),
    metric: fc.constant(metric),
    track: fc.constantFrom(...tracksOf[metric]!),
    holes: fc.constantFrom(0, 0, 0, 0, 1, 2, 3, 9),
    buckets: fc.constantFrom(1, 1, 2, 3, 7, 40),
    measure: measures[metric]!,
    open: fc.constantFrom(false, false, false, true),
  }),
)
const deeds = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: observing },
    {
      weight: 3,
      arbitrary: fc.record({
        does: fc.constant('advance' as const),
        ms: fc.constantFrom(5, 10, 30, 90, 400).map(n => n * second),
      }),
    },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('begin' as const), phase: fc.constantFrom(0, 1) }) },
    { weight: 2, arbitrary: fc.constant({ does: 'reach' as const }) },
    { weight: 1, arbitrary: fc.constant({ does: 'lower' as const }) },
  ),
  { minLength: 5, maxLength: 60 },
)

/** Carries out deeds; where the next bucket of a track begins is the world's own memory. */
class World {
  readonly fold: EvidenceFold
  readonly #ends: Map<string, number>
  now: number

  constructor(fold: EvidenceFold, from?: World) {
    this.fold = fold
    this.#ends = new Map(from?.ends)
    this.now = from?.now ?? 0
  }

  get ends(): ReadonlyMap<string, number> {
    return this.#ends
  }

  act(deed: Deed, oneByOne = false): void {
    switch (deed.does) {
      case 'observe':
        return this.#observe(deed, oneByOne)
      case 'advance':
        this.now += deed.ms
        return this.fold.advance(this.now)
      case 'begin':
        return this.fold.beginPhase(deed.phase, this.now)
      case 'reach':
        return this.fold.reachExposure(this.now)
      case 'lower':
        return this.fold.lowerExposure(this.now)
    }
  }

  #observe(deed: Deed & { does: 'observe' }, oneByOne: boolean): void {
    const key = `${deed.metric} ${deed.track}`
    const lengthMs = metrics[deed.metric]!.everyMs === null ? 0 : (metrics[deed.metric]!.everyMs ?? tick)
    const start = lengthMs === 0 ? this.now : (this.#ends.get(key) ?? 0) + deed.holes * lengthMs
    const buckets = deed.open ? 1 : deed.buckets
    if (!deed.open) this.#ends.set(key, start + lengthMs * buckets)
    const whole: Observation = {
      metric: deed.metric,
      track: deed.track,
      start,
      lengthMs,
      buckets,
      measure: deed.measure,
      open: deed.open,
    }
    if (!oneByOne) return this.fold.observe(whole)
    for (let index = 0; index < buckets; index++)
      this.fold.observe({ ...whole, start: start + index * lengthMs, buckets: 1 })
  }
}

function worldFrom(plan: EvidencePlan): World {
  const world = new World(EvidenceFold.start(plan))
  world.act({ does: 'begin', phase: 0 })
  world.act({ does: 'reach' })
  return world
}

test('an observation of n buckets gives what n observations of one give', () => {
  fc.assert(
    fc.property(deeds, list => {
      const atOnce = worldFrom(plan)
      const oneByOne = worldFrom(plan)
      for (const deed of list) {
        atOnce.act(deed)
        oneByOne.act(deed, true)
        assert.deepEqual(answers(atOnce.fold), answers(oneByOne.fold))
        assert.deepEqual(atOnce.fold.missing(), oneByOne.fold.missing())
      }
    }),
    { numRuns: 300 },
  )
})

test('tracks of a metric may arrive in any order', () => {
  const shuffled = fc
    .array(observing, { minLength: 2, maxLength: 30 })
    .chain(list => fc.record({ list: fc.constant(list), order: fc.shuffledSubarray(list, { minLength: list.length }) }))
  fc.assert(
    fc.property(shuffled, ({ list, order }) => {
      const told = worldFrom(plan)
      const mixed = worldFrom(plan)
      const closed = list.filter(deed => deed.does === 'observe' && !deed.open && !ofPeople.has(deed.metric))
      const byTrack = Map.groupBy(closed, deed => trackKey(deed))
      for (const deed of closed) told.act(deed)
      for (const place of order) {
        const next = byTrack.get(trackKey(place))?.shift()
        if (next !== undefined) mixed.act(next)
      }
      for (const world of [told, mixed]) world.act({ does: 'advance', ms: 5 * second })
      assert.deepEqual(answers(mixed.fold), answers(told.fold))
    }),
    { numRuns: 300 },
  )
})

function trackKey(deed: Deed): string {
  return deed.does === 'observe' ? `${deed.metric} ${deed.track}` : ''
}

test('a fold restored from a checkpoint goes on to the bit as if it had never stopped', () => {
  fc.assert(
    fc.property(deeds, fc.nat(), (list, position) => {
      const cut = position % (list.length + 1)
      const whole = worldFrom(plan)
      for (const deed of list.slice(0, cut)) whole.act(deed)
      const saved = JSON.parse(JSON.stringify(whole.fold.checkpoint()))
      const resumed = new World(EvidenceFold.restore(plan, saved), whole)
      assert.equal(JSON.stringify(resumed.fold.checkpoint()), JSON.stringify(saved))
      for (const deed of list.slice(cut)) {
        whole.act(deed)
        resumed.act(deed)
        assert.deepEqual(answers(resumed.fold), answers(whole.fold))
      }
      assert.equal(JSON.stringify(resumed.fold.checkpoint()), JSON.stringify(whole.fold.checkpoint()))
      assert.equal(resumed.fold.nextLook(), whole.fold.nextLook())
    }),
    { numRuns: 300 },
  )
})

test('the evidence of a release is the same to the bit whatever other releases are worked on in between', () => {
  // More releases than hold parts, each a deed behind the one before, two of them with questions of their own.
  const plans = Array.from({ length: 11 }, (_, place) => (place % 5 === 4 ? otherPlan : structuredClone(plan)))
  const outcome = ({ fold }: World) => ({
    checkpoint: JSON.stringify(fold.checkpoint()),
    nextLook: fold.nextLook(),
    missing: fold.missing(),
    late: fold.lateBuckets(),
  })
  fc.assert(
    fc.property(deeds, list => {
      const alone = [plan, otherPlan].map(worldFrom)
      for (const world of alone) for (const deed of list) world.act(deed)
      const [told, toldOther] = alone.map(outcome)
      const answered = answers(alone[0]!.fold)
      const among = plans.map(worldFrom)
      for (let step = 0; step < list.length + among.length; step++) {
        for (const [place, world] of among.entries())
          if (list[step - place] !== undefined) world.act(list[step - place]!)
      }
      for (const [place, world] of among.entries()) {
        assert.deepEqual(outcome(world), plans[place] === otherPlan ? toldOther : told)
        if (plans[place] !== otherPlan) assert.deepEqual(answers(world.fold), answered)
      }
    }),
    { numRuns: 60 },
  )
})

test('silence never makes a term met, except that there is no data or that people report nothing', () => {
  // The highest of several metrics may have been waiting for one of them; its silence ends the wait, not the evidence.
  const maySpeak = (id: string) => /has no data|^reports|^calls|^resources >/.test(textOf.get(id)!)
  fc.assert(
    fc.property(deeds, fc.constantFrom(10, 30, 45, 120, 3_600), (list, seconds) => {
      const world = worldFrom(plan)
      for (const deed of list) if (deed.does !== 'observe' || !deed.open) world.act(deed)
      const before = termIds.filter(id => world.fold.assess(id).met === 'yes')
      world.act({ does: 'advance', ms: seconds * second })
      const after = termIds.filter(id => world.fold.assess(id).met === 'yes' && !maySpeak(id))
      assert.deepEqual(
        after.filter(id => !before.includes(id)),
        [],
      )
    }),
    { numRuns: 300 },
  )
})

// ── Windows equal recomputing ───────────────────────────────────────────────────────────────────────────────────────

test('a window over a track equals recomputing it from the buckets inside', () => {
  const windowMs = 90 * second
  const terms = [
    'errors over 90s > 5%',
    'cost over 90s > 1',
    'restarts over 90s > 1',
    'slow over 90s > 100',
    'latency over 90s > 1',
  ]
  const only = evidencePlan({ metrics: { ...metrics, latency: { measure: query } }, rules: terms })
  const bucket = fc.record({
    holes: fc.constantFrom(0, 0, 0, 1, 2),
    errors: measures.errors!,
    cost: measures.cost!,
    restarts: measures.restarts!,
    slow: measures.slow!,
    latency: measures.latency!,
  })
  fc.assert(
    fc.property(fc.array(bucket, { minLength: 1, maxLength: 40 }), buckets => {
      const fold = EvidenceFold.start(only)
      const kept = new Map<string, { start: number; measure: Measure }[]>()
      let start = 0
      for (const { holes, ...row } of buckets) {
        start += holes * tick
        for (const [metric, measure] of Object.entries(row)) {
          fold.observe({ metric, track: 'all', start, lengthMs: tick, buckets: 1, measure, open: false })
          if (!isEmpty(measure)) kept.set(metric, [...(kept.get(metric) ?? []), { start, measure }])
        }
        start += tick
        for (const [index, metric] of ['errors', 'cost', 'restarts', 'slow', 'latency'].entries()) {
          const all = kept.get(metric) ?? []
          const end = (all.at(-1)?.start ?? 0) + tick
          const inside = all.filter(each => each.start >= end - windowMs).map(each => each.measure)
          assert.equal(fold.assess(`r${index}`).value, recomputed(inside), metric)
        }
      }
    }),
    { numRuns: 200 },
  )
})

function isEmpty(measure: Measure): boolean {
  return (
    (measure.kind === 'ratio' && measure.denominator === 0) ||
    (measure.kind === 'mean' && measure.count === 0) ||
    (measure.kind === 'value' && measure.samples === 0) ||
    (measure.kind === 'quantile' && measure.quantiles.count === 0)
  )
}

/** The plainest way to the same number, in whole billionths so that it is exact too. */
function recomputed(inside: readonly Measure[]): number | null {
  const nanos = (value: number) =>
    BigInt(Math.floor(value)) * 1_000_000_000n + BigInt(Math.round((value - Math.floor(value)) * 1e9))
  let [top, bottom] = [0n, 0n]
  const values: number[] = []
  const quantiles = new Quantiles()
  for (const measure of inside) {
    if (measure.kind === 'ratio') [top, bottom] = [top + nanos(measure.numerator), bottom + nanos(measure.denominator)]
    else if (measure.kind === 'mean') [top, bottom] = [top + nanos(measure.sum), bottom + nanos(measure.count)]
    else if (measure.kind === 'count') [top, bottom] = [top + nanos(measure.count), 1_000_000_000n]
    else if (measure.kind === 'quantile') quantiles.merge(measure.quantiles)
    else if (measure.kind === 'value') {
      values.push(measure.value)
      top += nanos(measure.value) * BigInt(measure.samples)
      bottom += nanos(measure.samples)
    }
  }
  if (quantiles.count > 0) return quantiles.quantile(0.99)
  if (values.length > 0 && values.every(value => value === values[0])) return values[0]!
  return bottom === 0n ? null : Number(top) / Number(bottom)
}

// ── Looking only when something may change ──────────────────────────────────────────────────────────────────────────

/** A world in which every track repeats one measure for a while, then another, or nothing. */
interface Stretch {
  readonly ticks: number
  readonly says: Readonly<Record<string, Measure | null>>
}

const stretch: fc.Arbitrary<Stretch> = fc.record({
  ticks: fc.constantFrom(1, 6, 12, 30, 90, 400),
  says: fc.record(
    Object.fromEntries(
      Object.entries(tracksOf).flatMap(([metric, tracks]) =>
        ofPeople.has(metric)
          ? []
          : tracks.map(track => [`${metric} ${track}`, fc.option(measures[metric]!, { freq: 8 })] as const),
      ),
    ),
  ),
})

/** Delivers each track's buckets that end by `until` and were not delivered yet. */
class Deliveries {
  readonly fold: EvidenceFold
  readonly #ends = new Map<string, number>()

  constructor(fold: EvidenceFold) {
    this.fold = fold
  }

  until(until: number, says: Stretch['says'], from: number): void {
    for (const [key, measure] of Object.entries(says)) {
      const [metric = '', track] = key.split(' ')
      const lengthMs = metrics[metric]!.everyMs ?? tick
      const begun = this.#ends.get(key) ?? 0
      const start = measure === null ? begun : Math.max(begun, Math.ceil(from / lengthMs) * lengthMs)
      const buckets = Math.floor((until - start) / lengthMs)
      if (measure === null || buckets <= 0) continue
      this.fold.observe({ metric, track: track as Track, start, lengthMs, buckets, measure, open: false })
      this.#ends.set(key, start + buckets * lengthMs)
    }
    this.fold.advance(until)
  }

  /** When the first bucket of this stretch ends: only the world knows that something else begins. */
  firstEnd(says: Stretch['says'], from: number, now: number): number {
    const ends = Object.keys(says).map(key => {
      const lengthMs = metrics[key.split(' ')[0]!]!.everyMs ?? tick
      return Math.ceil(from / lengthMs) * lengthMs + lengthMs
    })
    return Math.min(Infinity, ...ends.filter(end => end > now))
  }

  /** When a track that says nothing now turns out to be missing; the world knows that it fell silent. */
  nextSilence(says: Stretch['says'], now: number): number {
    const silent = Object.entries(says).filter(([, measure]) => measure === null || isEmpty(measure))
    const moments = silent.map(([key]) => this.fold.missingAt(key.split(' ')[0]!) ?? Infinity)
    return Math.min(Infinity, ...moments.filter(moment => moment > now))
  }
}

const policies = [null, { samples: 300, afterMs: 2 * minutes }, { samples: 5_000, afterMs: 0 }]

test('between two looks no answer changes: looking only when nextLook says so misses nothing', () => {
  fc.assert(
    fc.property(
      fc.array(stretch, { minLength: 1, maxLength: 5 }),
      fc.constantFrom(...policies),
      (stretches, policy) => {
        const looked = planUnder(policy)
        const everyTick = new Deliveries(EvidenceFold.start(looked))
        const byEvent = new Deliveries(EvidenceFold.start(looked))
        let from = 0
        for (const each of [everyTick, byEvent]) {
          each.fold.beginPhase(0, 0)
          each.fold.reachExposure(0)
        }
        for (const { ticks, says } of stretches) {
          const until = from + ticks * tick
          let now = from
          let seen = shown(byEvent.fold)
          while (now < until) {
            const known = Math.min(byEvent.firstEnd(says, from, now), byEvent.nextSilence(says, now), until)
            const asked = Math.min(byEvent.fold.nextLook() ?? Infinity, known)
            const next = Math.max(now + tick, Math.floor(asked / tick) * tick)
            for (let at = now + tick; at <= next; at += tick) {
              everyTick.until(at, says, from)
              if (at < next && now > from)
                assert.deepEqual(shown(everyTick.fold), seen, `at ${at} between ${now} and ${next}`)
            }
            byEvent.until(next, says, from)
            assert.deepEqual(shown(everyTick.fold), shown(byEvent.fold), `at ${next} after ${now}`)
            seen = shown(byEvent.fold)
            now = next
          }
          from = until
        }
      },
    ),
    { numRuns: 50 },
  )
})

function shown(fold: EvidenceFold): unknown {
  const told = termIds.map(id => {
    const { met, holds, verdict, trueSince } = fold.assess(id)
    return [id, textOf.get(id), met, holds, verdict, trueSince]
  })
  return { told, missing: fold.missing() }
}
