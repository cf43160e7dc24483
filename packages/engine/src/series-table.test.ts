import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endOf, type Observation, Quantiles, type Track } from '@dankai/analysis'
import type { Metric } from '@dankai/plan'
import fc from 'fast-check'
import type { SampleBatch, SampleLogReader, SeriesSample } from './ports.ts'
import { createSeriesTable, type SeriesTable, type SeriesTableOptions } from './series-table.ts'
import { testPlan } from './testing/test-plan.ts'

const start = Date.UTC(2026, 0, 5, 10)
const scope = { project: 'default', environment: 'production' }

/** A log in memory; `visible` hides what is not committed yet. */
class TestLog implements SampleLogReader {
  readonly batches: SampleBatch[] = []
  readonly past: (SeriesSample & { trusted: boolean })[] = []
  isAway = false
  reads = 0

  send(receivedAt: number, samples: readonly SeriesSample[], change: Partial<SampleBatch> = {}): void {
    const id = this.batches.length + 1
    this.batches.push({ ...scope, id, service: 'shop', receivedAt, trusted: true, samples, ...change })
  }

  async read(afterId: number, filter: { readonly services: readonly string[] } | null, limit: number) {
    this.reads++
    if (this.isAway) throw new Error('the database is away')
    const batches = this.batches
      .filter(({ id, service }) => id > afterId && (filter?.services.includes(service) ?? true))
      .slice(0, limit)
    return { batches, cursor: batches.at(-1)?.id ?? afterId }
  }

  async idBefore(receivedAt: number) {
    return this.batches.findLast(batch => batch.receivedAt < receivedAt)?.id ?? 0
  }

  async history({ series, from, to }: { series: string; from: number; to: number }) {
    return this.past.filter(sample => sample.series === series && sample.start >= from && sample.start < to)
  }
}

function counted(
  series: string,
  at: number,
  count: number,
  labels: Record<string, string> = {},
  track: Track = 'canary',
): SeriesSample {
  return { series, labels, track, start: start + at, lengthMs: 10_000, count, sum: 0, last: null, quantiles: null }
}

function releaseOf(metrics: readonly Partial<Metric>[] = [{}], version = '2.0.0') {
  const { error_rate } = testPlan().metrics
  const named = metrics.map((metric, index) => ({ ...error_rate!, name: `metric-${index}`, ...metric }))
  const plan = testPlan({ metrics: Object.fromEntries(named.map(metric => [metric.name, metric])) })
  return { id: 'release-1', ...scope, plan, version }
}

function tableOf(log: TestLog, options: Partial<SeriesTableOptions> = {}): SeriesTable {
  return createSeriesTable({ log, spreadMs: 0, ...options })
}

function brief(observations: readonly Observation[]): unknown[] {
  return observations.map(({ track, start: at, lengthMs, measure, open }) => {
    const value = measure.kind === 'ratio' ? `${measure.numerator}/${measure.denominator}` : measure
    return [track, at - start, lengthMs, value, open ? 'open' : 'closed']
  })
}

test('a bucket closes once, five seconds and a moment after its end, and is open until then', async () => {
  const log = new TestLog()
  const table = tableOf(log)
  const release = releaseOf()
  const first = await table.read(release, null, start)
  log.send(start + 4_000, [counted('requests', 0, 100), counted('errors', 0, 3)])
  log.send(start + 8_000, [counted('requests', 0, 50)])
  const open = await table.read(release, first.cursor, start + 9_000)
  assert.deepEqual(brief(open.observations), [['canary', 0, 10_000, '3/150', 'open']])
  assert.equal(open.nextAt, start + 15_250)
  const before = await table.read(release, open.cursor, start + 15_249)
  assert.deepEqual(brief(before.observations), [['canary', 0, 10_000, '3/150', 'open']])
  const closed = await table.read(release, before.cursor, start + 15_250)
  assert.deepEqual(brief(closed.observations), [['canary', 0, 10_000, '3/150', 'closed']])
  const after = await table.read(release, closed.cursor, start + 15_300)
  assert.deepEqual(after.observations, [])
})

test('what is received after lateness is counted as late and changes nothing, whoever reads it when', async () => {
  const log = new TestLog()
  const release = releaseOf()
  log.send(start + 4_000, [counted('requests', 0, 100)])
  log.send(start + 15_001, [counted('requests', 0, 900)])
  log.send(start + 15_000, [counted('requests', 0, 1)])
  const table = tableOf(log)
  const read = await table.read(release, start, start + 20_000)
  assert.deepEqual(brief(read.observations), [['canary', 0, 10_000, '0/101', 'closed']])
  assert.equal(table.refusals.late, 1)
})

