import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Metric } from '@dankai/plan'
import { type Assessment, EvidenceFold, type Measure, Quantiles, type Track } from './index.ts'
import {
  count,
  evidencePlan,
  hours,
  last,
  minutes,
  type PlanSketch,
  p99,
  query,
  ratio,
} from './testing/evidence-plan.ts'

const second = 1_000

// ── Measures, as short as a table needs them ────────────────────────────────────────────────────────────────────────

const failed = (numerator: number, denominator = 100): Measure => ({ kind: 'ratio', numerator, denominator })
const all = (value: number, times = 100): Measure => ({
  kind: 'quantile',
  quantiles: new Quantiles().add(value, times),
})
const events = (count: number): Measure => ({ kind: 'count', count })
const gauge = (value: number): Measure => ({ kind: 'last', value })
const pulled = (value: number, samples = 1): Measure => ({ kind: 'value', value, samples })

type Row = readonly [measure: Measure | null, buckets: number]

/** A fold that is told stories: rows of equal buckets, one track after the other, each from its own beginning. */
class Story {
  readonly fold: EvidenceFold
  readonly #lengths: ReadonlyMap<string, number>
  readonly #ends = new Map<string, number>()

  constructor(sketch: PlanSketch) {
    this.fold = EvidenceFold.start(evidencePlan(sketch))
    this.#lengths = new Map(
      Object.entries(sketch.metrics).map(([name, { everyMs = 10 * second }]) => [name, everyMs ?? 0]),
    )
  }

  /** Buckets of a track, one after the other; null rows are buckets that never came. */
  tell(metric: string, rows: readonly Row[], track: Track = 'canary'): this {
    const key = `${metric} ${track}`
    const lengthMs = this.#lengths.get(metric)!
    let start = this.#ends.get(key) ?? 0
    for (const [measure, buckets] of rows) {
      if (measure !== null) this.fold.observe({ metric, track, start, lengthMs, buckets, measure, open: false })
      start += lengthMs * buckets
    }
    this.#ends.set(key, start)
    return this
  }

  /** A sample that comes by itself. */
  sample(metric: string, at: number, measure: Measure, track: Track = 'all'): this {
    this.fold.observe({ metric, track, start: at, lengthMs: 0, buckets: 1, measure, open: false })
    return this
  }

  open(metric: string, start: number, measure: Measure, track: Track = 'canary'): this {
    this.fold.observe({ metric, track, start, lengthMs: this.#lengths.get(metric)!, buckets: 1, measure, open: true })
    return this
  }

  at(now: number): this {
    this.fold.advance(now)
    return this
  }

  phase(index: number, at: number, reachedAt: number | null = at): this {
    this.fold.beginPhase(index, at)
    if (reachedAt !== null) this.fold.reachExposure(reachedAt)
    return this
  }

  says(id: string): Assessment {
    return this.fold.assess(id)
  }
}

function ruleStory(rule: string, metric: Partial<Metric> & Pick<Metric, 'measure'>): Story {
  const name = rule.split(' ')[0]!
  return new Story({ metrics: { [name]: metric }, rules: [rule] }).phase(0, 0)
}

// ── Rules of the documents ──────────────────────────────────────────────────────────────────────────────────────────

describe('a rule', () => {
  const p95: Metric['measure'] = { ...p99, kind: 'quantile', quantile: 0.95, series: { name: 'http', labels: {} } }
  const everyMinute = { everyMs: minutes }
  // biome-ignore format: a table is read by its columns
  const rows: readonly [id: string, rule: string, metric: Partial<Metric> & Pick<Metric, 'measure'>, told: readonly Row[], met: Assessment['met']][] = [
    ['T-011 exactly 5 % is not above 5 %', 'error_rate > 5% for 2m', { measure: ratio }, [[failed(5), 30]], 'no'],
    ['T-011 5.01 % for 120 s is', 'error_rate > 5% for 2m', { measure: ratio }, [[failed(501, 10_000), 12]], 'yes'],
    ['T-011 5.01 % for 110 s is not long enough', 'error_rate > 5% for 2m', { measure: ratio }, [[failed(501, 10_000), 11]], 'no'],
    ['T-011 a false bucket begins the two minutes anew', 'error_rate > 5% for 2m', { measure: ratio }, [[failed(6), 11], [failed(5), 1], [failed(6), 11]], 'no'],
    ['T-012 a p99 of exactly 5000 ms is not above it', 'p99_latency > 5000ms for 5m', { measure: p99 }, [[all(5_000), 60]], 'no'],
    ['T-012 5001 ms for 290 s is not long enough', 'p99_latency > 5000ms for 5m', { measure: p99 }, [[all(5_001), 29]], 'no'],
    ['T-012 5001 ms for 300 s is', 'p99_latency > 5000ms for 5m', { measure: p99 }, [[all(5_001), 30]], 'yes'],
    ['T-013 three failures in a minute are not more than three', 'failures > 3 in 1m', { measure: count }, [[events(0), 6], [events(1), 3]], 'no'],
    ['T-013 four are', 'failures > 3 in 1m', { measure: count }, [[events(0), 6], [events(2), 2]], 'yes'],
    ['T-013 four over more than a minute are not', 'failures > 3 in 1m', { measure: count }, [[events(2), 1], [events(0), 5], [events(2), 1]], 'no'],
    ['T-014 six restarts in five minutes are', 'restarts > 5 in 5m', { measure: count }, [[events(3), 1], [events(0), 28], [events(3), 1]], 'yes'],
    ['T-014 six over five minutes and ten seconds are not', 'restarts > 5 in 5m', { measure: count }, [[events(3), 1], [events(0), 29], [events(3), 1]], 'no'],
    ['T-022 one sample above 5 % is enough without a duration', 'error_rate > 5%', { measure: ratio }, [[failed(0), 9], [failed(6), 1]], 'yes'],
    ['T-031 high: above 5 %', 'error_rate > 5%', { measure: ratio, ...everyMinute }, [[failed(501, 10_000), 1]], 'yes'],
    ['T-035 medium: exactly 2 % is not above 2 %', 'error_rate > 2%', { measure: ratio, ...everyMinute }, [[failed(2), 1]], 'no'],
    ['T-035 medium: 2.1 % is', 'error_rate > 2%', { measure: ratio, ...everyMinute }, [[failed(21, 1_000), 1]], 'yes'],
    ['T-033 95 % of a resource is not above 95 %', 'cpu > 95%', { measure: last }, [[gauge(0.95), 1]], 'no'],
    ['T-037 85.1 % is above 85 %', 'cpu > 85%', { measure: last }, [[gauge(0.851), 1]], 'yes'],
    ['T-051 1 % for 5 minutes is not above 1 %', 'http_5xx > 1% for 5m', { measure: ratio }, [[failed(1), 40]], 'no'],
    ['T-051 1.01 % for 5 minutes is', 'http_5xx > 1% for 5m', { measure: ratio }, [[failed(101, 10_000), 30]], 'yes'],
    ['T-053 ten connection errors in a minute are not more than ten', 'db_errors > 10 in 1m', { measure: count }, [[events(0), 6], [events(5), 2]], 'no'],
    ['T-053 eleven are', 'db_errors > 10 in 1m', { measure: count }, [[events(0), 6], [events(5), 2], [events(1), 1]], 'yes'],
    ['M-042 three bad minutes are within the failure limit of 3', 'success_rate < 99% 4 times', { measure: ratio, ...everyMinute }, [[failed(98), 3], [failed(99), 60]], 'no'],
    ['M-042 the fourth is not, however far apart they are', 'success_rate < 99% 4 times', { measure: ratio, ...everyMinute }, [[failed(98), 3], [failed(99), 60], [failed(98), 1]], 'yes'],
    ['M-042 exactly 99 % is good', 'success_rate < 99% 4 times', { measure: ratio, ...everyMinute }, [[failed(99), 60]], 'no'],
    ['M-044 exactly 500 ms is bad: the criterion is < 500', 'latency_p99 >= 500ms 4 times', { measure: query, ...everyMinute }, [[pulled(500), 4]], 'yes'],
    ['M-044 499 ms is good', 'latency_p99 >= 500ms 4 times', { measure: query, ...everyMinute }, [[pulled(499), 60]], 'no'],
    ['too few samples are no sample', 'error_rate > 5% for 2m', { measure: ratio }, [[failed(5, 19), 30]], 'unknown'],
    ['too few samples in between neither count nor reset', 'error_rate > 5% for 2m', { measure: ratio }, [[failed(6), 5], [failed(0, 19), 2], [failed(6), 5]], 'yes'],
    ['too few samples for 30 s end the run', 'error_rate > 5% for 2m', { measure: ratio }, [[failed(6), 5], [failed(0, 19), 3], [failed(6), 8]], 'no'],
    ['two missing buckets neither count nor reset', 'error_rate > 5% for 2m', { measure: ratio }, [[failed(6), 5], [null, 2], [failed(6), 5]], 'yes'],
    ['a gap of 30 s ends the run', 'error_rate > 5% for 2m', { measure: ratio }, [[failed(6), 6], [null, 3], [failed(6), 11]], 'no'],
    ['after a gap the run begins anew', 'error_rate > 5% for 2m', { measure: ratio }, [[failed(6), 6], [null, 3], [failed(6), 12]], 'yes'],
    ['a gap is three buckets when they are long', 'cpu > 85% for 4m', { measure: last, ...everyMinute }, [[gauge(0.9), 1], [null, 2], [gauge(0.9), 1]], 'yes'],
    ['a bucket without requests is a missing one, not a good one', 'error_rate > 5% for 2m', { measure: ratio }, [[failed(6), 5], [failed(0, 0), 2], [failed(6), 5]], 'yes'],
    ['over widens the sample', 'error_rate over 1m > 5%', { measure: ratio }, [[failed(0), 5], [failed(30), 1]], 'no'],
    ['over looks at sums, not at the mean of ratios', 'error_rate over 1m > 5%', { measure: ratio }, [[failed(0, 20), 5], [failed(30), 1]], 'yes'],
    ['times in a window forget what lies further back', 'error_rate > 5% 3 times in 1m', { measure: ratio }, [[failed(6), 2], [failed(0), 5], [failed(6), 1]], 'no'],
    ['times in a window need not be in a row', 'error_rate > 5% 3 times in 1m', { measure: ratio }, [[failed(6), 2], [failed(0), 3], [failed(6), 1]], 'yes'],
    ['= compares exactly', 'error_rate = 5%', { measure: ratio }, [[failed(5), 1]], 'yes'],
    ['= is not fooled by nearly', 'error_rate = 5%', { measure: ratio }, [[failed(50_001, 1_000_000), 1]], 'no'],
    ['R-032 a count of none in a minute needs that minute', 'failures = 0 in 1m', { measure: count }, [[events(0), 5]], 'unknown'],
    ['R-032 none in a whole minute', 'failures = 0 in 1m', { measure: count }, [[events(0), 6]], 'yes'],
    ['R-032 a gap in the minute is not none', 'failures = 0 in 1m', { measure: count }, [[events(0), 6], [null, 3], [events(0), 3]], 'unknown'],
    ['R-032 one is not none, measured or not', 'failures = 0 in 1m', { measure: count }, [[events(1), 1]], 'no'],
    ['T-052 latency is a p95', 'p95 > 300 for 1m', { measure: p95 }, [[all(301), 6]], 'yes'],
  ]
  for (const [name, rule, metric, told, met] of rows) {
    test(`${name}: ${rule} is ${met}`, () => {
      const story = ruleStory(rule, metric).tell(rule.split(' ')[0]!, told)
      assert.equal(story.says('r0').met, met)
    })
  }

  test('says since when it is true and when it will be met', () => {
    const story = ruleStory('error_rate > 5% for 2m', { measure: ratio }).tell('error_rate', [
      [failed(1), 3],
      [failed(501, 10_000), 4],
    ])
    const { met, holds, value, limit, samples, samplesNeeded, trueSince, metAt } = story.says('r0')
    assert.deepEqual(
      { met, holds, value, limit, samples, samplesNeeded, trueSince, metAt },
      {
        met: 'no',
        holds: 'yes',
        value: 0.0501,
        limit: 0.05,
        samples: 10_000,
        samplesNeeded: 20,
        trueSince: 30_000,
        metAt: 150_000,
      },
    )
    assert.equal(story.fold.nextLook(), 150_000)
  })

  test('T-057 counts what N times has seen so far, and when it would be reached', () => {
    const story = ruleStory('success_rate < 99% 4 times', { measure: ratio, everyMs: minutes }).tell('success_rate', [
      [failed(98), 2],
    ])
    assert.equal(story.says('r0').times, 2)
    assert.equal(story.says('r0').metAt, 4 * minutes)
  })

  test('T-013 a count without a window counts since the thing it is written under began', () => {
    const story = new Story({
      metrics: { restarts: { measure: count } },
      rules: ['restarts > 5'],
      phases: [{ rules: ['restarts > 5'] }, { rules: ['restarts > 5'] }],
    })
    story.phase(0, 0).tell('restarts', [[events(2), 3]])
    assert.deepEqual([story.says('r0').value, story.says('p0.r0').value], [6, 6])
    story.phase(1, 30 * second).tell('restarts', [[events(2), 2]])
    assert.deepEqual([story.says('r0').value, story.says('p1.r0').value, story.says('p1.r0').met], [10, 4, 'no'])
    assert.equal(story.says('p0.r0').met, 'unknown')
  })

  test('T-019 a streak of the plan survives promotion; one of the phase ends with it', () => {
    const story = new Story({
      metrics: { error_rate: { measure: ratio } },
      rules: ['error_rate > 5% for 2m'],
      phases: [{ rules: ['error_rate > 5% for 2m'] }, { rules: ['error_rate > 5% for 2m'] }],
    })
    story.phase(0, 0).tell('error_rate', [[failed(6), 6]])
    story.phase(1, 60 * second).tell('error_rate', [[failed(6), 6]])
    assert.deepEqual([story.says('r0').met, story.says('r0').trueSince], ['yes', 0])
    assert.deepEqual([story.says('p1.r0').met, story.says('p1.r0').trueSince], ['no', 60_000])
  })

  test('buckets from before the phase are not samples of its rules', () => {
    const story = new Story({ metrics: { error_rate: { measure: ratio } }, phases: [{ rules: ['error_rate > 5%'] }] })
    story.phase(0, 15 * second).tell('error_rate', [[failed(6), 2]])
    assert.equal(story.says('p0.r0').met, 'unknown')
    story.tell('error_rate', [[failed(6), 1]])
    assert.equal(story.says('p0.r0').met, 'yes')
  })
})

// ── Comparisons ─────────────────────────────────────────────────────────────────────────────────────────────────────

describe('a comparison with the baseline', () => {
  // biome-ignore format: a table is read by its columns
  const rows: readonly [name: string, rule: string, measure: Metric['measure'], canary: readonly Row[], stable: readonly Row[], met: Assessment['met']][] = [
    ['T-032 以上: exactly 3 times is enough', 'sync_time >= 3x baseline', last, [[gauge(900), 1]], [[gauge(300), 1]], 'yes'],
    ['T-032 just under 3 times is not', 'sync_time >= 3x baseline', last, [[gauge(899), 1]], [[gauge(300), 1]], 'no'],
    ['T-036 exactly 2 times is enough', 'sync_time >= 2x baseline', last, [[gauge(600), 1]], [[gauge(300), 1]], 'yes'],
    ['T-052 超: exactly 2 times is not above it', 'p95 > 2x baseline for 10m', p99, [[all(400), 70]], [[all(200), 70]], 'no'],
    ['T-052 above 2 times for 10 minutes', 'p95 > 2x baseline for 10m', p99, [[all(401), 60]], [[all(200), 60]], 'yes'],
    ['T-052 above 2 times for 9m50s', 'p95 > 2x baseline for 10m', p99, [[all(401), 59]], [[all(200), 59]], 'no'],
    ['T-058 a multiple of nothing never fires', 'sync_time >= 2x baseline', last, [[gauge(600), 1]], [[gauge(0), 1]], 'unknown'],
    ['T-058 points on top of nothing are a limit', 'error_rate > baseline + 0.5pt', ratio, [[failed(6, 1_000), 1]], [[failed(0), 1]], 'yes'],
    ['M-033 exactly half a point worse is allowed', 'error_rate > baseline + 0.5pt', ratio, [[failed(105, 1_000), 1]], [[failed(10), 1]], 'no'],
    ['without a baseline there is no answer', 'error_rate > baseline + 0.5pt', ratio, [[failed(60), 9]], [], 'unknown'],
    ['a baseline of too few samples is none', 'error_rate > baseline + 0.5pt', ratio, [[failed(60), 1]], [[failed(0, 19), 1]], 'unknown'],
    ['the baseline is taken over the same minutes', 'error_rate over 1m > 2x baseline', ratio, [[failed(0), 6], [failed(3), 6]], [[failed(9), 6], [failed(1), 6]], 'yes'],
    ['a rating half a star lower is not more than half a star', 'rating < baseline - 0.5', last, [[gauge(3.5), 1]], [[gauge(4), 1]], 'no'],
    ['differs counts in both directions', 'synced differs from baseline by >= 20%', last, [[gauge(80), 1]], [[gauge(100), 1]], 'yes'],
  ]
  for (const [name, rule, measure, canary, stable, met] of rows) {
    test(`${name}: ${rule} is ${met}`, () => {
      const metric = rule.split(' ')[0]!
      const story = ruleStory(rule, { measure }).tell(metric, canary).tell(metric, stable, 'stable')
      assert.equal(story.says('r0').met, met)
    })
  }

  test('does not depend on which track arrives first', () => {
    const canary: readonly Row[] = [
      [failed(2), 3],
      [failed(9), 6],
      [failed(1), 3],
    ]
    const stable: readonly Row[] = [
      [failed(1), 4],
      [failed(4), 6],
      [failed(1), 2],
    ]
    const one = ruleStory('error_rate > 2x baseline', { measure: ratio })
      .tell('error_rate', canary)
      .tell('error_rate', stable, 'stable')
    const other = ruleStory('error_rate > 2x baseline', { measure: ratio })
      .tell('error_rate', stable, 'stable')
      .tell('error_rate', canary)
    assert.deepEqual(one.says('r0'), other.says('r0'))
    assert.equal(one.says('r0').value, 0.01)
  })

  test('CB-20 has the verdict no data while stable has no traffic, and says so', () => {
    const story = ruleStory('error_rate > 2x baseline', { measure: ratio }).tell('error_rate', [[failed(9), 12]])
    story.at(2 * minutes)
    assert.deepEqual([story.says('r0').verdict, story.says('r0').holds], ['no data', 'unknown'])
  })

  test('T-009 compares counts over the same window of another time', () => {
    const weeks = { measure: count, everyMs: hours, baseline: { kind: 'meanOf', spanMs: 28 * 24 * hours } } as const
    const story = ruleStory('inquiries >= 3x baseline in 7d', weeks)
    story.tell('inquiries', [[events(1), 7 * 24]], 'baseline').tell('inquiries', [[events(3), 7 * 24]])
    assert.deepEqual([story.says('r0').value, story.says('r0').limit, story.says('r0').met], [504, 504, 'yes'])
  })
})

describe('M-081 a comparison with the previous sample', () => {
  const synced = { measure: last, everyMs: null }
  // biome-ignore format: a table is read by its columns
  const rows: readonly [name: string, samples: readonly number[], met: Assessment['met']][] = [
    ['the first sample never fires', [100], 'unknown'],
    ['20 % less is enough', [100, 80], 'yes'],
    ['20 % more is enough', [115, 138], 'yes'],
    ['19.9 % is not', [1_000, 801], 'no'],
    ['the sample before the last one does not matter', [100, 50, 50], 'no'],
    ['a previous of nothing never fires', [0, 50], 'unknown'],
  ]
  for (const [name, samples, met] of rows) {
    test(`${name}: ${samples.join(', ')}`, () => {
      const story = ruleStory('synced differs from previous by >= 20%', synced)
      for (const [index, value] of samples.entries()) story.sample('synced', index * minutes, gauge(value))
      assert.equal(story.says('r0').met, met)
    })
  }

  test('looks across phases', () => {
    const story = new Story({
      metrics: { synced },
      phases: [{}, { rules: ['synced differs from previous by >= 20%'] }],
    })
    story.phase(0, 0).sample('synced', minutes, gauge(100))
    story.phase(1, hours).sample('synced', hours + minutes, gauge(70))
    assert.equal(story.says('p1.r0').met, 'yes')
  })
})

// ── Criteria ────────────────────────────────────────────────────────────────────────────────────────────────────────

describe('a criterion', () => {
  const errors = (promoteWhen: string, evidence?: PlanSketch['evidence']): Story =>
    new Story({
      metrics: { error_rate: { measure: ratio } },
      phases: [{ promoteWhen: [promoteWhen] }],
      ...(evidence === undefined ? {} : { evidence }),
    })

  test('looks at the whole phase since its exposure was reached, as one sum', () => {
    const story = errors('error_rate < 1%').phase(0, 0, 60 * second)
    story.tell('error_rate', [
      [failed(50), 6],
      [failed(0), 30],
      [failed(10), 2],
    ])
    const { met, value, samples, trueSince } = story.says('p0.c0')
    assert.deepEqual(
      { met, value, samples, trueSince },
      { met: 'yes', value: 20 / 3_200, samples: 3_200, trueSince: null },
    )
  })

  test('counts only buckets that begin after exposure was reached', () => {
    const story = errors('error_rate < 1%').phase(0, 0, 65 * second)
    story.tell('error_rate', [
      [failed(50), 7],
      [failed(0), 1],
    ])
    assert.deepEqual([story.says('p0.c0').met, story.says('p0.c0').samples], ['yes', 100])
  })

  test('looks at the last hour instead when it says so', () => {
    const story = errors('error_rate over 1h < 1%').phase(0, 0)
    story.tell('error_rate', [
      [failed(50), 60],
      [failed(0), 360],
    ])
    assert.equal(story.says('p0.c0').value, 0)
  })

  test('P-072 an error rate of exactly 0 % passes, 1 in a million does not', () => {
    assert.equal(
      errors('error_rate = 0%')
        .phase(0, 0)
        .tell('error_rate', [[failed(0), 6]])
        .says('p0.c0').met,
      'yes',
    )
    assert.equal(
      errors('error_rate = 0%')
        .phase(0, 0)
        .tell('error_rate', [[failed(1, 1_000_000), 6]])
        .says('p0.c0').met,
      'no',
    )
  })

  test('is unknown before exposure, in another phase, after exposure was taken back, and without samples', () => {
    const story = errors('error_rate < 1%')
      .phase(0, 0, null)
      .tell('error_rate', [[failed(0), 6]])
    assert.equal(story.says('p0.c0').met, 'unknown')
    story.fold.reachExposure(minutes)
    assert.equal(story.says('p0.c0').met, 'unknown')
    assert.equal(story.tell('error_rate', [[failed(0), 6]]).says('p0.c0').met, 'yes')
    story.fold.lowerExposure(2 * minutes)
    assert.equal(story.says('p0.c0').met, 'unknown')
  })

  test('P-083 nobody reporting a problem is a count of none; silence of a machine is not', () => {
    const story = new Story({
      metrics: { problems: { measure: count, source: 'people', everyMs: null }, mismatches: { measure: count } },
      phases: [{ promoteWhen: ['problems = 0', 'mismatches = 0'] }],
    })
    story.phase(0, 0).at(minutes)
    assert.deepEqual([story.says('p0.c0').met, story.says('p0.c1').met], ['yes', 'unknown'])
    story.sample('problems', 90 * second, events(1))
    assert.equal(story.says('p0.c0').met, 'no')
  })

  test('a run of samples in a criterion is a run of samples, from exposure on', () => {
    const story = errors('error_rate < 1% for 2m').phase(0, 0, minutes)
    story.tell('error_rate', [[failed(0), 17]])
    assert.deepEqual([story.says('p0.c0').met, story.says('p0.c0').metAt], ['no', 3 * minutes])
    assert.equal(story.tell('error_rate', [[failed(0), 1]]).says('p0.c0').met, 'yes')
  })
})

describe('the canary analysis of the document (M-027 to M-035)', () => {
  const analysis = (
    canary: readonly Row[],
    stable: readonly Row[],
    promoteWhen: string,
    measure: Metric['measure'],
    afterMs = 0,
  ): Assessment => {
    const sketch = {
      metrics: { m: { measure } },
      phases: [{ promoteWhen: [promoteWhen] }],
      evidence: { kind: 'notHarmful', samples: 100, afterMs },
    } as const
    return new Story(sketch).phase(0, 0).tell('m', canary).tell('m', stable, 'stable').says('p0.c0')
  }
  // biome-ignore format: a table is read by its columns
  const ratioRows: readonly [string, Row, Row, Pick<Assessment, 'met' | 'verdict'>][] = [
    ['M-032 99 requests are too few to judge, even all failed', [failed(99, 99), 1], [failed(0), 1], { met: 'unknown', verdict: 'undecided' }],
    ['M-029 100 requests are enough', [failed(0), 1], [failed(0), 1], { met: 'yes', verdict: 'undecided' }],
    ['M-027 half a point worse is allowed', [failed(15, 1_000), 1], [failed(10, 1_000), 1], { met: 'yes', verdict: 'undecided' }],
    ['M-033 more than half a point is harmful', [failed(151, 10_000), 1], [failed(10, 1_000), 1], { met: 'no', verdict: 'harmful' }],
    ['CB-20 no stable traffic is no baseline', [failed(0), 1], [null, 1], { met: 'unknown', verdict: 'no data' }],
  ]
  for (const [name, canary, stable, expected] of ratioRows) {
    test(name, () => {
      const { met, verdict } = analysis([canary], [stable], 'm over 5m <= baseline + 0.5pt', ratio)
      assert.deepEqual({ met, verdict }, expected)
    })
  }
  // biome-ignore format: a table is read by its columns
  const latencyRows: readonly [string, number, number, Pick<Assessment, 'met' | 'verdict'>][] = [
    ['M-028 10 % slower is allowed', 330, 300, { met: 'yes', verdict: 'undecided' }],
    ['M-034 more than 10 % is harmful', 331, 300, { met: 'no', verdict: 'harmful' }],
    ['CB-20 a stable p99 of nothing is no baseline', 331, 0, { met: 'unknown', verdict: 'no data' }],
  ]
  for (const [name, canary, stable, expected] of latencyRows) {
    test(name, () => {
      const { met, verdict } = analysis([[all(canary), 1]], [[all(stable), 1]], 'm over 5m <= baseline + 10%', p99)
      assert.deepEqual({ met, verdict }, expected)
    })
  }

  test('M-030 the policy may ask for time as well, and says when it is over', () => {
    const early = analysis([[failed(0), 29]], [[failed(0), 29]], 'm <= baseline + 0.5pt', ratio, 5 * minutes)
    assert.deepEqual([early.met, early.metAt], ['unknown', 5 * minutes])
    assert.equal(analysis([[failed(0), 30]], [[failed(0), 30]], 'm <= baseline + 0.5pt', ratio, 5 * minutes).met, 'yes')
  })

  test('M-030 looks at the last five minutes', () => {
    const { value, limit } = analysis(
      [
        [failed(40), 30],
        [failed(1), 30],
      ],
      [[failed(1), 60]],
      'm over 5m <= baseline + 0.5pt',
      ratio,
    )
    assert.deepEqual([value, limit], [0.01, 0.015])
  })

  test('under "shown safe" a good point estimate never goes on, a bad one is no', () => {
    const sketch = { metrics: { m: { measure: ratio } }, phases: [{ promoteWhen: ['m <= baseline + 0.5pt'] }] }
    const good = new Story(sketch)
      .phase(0, 0)
      .tell('m', [[failed(0), 999]])
      .tell('m', [[failed(0), 999]], 'stable')
      .says('p0.c0')
    assert.deepEqual([good.met, good.holds, good.verdict], ['unknown', 'yes', 'undecided'])
    const bad = new Story(sketch)
      .phase(0, 0)
      .tell('m', [[failed(9), 999]])
      .tell('m', [[failed(0), 999]], 'stable')
      .says('p0.c0')
    assert.deepEqual([bad.met, bad.holds, bad.verdict], ['no', 'no', 'undecided'])
  })
})

// ── Open buckets, gaps, tracks ──────────────────────────────────────────────────────────────────────────────────────

describe('an open bucket', () => {
  test('extends a run up to now, and only a true one', () => {
    const story = ruleStory('error_rate > 5% for 2m', { measure: ratio }).tell('error_rate', [[failed(6), 11]])
    story.open('error_rate', 110 * second, failed(6, 30)).at(115 * second)
    assert.deepEqual([story.says('r0').met, story.says('r0').metAt], ['no', 120 * second])
    assert.equal(story.at(120 * second).says('r0').met, 'yes')
    story.open('error_rate', 110 * second, failed(0, 90)).at(121 * second)
    assert.deepEqual([story.says('r0').met, story.says('r0').trueSince], ['no', 0])
  })

  test('makes a rule hold once it has the minimum of samples, and never a criterion', () => {
    const story = new Story({
      metrics: { error_rate: { measure: ratio } },
      rules: ['error_rate > 5%'],
      phases: [{ promoteWhen: ['error_rate < 50%'] }],
    })
    story
      .phase(0, 0)
      .open('error_rate', 0, failed(9, 19))
      .at(5 * second)
    assert.equal(story.says('r0').met, 'unknown')
    story.open('error_rate', 0, failed(9, 20)).at(6 * second)
    assert.deepEqual([story.says('r0').met, story.says('p0.c0').met], ['yes', 'unknown'])
  })

  test('adds to a count in a window, which it can only raise', () => {
    const sketch = {
      metrics: { failures: { measure: count } },
      rules: ['failures > 3 in 1m', 'failures = 0 in 1m', 'failures < 9 in 1m'],
    }
    const story = new Story(sketch).phase(0, 0).tell('failures', [
      [events(0), 5],
      [events(2), 1],
    ])
    story.open('failures', minutes, events(2)).at(61 * second)
    assert.deepEqual(
      ['r0', 'r1', 'r2'].map(id => story.says(id).met),
      ['yes', 'no', 'yes'],
    )
  })

  test('leaves nothing behind when it closes differently', () => {
    const rule = 'error_rate over 1m > 5%'
    const told = ruleStory(rule, { measure: ratio }).tell('error_rate', [
      [failed(1), 6],
      [failed(2), 1],
    ])
    const looked = ruleStory(rule, { measure: ratio }).tell('error_rate', [[failed(1), 6]])
    looked.open('error_rate', minutes, failed(90)).tell('error_rate', [[failed(2), 1]])
    assert.deepEqual(looked.says('r0'), told.says('r0'))
  })
})

describe('silence', () => {
  test('counts as missing after three buckets and at least 30 s, since the end of the last bucket', () => {
    const story = new Story({
      metrics: { error_rate: { measure: ratio }, cpu: { measure: last, everyMs: minutes } },
      rules: ['error_rate > 5%', 'cpu > 85%'],
    })
    story
      .phase(0, 0)
      .tell('error_rate', [[failed(1), 6]])
      .tell('cpu', [[gauge(0.1), 1]])
    assert.deepEqual(story.at(89 * second).fold.missing(), [])
    assert.equal(story.fold.missingAt('error_rate'), 90 * second)
    assert.deepEqual(story.at(90 * second).fold.missing(), [{ metric: 'error_rate', since: 60 * second }])
    assert.equal(story.says('r0').missingSince, 60 * second)
    assert.deepEqual(
      story
        .at(4 * minutes)
        .fold.missing()
        .map(each => each.metric),
      ['error_rate', 'cpu'],
    )
  })

  test('ends with the first bucket after it', () => {
    const story = ruleStory('error_rate > 5%', { measure: ratio }).tell('error_rate', [
      [failed(1), 6],
      [null, 6],
    ])
    assert.equal(story.fold.restoredAt('error_rate'), null)
    story.at(2 * minutes).tell('error_rate', [[failed(1), 1]])
    assert.deepEqual([story.fold.missing(), story.fold.restoredAt('error_rate')], [[], 2 * minutes])
  })

  test('of a canary that never spoke is counted from its exposure, and not before', () => {
    const story = ruleStory('error_rate > 5%', { measure: ratio })
    const unexposed = new Story({ metrics: { error_rate: { measure: ratio } }, rules: ['error_rate > 5%'] }).phase(
      0,
      0,
      null,
    )
    assert.deepEqual(unexposed.at(hours).fold.missing(), [])
    assert.deepEqual(story.at(30 * second).fold.missing(), [{ metric: 'error_rate', since: 0 }])
  })

  test('is nothing unusual for samples that come by themselves and for people', () => {
    const story = new Story({
      metrics: { synced: { measure: last, everyMs: null }, problems: { measure: count, source: 'people' } },
      rules: ['synced > 5', 'problems > 5'],
    })
    story.phase(0, 0).sample('synced', 0, gauge(1))
    assert.deepEqual(story.at(99 * hours).fold.missing(), [])
  })

  test("of a metric nobody asks about is nobody's business", () => {
    const story = new Story({
      metrics: { error_rate: { measure: ratio }, cpu: { measure: last } },
      rules: ['cpu > 85%'],
    })
    story
      .phase(0, 0)
      .tell('error_rate', [[failed(1), 6]])
      .tell('cpu', [[gauge(0.1), 60]])
    assert.deepEqual(story.at(10 * minutes).fold.missing(), [])
  })

  // biome-ignore format: a table is read by its columns
  const noData: readonly [rule: string, silentMs: number, met: Assessment['met']][] = [
    ['error_rate has no data', 29 * second, 'no'],
    ['error_rate has no data', 30 * second, 'yes'],
    ['error_rate has no data for 5m', 299 * second, 'no'],
    ['error_rate has no data for 5m', 300 * second, 'yes'],
    ['error_rate has no data for 10s', 29 * second, 'no'],
  ]
  for (const [rule, silentMs, met] of noData) {
    test(`"${rule}" after ${silentMs / second} s of silence is ${met}`, () => {
      const story = ruleStory(rule, { measure: ratio }).tell('error_rate', [[failed(1), 6]])
      assert.equal(story.at(minutes + silentMs).says('r0').met, met)
    })
  }

  test('a dead canary is quiet: buckets without a single request are no data', () => {
    const story = ruleStory('error_rate has no data for 1m', { measure: ratio }).tell('error_rate', [
      [failed(1), 6],
      [failed(0, 0), 6],
    ])
    assert.equal(story.at(2 * minutes).says('r0').met, 'yes')
  })

  test('no data of a sample that comes by itself has only its own duration', () => {
    const story = ruleStory('synced has no data for 1d', { measure: last, everyMs: null }).sample('synced', 0, gauge(1))
    assert.equal(story.at(23 * hours).says('r0').met, 'no')
    assert.equal(story.fold.nextLook(), 24 * hours)
    assert.equal(story.at(24 * hours).says('r0').met, 'yes')
  })

  test('reports of people leave a sliding window with time', () => {
    const story = ruleStory('reports >= 3 in 1d', { measure: count, source: 'people', everyMs: null })
    for (const at of [1, 2, 3]) story.sample('reports', at * hours, events(1))
    assert.equal(story.at(24 * hours).says('r0').met, 'yes')
    assert.equal(story.fold.nextLook(), 25 * hours)
    assert.equal(story.at(25 * hours).says('r0').met, 'no')
  })
})

test('what people report in buckets leaves a sliding window too', () => {
  const story = ruleStory('calls >= 3 in 1h', { measure: count, source: 'people' }).tell(
    'calls',
    [[events(3), 1]],
    'all',
  )
  assert.equal(story.at(hours).says('r0').met, 'yes')
  assert.equal(story.at(hours + 1).says('r0').met, 'no')
})

describe('tracks', () => {
  test('the canary speaks as soon as it has data, everybody until then', () => {
    const story = ruleStory('error_rate > 5%', { measure: ratio }).tell('error_rate', [[failed(9), 6]], 'all')
    assert.equal(story.says('r0').met, 'yes')
    story.tell('error_rate', [[failed(1), 6]], 'canary').tell('error_rate', [[failed(9), 6]], 'all')
    assert.equal(story.says('r0').met, 'no')
  })

  test('a canary that died is missing, however well everybody else is', () => {
    const story = ruleStory('error_rate > 5%', { measure: ratio })
    story
      .tell('error_rate', [[failed(0), 6]], 'stable')
      .tell('error_rate', [[failed(0), 6]], 'all')
      .at(minutes)
    assert.deepEqual([story.says('r0').met, story.fold.missing()], ['unknown', [{ metric: 'error_rate', since: 0 }]])
  })

  test('a phase that exposes nobody is judged by everybody', () => {
    const metrics = { error_rate: { measure: ratio } }
    const story = new Story({ metrics, phases: [{ share: 0, promoteWhen: ['error_rate < 1%'] }, {}] }).phase(0, 0)
    story
      .tell('error_rate', [[failed(0), 6]], 'stable')
      .tell('error_rate', [[failed(0), 6]], 'all')
      .at(minutes)
    assert.deepEqual([story.says('p0.c0').met, story.fold.missing()], ['yes', []])
  })

  test('what cannot be split is read from everybody', () => {
    const story = ruleStory('pool > 80%', { measure: last })
      .tell('pool', [[gauge(0.9), 6]], 'all')
      .at(minutes)
    assert.deepEqual([story.says('r0').met, story.fold.missing()], ['yes', []])
  })

  test('R-029 recovery is read from everybody, else from stable, once exposure was taken back', () => {
    for (const track of ['all', 'stable'] as const) {
      const story = ruleStory('error_rate < 0.1%', { measure: ratio }).tell('error_rate', [[failed(9), 6]])
      story.tell('error_rate', [[failed(0), 6]], track)
      story.fold.lowerExposure(minutes)
      story.fold.reachExposure(62 * second)
      assert.equal(story.says('r0').met, 'unknown')
      story.tell('error_rate', [[failed(0), 6]], track)
      assert.equal(story.says('r0').met, 'yes', track)
      assert.deepEqual(story.at(2 * minutes).fold.missing(), [])
    }
  })

  test('what a canary said before this release exposed anybody was said of another, and counts nowhere', () => {
    const metrics = { error_rate: { measure: ratio } }
    const story = new Story({
      metrics,
      rules: ['error_rate > 5% for 20s'],
      phases: [{ share: 0 }, { share: 0.1 }],
    })
    const met = (): readonly [string, readonly unknown[]] => [story.says('r0').met, story.fold.missing()]
    story.tell('error_rate', [[failed(9), 6]]).at(minutes)
    assert.deepEqual(met(), ['unknown', []])
    story
      .phase(0, minutes)
      .tell('error_rate', [[failed(9), 6]])
      .at(2 * minutes)
    assert.deepEqual(met(), ['unknown', []], 'nor does a phase expose anybody that exposes nobody')
    story.phase(1, 2 * minutes).at(2 * minutes + second)
    assert.deepEqual(met(), ['unknown', []])
    story.tell('error_rate', [[failed(1), 2]]).at(140 * second)
    assert.equal(met()[0], 'no')
    story.tell('error_rate', [[failed(9), 2]]).at(160 * second)
    assert.deepEqual([met()[0], story.says('r0').trueSince], ['yes', 140 * second])
  })

  test('late buckets are counted and never judged', () => {
    const story = ruleStory('error_rate > 5%', { measure: ratio }).tell('error_rate', [[failed(1), 6]])
    story.fold.observe({
      metric: 'error_rate',
      track: 'canary',
      start: 20 * second,
      lengthMs: 10 * second,
      buckets: 5,
      measure: failed(9),
      open: false,
    })
    assert.deepEqual([story.fold.lateBuckets(), story.says('r0').met], [{ error_rate: 4 }, 'yes'])
  })

  test('a source that changes from sums to plain numbers begins its windows anew', () => {
    const story = ruleStory('error_rate over 5m > 5%', { measure: ratio }).tell('error_rate', [
      [failed(50), 6],
      [pulled(0.01, 99), 1],
    ])
    assert.deepEqual([story.says('r0').value, story.says('r0').met], [0.01, 'no'])
  })
})

describe('CA-50 the highest of several metrics', () => {
  const story = (rule: string): Story =>
    new Story({
      metrics: {
        cpu: { measure: last, everyMs: minutes },
        disk: { measure: last, everyMs: 5 * minutes },
        worst: { measure: { kind: 'highest', of: ['cpu', 'disk'] } },
      },
      rules: [rule],
    }).phase(0, 0)

  test('T-033 is above a limit as soon as one member is', () => {
    const told = story('worst > 95%')
      .tell('disk', [[gauge(0.5), 2]])
      .tell('cpu', [
        [gauge(0.4), 7],
        [gauge(0.96), 1],
      ])
    assert.deepEqual([told.says('r0').met, told.says('r0').value], ['yes', 0.96])
  })

  test('does not wait for a bucket that is not due yet', () => {
    const told = story('worst > 95%')
      .tell('disk', [[gauge(0.5), 1]])
      .tell('cpu', [
        [gauge(0.4), 5],
        [gauge(0.99), 1],
      ])
    assert.equal(told.says('r0').met, 'yes')
  })

  test('is only a lower bound while a member is missing: it can stop, not promote', () => {
    const stop = story('worst > 95%')
      .tell('disk', [[gauge(0.5), 1]])
      .tell('cpu', [[gauge(0.96), 30]])
      .at(30 * minutes)
    assert.equal(stop.says('r0').met, 'yes')
    const pass = story('worst < 80%')
      .tell('disk', [[gauge(0.5), 1]])
      .tell('cpu', [[gauge(0.4), 30]])
      .at(30 * minutes)
    assert.equal(pass.says('r0').met, 'unknown')
    assert.deepEqual(pass.fold.missing(), [{ metric: 'disk', since: 5 * minutes }])
  })
})

// ── Looks, restarts, amendments ─────────────────────────────────────────────────────────────────────────────────────

describe('the next look', () => {
  test('is never when nothing can change', () => {
    const story = ruleStory('error_rate > 5% for 2m', { measure: ratio })
      .tell('error_rate', [[failed(1), 6]])
      .at(minutes)
    assert.equal(story.fold.nextLook(), null)
  })

  test('is the moment a sum crosses its limit', () => {
    const story = new Story({
      metrics: { error_rate: { measure: ratio } },
      phases: [{ promoteWhen: ['error_rate < 1%'] }],
    })
    story
      .phase(0, 0)
      .tell('error_rate', [
        [failed(50), 6],
        [failed(0), 1],
      ])
      .at(70 * second)
    // 300 errors are less than 1 % of 30,100 requests: 294 further buckets.
    assert.equal(story.fold.nextLook(), (7 + 294) * 10 * second)
  })

  test('is the moment a window has slid so far', () => {
    const story = ruleStory('error_rate over 10m > 5%', { measure: ratio })
      .tell('error_rate', [
        [failed(0), 60],
        [failed(10), 1],
      ])
      .at(610 * second)
    assert.equal(story.fold.nextLook(), 910 * second)
  })

  test('leaves four steady weeks alone', () => {
    const sketch: PlanSketch = {
      metrics: { error_rate: { measure: ratio }, p99: { measure: p99 }, restarts: { measure: count } },
      rules: ['error_rate > 5% for 2m', 'p99 > 5000ms for 5m', 'restarts > 5 in 5m', 'error_rate over 24h > 1%'],
      phases: [{ promoteWhen: ['error_rate over 5m <= baseline + 0.5pt', 'p99 <= baseline + 10%', 'error_rate < 1%'] }],
    }
    const story = new Story(sketch).phase(0, 0)
    const end = 28 * 24 * hours
    let looks = 0
    for (
      let [from, to] = [0, 10 * second];
      from < end;
      [from, to] = [to, Math.min(end, story.fold.nextLook() ?? end)]
    ) {
      const buckets = (to - from) / (10 * second)
      for (const track of ['canary', 'stable'] as const) {
        story.tell('error_rate', [[failed(1, 1_000), buckets]], track).tell('p99', [[all(200), buckets]], track)
      }
      story.tell('restarts', [[events(0), buckets]]).at(to)
      looks += 1
    }
    assert.ok(looks < 10, `found ${looks} looks`)
  })
})

describe('a checkpoint', () => {
  test('of an amended plan goes on for what was not changed, and begins anew for what was', () => {
    const metrics = { error_rate: { measure: ratio }, cpu: { measure: last } }
    const before = new Story({ metrics, rules: ['error_rate > 5% for 2m', 'cpu > 85% for 2m'] }).phase(0, 0)
    before.tell('error_rate', [[failed(6), 6]]).tell('cpu', [[gauge(0.9), 6]])
    const amended = evidencePlan({
      metrics: { ...metrics, cpu: { measure: last, minSamples: 5 } },
      rules: ['error_rate > 5% for 2m', 'cpu > 85% for 2m', 'error_rate > 4% for 1m'],
      phases: [],
    })
    const fold = EvidenceFold.restore(amended, JSON.parse(JSON.stringify(before.fold.checkpoint())))
    assert.deepEqual(
      ['r0', 'r1', 'r2'].map(id => fold.assess(id).trueSince),
      [0, null, null],
    )
  })
})

test('a checkpoint that does not say since when the canary counts is from a program for which it always did', () => {
  const sketch = { metrics: { error_rate: { measure: ratio } }, rules: ['error_rate > 5% for 20s'] }
  const story = new Story(sketch).phase(0, 0).tell('error_rate', [[failed(9), 2]])
  const { canaryFrom, ...older } = JSON.parse(JSON.stringify(story.fold.checkpoint()))
  assert.equal(canaryFrom, 0)
  const fold = EvidenceFold.restore(evidencePlan(sketch), older)
  const bucket = { metric: 'error_rate', track: 'canary', lengthMs: 10 * second, buckets: 1, open: false } as const
  fold.observe({ ...bucket, start: 20 * second, measure: failed(9) })
  assert.deepEqual([fold.assess('r0').met, fold.assess('r0').trueSince], ['yes', 0])
  assert.deepEqual(EvidenceFold.restore(evidencePlan(sketch), fold.checkpoint()).assess('r0').met, 'yes')
})

test('asking for a term the plan does not have is a bug', () => {
  const story = ruleStory('error_rate > 5%', { measure: ratio })
  assert.throws(() => story.says('r9'), /Cannot assess term "r9": found no such metric term/)
})
