import type { Observation } from '@dankai/analysis'
import { MetricView } from './metric-view.ts'
import { PastSamples } from './past-samples.ts'
import type {
  ObservationCursor,
  ObservationSource,
  ReadObservations,
  SampleBatch,
  SampleLogReader,
  WatchedRelease,
} from './ports.ts'
import { nextTurn, slicesOf } from './sample-slices.ts'
import {
  defaultSampleLimits,
  type SampleLimits,
  type SampleRefusals,
  SampleTable,
  senderBucketMaxMs,
} from './sample-table.ts'
import { joinLabels, joinScopes, type LabelNames, type TableScope } from './table-scope.ts'
import { Together } from './together.ts'

/**
 * Observations out of the samples that were sent to Dankai.
 *
 * The cursor is a moment: every bucket that closed up to it was handed over. A bucket closes a fixed time after its end,
 * and what is in it is decided by the times of receipt, so whoever reads from the same cursor gets the same.
 *
 * One stream of the log feeds the tables of all services that are watched here; a service that begins to be watched, or
 * a reader whose cursor is older than what is kept, reads its part of the log once more.
 */
export interface SeriesTable extends ObservationSource {
  /** Samples taken while the log cannot be written: visible here at once, and read from the log when it is back. */
  takeOffline(batch: Omit<SampleBatch, 'id'>): void
  readonly refusals: Readonly<SampleRefusals>
  /** Services in memory. */
  readonly services: number
}

export interface SeriesTableOptions {
  readonly log: SampleLogReader
  readonly latenessMs?: number
  /** A batch is committed and visible this long after its time of receipt; group commit takes some 10 ms. */
  readonly visibleAfterMs?: number
  readonly limits?: Partial<SampleLimits>
  /** Releases look at closed buckets within this time after they closed, each at its own moment. */
  readonly spreadMs?: number
}

/** Lateness (semantics C) plus visibility: after this a bucket is final. */
export const sampleLatenessMs = 5_000
export const sampleVisibleAfterMs = 250

/** Some megabytes of JSON; more at once would be parsed while a decision waits. */
const batchesPerRead = 250
/**
 * Buckets of all services close at the same moment, and a thousand looks take the better part of a second. So each release
 * looks at its own moment within four: they take a fifth of the time there is, and what matters comes in between. What
 * stops a release shows in open buckets, and a release whose service reports meanwhile has looked already.
 */
const spreadMsWhenAbsent = 4_000
/** A service nobody asked for in this time is forgotten. */
const idleMs = 600_000
/** Without open buckets the next samples are looked for after this, should no hint come. */
const lookAgainMs = 10_000
const forgetEveryMs = 30_000
/** Views are small and rebuilt when missing; this only bounds what ended releases leave behind. */
const viewsMax = 5_000

export function createSeriesTable(options: SeriesTableOptions): SeriesTable {
  return new LoggedSeriesTable(options)
}

interface Service {
  readonly table: SampleTable
  askedAt: number
  forgotAt: number
}

/** A table that begins to be kept. */
interface NewTable {
  readonly key: string
  readonly project: string
  readonly environment: string
  readonly name: string
  readonly service: Service
}

interface View {
  readonly plan: WatchedRelease['plan']
  readonly metrics: readonly MetricView[]
  readonly labelsOf: ReadonlyMap<string, LabelNames>
  readonly longestEveryMs: number
  readonly spreadMs: number
}

class LoggedSeriesTable implements SeriesTable {
  readonly refusals: SampleRefusals = { late: 0, future: 0, length: 0, series: 0, labels: 0, cells: 0 }
  readonly #log: SampleLogReader
  readonly #times: { readonly latenessMs: number; readonly visibleAfterMs: number }
  readonly #limits: SampleLimits
  readonly #spreadMs: number
  readonly #services = new Map<string, Service>()
  readonly #loading = new Map<string, Promise<Service>>()
  readonly #reading = new Together<number>(nows => this.#readOn(Math.max(...nows)))
  readonly #tables = new Together<NewTable>(tables => this.#fill(tables))
  readonly #views = new Map<string, View>()
  readonly #past: PastSamples
  /** Newest id of the log that the tables hold. */
  #position: number | null = null
  #isOffline = false
  #forgotAt = Number.NEGATIVE_INFINITY

