import type { Observation, Track } from '@dankai/analysis'
import type { CompiledPlan, Condition, Metric } from '@dankai/plan'
import { demandsOf } from './demand.ts'
import type { GoodValues } from './good-values.ts'
import { MetricLane } from './metric-lane.ts'
import { createMetricTimeline, type MetricTimeline, type WorldValue } from './metric-timeline.ts'

/**
 * What every metric of a plan measures, on every track, at any time: the source of observations of a simulation.
 *
 * Invariants
 *  1. A bucket has the value that holds at its start, so a change is seen from the first whole bucket after it.
 *  2. The canary track has data only while the change is exposed (or shadowed), the track of all users only while not.
 *  3. `events` and `full` fidelity say the same: the second is the first with every run cut into single buckets.
 *  4. An observation is given once per cursor, when it arrives: at the end of its bucket, later when it is delayed.
 *  5. Wherever one run ends inside what is read at once, every other run is cut too: who looks back to that moment
 *     finds all that had been measured by then.
 */
export interface MetricWorld {
  change(change: WorldChange): void
  /** Called whenever the real exposure changes. */
  setExposed(exposed: boolean, at: number): void
  /** Buckets that start in [from, to) arrive `byMs` later than they end. */
  delay(delay: Delay): void
  /**
   * Evidence begins anew here (a phase, a rollback): the first buckets after it are worth a look each. Jobs that sample
   * by themselves run for it too; else a phase shorter than a day would never see a sample.
   */
  mark(at: number): void
  /** Nobody looked in (from, to]: who reads it later gets every bucket by itself, as if they had come one by one. */
  leaveUnwatched(from: number, to: number): void
  /** Everything that arrived after `after`, up to and including `until`, in event order per metric and track. */
  read(after: number, until: number): readonly Observation[]
  /**
   * Next moment at which what is measured may read differently from what was read before: ends of the buckets around
   * every change. null while everything goes on as it is; then the evidence itself says when to look.
   */
  nextLook(after: number): number | null
  /**
   * The first moment in (after, before) at which the newest bucket of some length ends: who decides at `before` without
   * having looked there would have to look back.
   */
  firstBound(after: number, before: number): number | null
  /** The next moment at which any bucket ends or a sample comes. */
  nextBucketEnd(after: number): number | null
  valueAt(metric: string, track: Track, at: number): WorldValue
}

export interface WorldChange {
  readonly metric: string
  /** null = every track: the trouble is everybody's. */
  readonly track: Track | null
  readonly at: number
  readonly forMs: number | null
  readonly value: WorldValue
}

export interface Delay {
  readonly from: number
  readonly to: number
  readonly byMs: number
}

export interface MetricWorldOptions {
  readonly plan: CompiledPlan
  readonly good: GoodValues
  readonly start: number
  readonly fidelity: 'events' | 'full'
}

export function createMetricWorld({ plan, good, start, fidelity }: MetricWorldOptions): MetricWorld {
  const lanes = Object.values(plan.metrics).flatMap(metric =>
    tracksOf(plan, metric).map(track => new MetricLane(metric, track, good[metric.name] ?? 0, start)),
  )
  const lengths = [...new Set(lanes.flatMap(lane => lane.bucketMs ?? []))]
  const sampled = lanes.filter(lane => lane.bucketMs === null)
  const exposure = createMetricTimeline(0)
  const delays: Delay[] = []
  const unwatched: { readonly from: number; readonly to: number }[] = []
  const marks = new Set([start])
  const sight: Sight = { lanes, lengths, exposure, delays, unwatched, marks }
  let readUntil = start

  return {
    change({ metric, track, at, forMs, value }) {
      const names = namesToChange(plan, metric)
      for (const lane of lanes)
        if (names.includes(lane.metric.name) && (track === null || track === lane.track))
          lane.change(at, forMs, value, readUntil)
    },
    setExposed(exposed, at) {
      exposure.add({ from: at, to: null, value: exposed ? 1 : 0 })
    },
    delay(delay) {
      delays.push(delay)
    },
    mark(at) {
      if (marks.has(at)) return
      marks.add(at)
      for (const lane of sampled) lane.addSample(at, lane.valueAt(at), readUntil)
    },
    leaveUnwatched(from, to) {
      unwatched.push({ from, to })
    },
    read(after, until) {
      readUntil = Math.max(readUntil, until)
      if (delays.length > 0 || spansSeveralBuckets(lengths, after, until))
        return readRuns(sight, after, until, fidelity)
      const observations: Observation[] = []
      for (const lane of lanes) readLane(lane, sight, after, until, observations)
      return observations
    },
    nextLook: after => earliest(lanes.map(lane => nextLookAt(lane, sight, after))),
    firstBound(after, before) {
      const bounds = lengths.map(lengthMs => Math.floor((before - 1) / lengthMs) * lengthMs)
      return earliest(bounds.filter(bound => bound > after))
    },
    nextBucketEnd(after) {
      let next = Number.POSITIVE_INFINITY
      for (const lengthMs of lengths) next = Math.min(next, (Math.floor(after / lengthMs) + 1) * lengthMs)
      for (const lane of sampled) next = Math.min(next, lane.nextSample(after))
      return Number.isFinite(next) ? next : null
    },
    valueAt: (metric, track, at) =>
      lanes.find(lane => lane.metric.name === metric && lane.track === track)?.valueAt(at) ?? 'no data',
  }
}