test('samples more than 30 s in the future are refused and counted', async () => {
  const log = new TestLog()
  log.send(start, [counted('requests', 30_001, 100), counted('requests', 30_000, 7)])
  const table = tableOf(log)
  const read = await table.read(releaseOf(), start, start + 60_000)
  assert.deepEqual(brief(read.observations), [['canary', 30_000, 10_000, '0/7', 'closed']])
  assert.equal(table.refusals.future, 1)
})

test('the track is the one served, else the version says it, else it is all', async () => {
  const log = new TestLog()
  log.send(start + 1_000, [
    counted('requests', 0, 1, {}, 'stable'),
    counted('requests', 0, 2, { version: '2.0.0' }, 'all'),
    counted('requests', 0, 4, { version: '1.9.0' }, 'all'),
    counted('requests', 0, 8, {}, 'all'),
  ])
  const read = await tableOf(log).read(releaseOf(), start, start + 16_000)
  const counts = read.observations.map(({ track, measure }) => [track, measure.kind === 'ratio' && measure.denominator])
  assert.deepEqual(counts.sort(), [
    ['all', 8],
    ['canary', 2],
    ['stable', 5],
  ])
})

test('a metric measured every minute has buckets of a minute, whatever the senders send', async () => {
  const log = new TestLog()
  for (let at = 0; at < 120_000; at += 10_000) log.send(start + at + 9_000, [counted('requests', at, 10)])
  const read = await tableOf(log).read(releaseOf([{ everyMs: 60_000 }]), start, start + 130_000)
  assert.deepEqual(brief(read.observations), [
    ['canary', 0, 60_000, '0/60', 'closed'],
    ['canary', 60_000, 60_000, '0/60', 'closed'],
  ])
})

test('samples that come by themselves are final as soon as they are received', async () => {
  const log = new TestLog()
  const metric = { everyMs: null, measure: { kind: 'last', series: { name: 'sync_duration', labels: {} } } } as const
  log.send(start + 500, [{ ...counted('sync_duration', 0, 1, {}, 'all'), lengthMs: 0, last: 81 }])
  const table = tableOf(log)
  const early = await table.read(releaseOf([metric]), start, start + 700)
  assert.deepEqual([early.observations, early.nextAt], [[], start + 750])
  const read = await table.read(releaseOf([metric]), early.cursor, start + 750)
  assert.deepEqual(brief(read.observations), [['all', 0, 0, { kind: 'last', value: 81 }, 'closed']])
})

test('quantiles of several senders are merged', async () => {
  const log = new TestLog()
  const metric = { measure: { kind: 'quantile', quantile: 0.99, series: { name: 'duration', labels: {} } } } as const
  for (const values of [[1, 2, 3], [400]]) {
    const quantiles = Quantiles.of(values).toJSON()
    log.send(start + 1_000, [{ ...counted('duration', 0, values.length), quantiles }])
  }
  const read = await tableOf(log).read(releaseOf([metric]), start, start + 20_000)
  const [observation] = read.observations
  assert.ok(observation?.measure.kind === 'quantile')
  assert.deepEqual([observation.measure.quantiles.count, observation.measure.quantiles.quantile(0.99)], [4, 400])
})

test('samples out of users hands show while a bucket is open, and are no part of what closes', async () => {
  const log = new TestLog()
  const table = tableOf(log)
  log.send(start + 1_000, [counted('requests', 0, 10), counted('errors', 0, 0)])
  log.send(start + 1_000, [counted('requests', 0, 90), counted('errors', 0, 90)], { trusted: false })
  const open = await table.read(releaseOf(), start, start + 5_000)
  assert.deepEqual(brief(open.observations), [['canary', 0, 10_000, '90/100', 'open']])
  const closed = await table.read(releaseOf(), open.cursor, start + 16_000)
  const isClosed = closed.observations.filter(observation => !observation.open)
  assert.deepEqual(brief(isClosed), [['canary', 0, 10_000, '0/10', 'closed']])
})