  constructor(options: SeriesTableOptions) {
    this.#log = options.log
    this.#past = new PastSamples(options.log)
    this.#times = {
      latenessMs: options.latenessMs ?? sampleLatenessMs,
      visibleAfterMs: options.visibleAfterMs ?? sampleVisibleAfterMs,
    }
    this.#limits = { ...defaultSampleLimits, ...options.limits }
    this.#spreadMs = options.spreadMs ?? spreadMsWhenAbsent
  }

  get services(): number {
    return this.#services.size
  }

  async read(release: WatchedRelease, cursor: ObservationCursor | null, now: number): Promise<ReadObservations> {
    await this.#refresh(now)
    const service = await this.#serviceOf(release, cursor ?? now, now)
    const read = this.#observe(release, service, cursor, now)
    const baselines = await this.#observeBaselines(release, cursor ?? now, now)
    return baselines.length === 0 ? read : { ...read, observations: [...baselines, ...read.observations] }
  }

  /** Services that are not here yet share one reading of the log, instead of one for each few that are looked at at once. */
  async prepare(
    releases: readonly (readonly [WatchedRelease, ObservationCursor | null])[],
    now: number,
  ): Promise<void> {
    await this.#refresh(now)
    await Promise.all(releases.map(([release, cursor]) => this.#serviceOf(release, cursor ?? now, now)))
  }

  readOffline(release: WatchedRelease, cursor: ObservationCursor | null, now: number): ReadObservations {
    const service = this.#services.get(keyOf(release, release.plan.service))
    if (service === undefined) return { observations: [], cursor: cursor ?? now, nextAt: now + lookAgainMs }
    return this.#observe(release, service, cursor, now)
  }

  takeOffline(batch: Omit<SampleBatch, 'id'>): void {
    this.#isOffline = true
    this.#services.get(keyOf(batch, batch.service))?.table.take({ ...batch, id: 0 })
  }

  #observe(release: WatchedRelease, service: Service, cursor: ObservationCursor | null, now: number): ReadObservations {
    service.askedAt = now
    const since = cursor ?? now
    const closed: Observation[] = []
    const open: Observation[] = []
    let nextAt = now + lookAgainMs
    for (const view of this.#viewOf(release).metrics) {
      const { observations, nextCloseAt } = view.observe(service.table, this.#times, since, now)
      for (const observation of observations) (observation.open ? open : closed).push(observation)
      nextAt = Math.min(nextAt, nextCloseAt ?? nextAt)
    }
    this.#forgetOld(service, now)
    return {
      observations: [...closed, ...open],
      cursor: Math.max(since, now),
      nextAt: nextAt + this.#viewOf(release).spreadMs,
    }
  }

  async #observeBaselines(release: WatchedRelease, since: number, now: number): Promise<readonly Observation[]> {
    const observations: Observation[] = []
    for (const view of this.#viewOf(release).metrics) {
      const agoMs = view.baselineAgoMs
      if (agoMs === null) continue
      const closesAfterMs = this.#times.latenessMs + this.#times.visibleAfterMs
      const from = since - closesAfterMs - agoMs - senderBucketMaxMs
      const past = [...view.labelsOf.keys()].map(series =>
        this.#past.read({ ...scopeOf(release), service: release.plan.service, series }, from, now - agoMs),
      )
      observations.push(...view.observePast((await Promise.all(past)).flat(), this.#times, since, now))
    }
    return observations
  }

  #viewOf(release: WatchedRelease): View {
    const known = this.#views.get(release.id)
    if (known?.plan === release.plan) return known
    const sent = Object.values(release.plan.metrics).filter(metric => metric.source === 'dankai')
    const metrics = sent.map(metric => new MetricView(metric, release.version))
    const labelsOf = metrics.map(metric => metric.labelsOf).reduce(joinLabels, new Map())
    const longestEveryMs = Math.max(senderBucketMaxMs, ...sent.map(metric => metric.everyMs ?? 0))
    const spreadMs = this.#spreadMs === 0 ? 0 : spreadOf(release.id) % this.#spreadMs
    const view = { plan: release.plan, metrics, labelsOf, longestEveryMs, spreadMs }
    this.#views.set(release.id, view)
    if (this.#views.size > viewsMax) this.#views.delete(this.#views.keys().next().value!)
    return view
  }

  // ── The log ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whoever asks gets a read that began after the question; questions during one read share the next. */
  #refresh(now: number): Promise<void> {
    return this.#reading.add(now)
  }

  async #readOn(now: number): Promise<void> {
    this.#position ??= await this.#log.idBefore(Number.MAX_SAFE_INTEGER)
    for (;;) {
      const { batches, cursor } = await this.#log.read(this.#position, null, batchesPerRead)
      if (this.#isOffline) this.#forgetOffline()
      for (const slice of slicesOf(batches)) {
        // Where the tables are moves with what they hold: a table that is filled meanwhile goes on from there.
        for (const batch of slice) this.#services.get(keyOf(batch, batch.service))?.table.take(batch)
        this.#position = slice.at(-1)!.id
        await nextTurn()
      }
      this.#position = cursor
      if (batches.length < batchesPerRead) break
    }
    this.#forgetIdle(now)
  }

  /** The log is back: what was only in memory is not in it, and a table must be what the log says. */
  #forgetOffline(): void {
    this.#isOffline = false
    this.#services.clear()
  }

  async #serviceOf(release: WatchedRelease, from: number, now: number): Promise<Service> {
    const key = keyOf(release, release.plan.service)
    const wanted = this.#wantedScope(release, from)
    await this.#loading.get(key)
    const known = this.#services.get(key)
    if (known?.table.covers(wanted)) return known
    const loading = this.#load(release, key, joinScopes(wanted, known?.table.scope ?? null), now)
    this.#loading.set(key, loading)
    try {
      return await loading
    } finally {
      if (this.#loading.get(key) === loading) this.#loading.delete(key)
    }
  }

  /** What closes after `from` was received after its bucket began. */
  #wantedScope(release: WatchedRelease, from: number): TableScope {
    const { labelsOf, longestEveryMs } = this.#viewOf(release)
    const closesAfterMs = this.#times.latenessMs + this.#times.visibleAfterMs
    const keptMs = Math.max(this.#limits.keptMs, 2 * longestEveryMs + closesAfterMs)
    return { labelsOf, completeFrom: from - longestEveryMs - closesAfterMs, keptMs }
  }

  async #load(release: WatchedRelease, key: string, scope: TableScope, now: number): Promise<Service> {
    const { project, environment, plan } = release
    const table = new SampleTable(scope, this.#times.latenessMs, this.#limits, this.refusals)
    const service = { table, askedAt: now, forgotAt: now }
    await this.#tables.add({ key, project, environment, name: plan.service, service })
    return service
  }

  /** After a take-over a thousand services are wanted at once: they share the readings of the log. */
  async #fill(tables: readonly NewTable[]): Promise<void> {
    const byScope = Map.groupBy(tables, ({ project, environment }) => `${project}/${environment}`)
    await Promise.all([...byScope.values()].map(ofScope => this.#fillScope(ofScope)))
  }

  async #fillScope(tables: readonly NewTable[]): Promise<void> {
    const { project, environment } = tables[0]!
    const byName = Map.groupBy(tables, ({ name }) => name)
    const filter = { project, environment, services: [...byName.keys()] }
    let position = await this.#log.idBefore(Math.min(...tables.map(({ service }) => service.table.scope.completeFrom)))
    for (let isEnd = false; !isEnd && position < this.#position!; ) {
      const { batches, cursor } = await this.#log.read(position, filter, batchesPerRead)
      isEnd = cursor === position
      position = await this.#takeUntilPresent(batches, byName, cursor)
    }
    for (const { key, service } of tables) this.#services.set(key, service)
  }

  /**
   * Answers how far it came. What is newer than the common stream comes through it, once these tables are in it: nothing
   * is waited for between seeing that and entering them.
   */
  async #takeUntilPresent(
    batches: readonly SampleBatch[],
    byName: ReadonlyMap<string, readonly NewTable[]>,
    cursor: number,
  ): Promise<number> {
    for (const slice of slicesOf(batches)) {
      for (const batch of slice) {
        if (batch.id > this.#position!) return this.#position!
        for (const { service } of byName.get(batch.service) ?? []) service.table.take(batch)
      }
      await nextTurn()
    }
    return cursor
  }

  /** Each at its own time: all at once would take as long as there are services. */
  #forgetOld(service: Service, now: number): void {
    if (now - service.forgotAt < forgetEveryMs) return
    service.forgotAt = now
    service.table.forgetOld(now)
  }

  #forgetIdle(now: number): void {
    if (now - this.#forgotAt < forgetEveryMs) return
    this.#forgotAt = now
    for (const [key, { askedAt }] of this.#services) if (now - askedAt > idleMs) this.#services.delete(key)
  }
}

function keyOf(scope: { readonly project: string; readonly environment: string }, service: string): string {
  return `${scope.project}/${scope.environment}/${service}`
}

function scopeOf({ project, environment }: WatchedRelease): { readonly project: string; readonly environment: string } {
  return { project, environment }
}

/** The same for a release on every instance. */
function spreadOf(id: string): number {
  let sum = 0
  for (let index = 0; index < id.length; index++) sum = (Math.imul(sum, 31) + id.charCodeAt(index)) >>> 0
  return sum
}