/**
 * The users of the change, and all users while nobody has it. What others have, or had at another time, is measured only
 * for metrics that the plan compares with it: nobody reads the rest.
 */
function tracksOf(plan: CompiledPlan, metric: Metric): readonly Track[] {
  if (metric.measure.kind === 'highest') return []
  if (!isCompared(plan, metric)) return ['canary', 'all']
  return metric.baseline.kind === 'stable' ? ['canary', 'stable', 'all'] : ['canary', 'baseline', 'all']
}

function isCompared(plan: CompiledPlan, metric: Metric): boolean {
  const names = Object.values(plan.metrics).filter(
    ({ name, measure }) => name === metric.name || (measure.kind === 'highest' && measure.of.includes(metric.name)),
  )
  return demandsOf(plan).some(({ condition }) => names.some(({ name }) => comparesWithBaseline(condition, name)))
}

function comparesWithBaseline(condition: Condition, metric: string): boolean {
  if (condition.kind === 'all' || condition.kind === 'any')
    return condition.of.some(part => comparesWithBaseline(part, metric))
  if (condition.kind === 'differs') return condition.metric === metric && condition.from === 'baseline'
  return (
    condition.kind === 'metric' &&
    condition.metric === metric &&
    condition.limit.kind === 'reference' &&
    condition.limit.reference === 'baseline'
  )
}

/** A script that moves the highest of several moves all of them: whichever is read shows it. */
function namesToChange(plan: CompiledPlan, name: string): readonly string[] {
  const measure = plan.metrics[name]?.measure
  return measure?.kind === 'highest' ? measure.of : [name]
}

// ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Sight {
  readonly lanes: readonly MetricLane[]
  /** Different bucket lengths of the lanes. */
  readonly lengths: readonly number[]
  readonly exposure: MetricTimeline
  readonly delays: readonly Delay[]
  readonly unwatched: readonly { readonly from: number; readonly to: number }[]
  readonly marks: ReadonlySet<number>
}

function spansSeveralBuckets(lengths: readonly number[], after: number, until: number): boolean {
  return lengths.some(lengthMs => Math.floor(until / lengthMs) - Math.floor(after / lengthMs) > 1)
}

function isMeasuredAt({ track }: MetricLane, exposure: MetricTimeline, at: number): boolean {
  if (track !== 'canary' && track !== 'all') return true
  return (exposure.valueAt(at) === 1) === (track === 'canary')
}

/** The usual read of full fidelity: at most one bucket of each lane ended, none of them late. Pushes what it finds. */
function readLane(lane: MetricLane, { exposure }: Sight, after: number, until: number, into: Observation[]): void {
  const { bucketMs } = lane
  if (bucketMs === null) {
    for (const { at, value } of lane.samplesIn(after, until))
      if (isMeasuredAt(lane, exposure, at)) into.push(lane.observe(at, 1, value))
    return
  }
  const start = Math.max(lane.firstBucket, Math.floor(after / bucketMs) * bucketMs)
  if (start + bucketMs > until || !isMeasuredAt(lane, exposure, start)) return
  const value = lane.valueAt(start)
  if (value !== 'no data') into.push(lane.observe(start, 1, value))
}

/** Runs of equal buckets, all lanes cut at the same moments. */
function readRuns(sight: Sight, after: number, until: number, fidelity: 'events' | 'full'): readonly Observation[] {
  const cuts = cutsBetween(sight, after, until)
  return sight.lanes.flatMap(lane => {
    const { bucketMs } = lane
    if (bucketMs === null) {
      const samples: Observation[] = []
      readLane(lane, sight, after, until, samples)
      return samples
    }
    const own = cuts.filter(cut => cut % bucketMs === 0)
    return own
      .slice(0, -1)
      .flatMap((from, index) => readRun(lane, sight, from, own[index + 1]!, after, until, fidelity))
  })
}