test('a service with too many label sets keeps those it has and counts what it refuses', async () => {
  const log = new TestLog()
  const table = tableOf(log, { limits: { labelSetsMax: 3, seriesMax: 4 } })
  for (let build = 0; build < 10; build++) log.send(start + 1_000, [counted('requests', 0, 1, { version: `${build}` })])
  log.send(start + 1_000, [counted('errors', 0, 2)])
  const read = await table.read(releaseOf(), start, start + 20_000)
  assert.deepEqual(brief(read.observations), [['canary', 0, 10_000, '2/3', 'closed']])
  assert.deepEqual([table.refusals.labels, table.refusals.series], [7, 0])
})

test("labels no metric asks for are added up, so that an id in a label uses up nobody's room", async () => {
  const log = new TestLog()
  const table = tableOf(log, { limits: { labelSetsMax: 3, seriesMax: 4 } })
  for (let user = 0; user < 10; user++) log.send(start + 1_000, [counted('requests', 0, 1, { user: `${user}` })])
  log.send(start + 1_000, [counted('errors', 0, 2)])
  const read = await table.read(releaseOf(), start, start + 20_000)
  assert.deepEqual(brief(read.observations), [['canary', 0, 10_000, '2/10', 'closed']])
  assert.equal(table.refusals.labels, 0)
})

test('series no plan names take no room', async () => {
  const log = new TestLog()
  const table = tableOf(log, { limits: { seriesMax: 2 } })
  for (let name = 0; name < 50; name++) log.send(start + 1_000, [counted(`other-${name}`, 0, 1)])
  log.send(start + 1_000, [counted('requests', 0, 10), counted('errors', 0, 1)])
  const read = await table.read(releaseOf(), start, start + 20_000)
  assert.deepEqual(brief(read.observations), [['canary', 0, 10_000, '1/10', 'closed']])
})

test('releases that ask at the same time share one read of the log', async () => {
  const log = new TestLog()
  const table = tableOf(log)
  const releases = Array.from({ length: 50 }, (_, index) => ({ ...releaseOf(), id: `release-${index}` }))
  await Promise.all(releases.map(release => table.read(release, start, start)))
  log.reads = 0
  await Promise.all(releases.map(release => table.read(release, start, start + 1_000)))
  assert.ok(log.reads <= 2, `found ${log.reads} reads`)
})

test('services that are taken over together are read together, and then each shows what it has', async () => {
  const log = new TestLog()
  const table = tableOf(log)
  const base = releaseOf()
  const releases = Array.from({ length: 50 }, (_, index) => {
    const service = `service-${index}`
    log.send(start + 1_000, [counted('requests', 0, index + 1)], { service })
    return { ...base, id: `release-${index}`, plan: { ...base.plan, service } }
  })
  await table.prepare!(
    releases.map(release => [release, start]),
    start + 16_000,
  )
  assert.ok(log.reads <= 3, `found ${log.reads} reads`)
  for (const [index, release] of releases.entries()) {
    const { observations } = await table.read(release, start, start + 16_000)
    assert.deepEqual(brief(observations), [['canary', 0, 10_000, `0/${index + 1}`, 'closed']])
  }
})

test('the same hour a week ago stands beside the present as its baseline', async () => {
  const log = new TestLog()
  const week = 7 * 86_400_000
  for (const series of ['requests', 'errors']) {
    const count = series === 'requests' ? 600 : 6
    log.past.push({ ...counted(series, -week, count, {}, 'all'), lengthMs: 60_000, trusted: true })
  }
  const release = releaseOf([{ baseline: { kind: 'sameTime', agoMs: week } }])
  const table = tableOf(log)
  const early = await table.read(release, start, start + 65_000)
  assert.deepEqual(early.observations, [])
  const read = await table.read(release, early.cursor, start + 66_000)
  assert.deepEqual(brief(read.observations), [['baseline', 0, 60_000, '6/600', 'closed']])
})

test('while the log is away samples show from memory, and when it is back the log alone counts', async () => {
  const log = new TestLog()
  const table = tableOf(log)
  const release = releaseOf()
  const first = await table.read(release, null, start)
  log.isAway = true
  await assert.rejects(table.read(release, first.cursor, start + 1_000))
  table.takeOffline({
    ...scope,
    service: 'shop',
    receivedAt: start + 2_000,
    trusted: true,
    samples: [counted('requests', 0, 9)],
  })
  const offline = table.readOffline!(release, first.cursor, start + 3_000)
  assert.deepEqual(brief(offline.observations), [['canary', 0, 10_000, '0/9', 'open']])
  log.isAway = false
  log.send(start + 4_000, [counted('requests', 0, 2)])
  const online = await table.read(release, first.cursor, start + 16_000)
  assert.deepEqual(brief(online.observations), [['canary', 0, 10_000, '0/2', 'closed']])
})