/** Whole buckets of a lane that start in [from, to) and arrived in (after, until]; nothing changes on the way. */
function readRun(
  lane: MetricLane,
  { exposure, delays }: Sight,
  from: number,
  to: number,
  after: number,
  until: number,
  fidelity: 'events' | 'full',
): readonly Observation[] {
  const bucketMs = lane.bucketMs!
  const lateMs = delays.find(delay => delay.from <= from && from < delay.to)?.byMs ?? 0
  const start = Math.max(from, lane.firstBucket, Math.floor((after - lateMs) / bucketMs) * bucketMs)
  const end = Math.min(to, Math.floor((until - lateMs) / bucketMs) * bucketMs)
  const value = lane.valueAt(start)
  if (end <= start || value === 'no data' || !isMeasuredAt(lane, exposure, start)) return []
  const buckets = Math.round((end - start) / bucketMs)
  if (fidelity === 'events') return [lane.observe(start, buckets, value)]
  return Array.from({ length: buckets }, (_, index) => lane.observe(start + index * bucketMs, 1, value))
}

/**
 * Bucket bounds at which something differs or some lane's newest bucket ends. A bound of one lane is no bound of a lane
 * with longer buckets, so the one before it is added for each length, until nothing new is found.
 */
function cutsBetween(sight: Sight, after: number, until: number): readonly number[] {
  const { lengths, delays } = sight
  const from = after - reachOf(delays) - Math.max(...lengths)
  const cuts = new Set<number>()
  const open = [from, ...turnsBetween(sight, after, until).filter(at => at > from && at <= until)]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const lengthMs of lengths) {
      const bound = Math.floor(at / lengthMs) * lengthMs
      if (bound < from - lengthMs || cuts.has(bound)) continue
      cuts.add(bound)
      open.push(bound)
    }
  }
  return [...cuts].sort((a, b) => a - b)
}

/** Where runs begin and end: a lane turns at its own bucket bounds, what concerns all lanes turns each of them at its own. */
function turnsBetween(
  { lanes, lengths, exposure, delays, unwatched }: Sight,
  after: number,
  until: number,
): readonly number[] {
  const reachMs = reachOf(delays)
  const ofLanes = lanes.flatMap(lane => {
    const { bucketMs } = lane
    if (bucketMs === null) return lane.samplesIn(after, until).map(({ at }) => at)
    return [...lane.edges()].map(edge => Math.ceil(edge / bucketMs) * bucketMs)
  })
  const ofAll = [...exposure.edges(), ...delays.flatMap(delay => [delay.from, delay.to])]
  const everywhere = ofAll.flatMap(edge => lengths.map(lengthMs => Math.ceil(edge / lengthMs) * lengthMs))
  const arrivals = delays.flatMap(({ byMs }) => [after - byMs, until - byMs])
  const singly = unwatched.flatMap(span =>
    lengths.flatMap(lengthMs => multiplesIn(lengthMs, Math.max(span.from, after) - reachMs, Math.min(span.to, until))),
  )
  return [after, until, ...ofLanes, ...everywhere, ...arrivals, ...singly]
}

function reachOf(delays: readonly Delay[]): number {
  return delays.reduce((most, delay) => Math.max(most, delay.byMs), 0)
}

function multiplesIn(lengthMs: number, from: number, to: number): readonly number[] {
  const first = Math.ceil(from / lengthMs) * lengthMs
  return Array.from(
    { length: Math.max(0, Math.floor((to - first) / lengthMs) + 1) },
    (_, index) => first + index * lengthMs,
  )
}

// ── When to look ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Buckets looked at one by one after a change: enough for a gap to be noticed by its absence. */
const watchedBuckets = 5
const watchedMsLeast = 60_000

/**
 * After a change of value, of exposure or of lateness every bucket end is looked at for a while; the first look beyond
 * that is the evidence's own affair. Samples that come by themselves are looked at when they come.
 */
function nextLookAt(lane: MetricLane, { exposure, delays, marks }: Sight, after: number): number | null {
  const { bucketMs } = lane
  if (bucketMs === null) return lane.nextSample(after)
  const watchMs = Math.max(watchedBuckets * bucketMs, watchedMsLeast)
  const end = (Math.floor(after / bucketMs) + 1) * bucketMs
  let next = Number.POSITIVE_INFINITY
  const look = (edge: number, longerMs = 0): void => {
    if (edge > after) next = Math.min(next, Math.max(end, (Math.floor(edge / bucketMs) + 1) * bucketMs))
    else if (after < edge + watchMs + longerMs) next = Math.min(next, end)
  }
  for (const edge of lane.edges()) look(edge)
  for (const edge of exposure.edges()) look(edge)
  for (const mark of marks) look(mark)
  // While samples come late, what is known depends on when one looks: every bucket end counts.
  for (const { from, to, byMs } of delays) look(from, to - from + byMs)
  return Number.isFinite(next) ? next : null
}

export function earliest(times: readonly (number | null)[]): number | null {
  let first: number | null = null
  for (const time of times) if (time !== null && (first === null || time < first)) first = time
  return first
}