test('however often and from whatever cursor it is read, and by whom, the closed buckets are the same', async () => {
  const sampleArbitrary = fc.record({
    at: fc.integer({ min: -20_000, max: 120_000 }),
    delay: fc.integer({ min: 0, max: 20_000 }),
    count: fc.integer({ min: 1, max: 50 }),
    series: fc.constantFrom('requests', 'errors'),
    track: fc.constantFrom<Track>('canary', 'stable'),
  })
  const steps = fc.array(fc.integer({ min: 1, max: 30_000 }), { maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(fc.array(sampleArbitrary, { maxLength: 40 }), steps, async (samples, pauses) => {
      const sent = samples.map(sample => ({ ...sample, receivedAt: start + sample.at + sample.delay }))
      sent.sort((a, b) => a.receivedAt - b.receivedAt)
      const log = new TestLog()
      const live = tableOf(log)
      const release = releaseOf([{}, { everyMs: 30_000 }])
      let { cursor } = await live.read(release, null, start)
      let now = start
      const seen: Observation[] = []
      const readAt = async (at: number) => {
        // The log shows what was received; commits take up to 200 ms.
        for (let next = sent[0]; next !== undefined && next.receivedAt + 200 <= at; next = sent[0]) {
          const { series, at: bucket, count, track, receivedAt } = sent.shift()!
          log.send(receivedAt, [counted(series, Math.floor(bucket / 10_000) * 10_000, count, {}, track)])
        }
        const read = await live.read(release, cursor, at)
        cursor = read.cursor
        seen.push(...read.observations.filter(observation => !observation.open))
      }
      for (const pause of pauses) {
        now += pause
        await readAt(now)
      }
      await readAt(Math.max(now, start + 200_000))
      const late = await tableOf(log).read(release, start, cursor)
      const order = (a: Observation, b: Observation) =>
        a.metric.localeCompare(b.metric) || a.track.localeCompare(b.track) || endOf(a) - endOf(b)
      assert.deepEqual([...seen].sort(order), [...late.observations].sort(order))
    }),
    { numRuns: 200 },
  )
})

test('what is sent while a service begins to be watched is in its table once, whichever reading of the log brings it', async () => {
  /** Answers with what was there when it was asked, some time later. */
  class SlowLog extends TestLog {
    scheduler: fc.Scheduler | null = null
    override async read(afterId: number, filter: { readonly services: readonly string[] } | null, limit: number) {
      const head = this.batches.at(-1)?.id ?? 0
      const { batches, cursor } = await super.read(afterId, filter, limit)
      await this.scheduler?.schedule(Promise.resolve())
      return { batches, cursor: batches.length >= limit ? cursor : Math.max(afterId, head) }
    }
  }
  const watch = (service: string) => {
    const release = releaseOf()
    return { ...release, id: service, plan: { ...release.plan, service } }
  }
  const waits = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), waits, async (scheduler, waited) => {
      const log = new SlowLog()
      const table = tableOf(log)
      const shop = await table.read(watch('shop'), null, start)
      log.scheduler = scheduler
      const many = Array.from({ length: 600 }, () => counted('requests', 0, 1))
      const reads: Promise<unknown>[] = []
      for (const [send, answers] of waited.entries()) {
        for (const service of ['shop', 'cart']) log.send(start + 1_000 + send, many, { service })
        reads.push(table.read(watch('shop'), shop.cursor, start + 2_000 + send))
        reads.push(table.read(watch('cart'), start, start + 2_000 + send))
        for (let answer = 0; answer < answers; answer++) {
          await new Promise(resolve => setImmediate(resolve))
          if (scheduler.count() > 0) await scheduler.waitOne()
        }
      }
      await scheduler.waitFor(Promise.all(reads))
      log.scheduler = null
      const { observations } = await table.read(watch('cart'), start, start + 16_000)
      assert.deepEqual(brief(observations), [['canary', 0, 10_000, `0/${600 * waited.length}`, 'closed']])
    }),
    { numRuns: 100 },
  )
})
