import type { EvidencePolicy } from '@dankai/plan'
import { isTrue } from './answer.ts'
import { firstChange } from './first-change.ts'
import type { NoDataWatch, Silence } from './no-data-watch.ts'
import type { Contents, Numbers, Reading } from './reading.ts'
import type { SampleSequence } from './sample-sequence.ts'
import { Part } from './sums.ts'
import { type AssessmentContext, assessTerm, bucketEndFrom } from './term-assessment.ts'
import { judge, limitFor, type TermWatch } from './term-watch.ts'
import type { TrackSamples, Window } from './track-samples.ts'

/** Further ahead nothing is looked for; releases are re-read long before. */
const horizonMs = 400 * 24 * 3_600_000

export interface NextLookInput {
  readonly now: number
  readonly policy: EvidencePolicy
  readonly exposedAt: number | null
  readonly sequences: readonly SampleSequence[]
  readonly noData: readonly { readonly watch: NoDataWatch; readonly silences: readonly Silence[] }[]
  /** When metrics whose next bucket is overdue count as missing. */
  readonly overdue: readonly number[]
}

/**
 * The earliest moment at which any answer may change while every metric goes on as it is: its newest bucket repeats.
 *
 * 1. Never late: between now and the moment given no answer changes. It may be early; then nothing has changed yet.
 * 2. Between two looks sums change linearly, so values, limits and sample counts are monotone, and comparing the ranges
 *    at both ends of a stretch is enough to skip it (`firstChange`).
 */
export function nextLookOf(input: NextLookInput): number | null {
  const moments = [...input.overdue]
  for (const { watch, silences } of input.noData) {
    const isSilent = watch.assess(silences, input.now).holds === 'yes'
    const metAt = watch.metAt(silences)
    if (metAt !== null && (isSilent || silences.every(silence => silence.gapMs === Infinity))) moments.push(metAt)
  }
  for (const sequence of input.sequences) {
    const look = sequenceLook(sequence, input)
    if (look !== null) moments.push(look)
  }
  return earliestAfter(input.now, moments)
}

/** While a sequence goes on as it did, the moment worked out before still stands. */
function sequenceLook(sequence: SampleSequence, input: NextLookInput): number | null {
  const remembered = sequence.rememberedLook(input.now)
  if (remembered !== undefined) return remembered
  const moments = [sequence.nextSilence() ?? Number.POSITIVE_INFINITY]
  for (const watch of sequence.watches) if (watch.isActive) moments.push(...watchMoments(watch, sequence, input))
  const look = earliestAfter(input.now, moments)
  sequence.rememberLook(look)
  return look
}

function earliestAfter(now: number, moments: readonly number[]): number | null {
  let earliest = Number.POSITIVE_INFINITY
  for (const moment of moments) if (moment > now && moment < earliest) earliest = moment
  return earliest === Infinity ? null : earliest
}

function watchMoments(watch: TermWatch, sequence: SampleSequence, input: NextLookInput): readonly number[] {
  const reading = sequence.refresh(sequence.readingOf.get(watch)!)
  const moments: number[] = []
  const expiry = sequence.comesByItself ? sequence.nextExpiry() : null
  if (expiry !== null) moments.push(expiry)
  if (watch.runs[0] !== undefined) moments.push(timesExpiry(watch, reading, sequence.end))
  moments.push(...staleMoments(watch, reading, sequence.end))
  const context: AssessmentContext = { ...input, missingSince: null, reading, end: sequence.end }
  const { metAt } = assessTerm(watch, context)
  if (metAt !== null) moments.push(metAt)
  const change = contentChange(watch, reading, sequence.end, input)
  if (change !== null) moments.push(change)
  return moments
}

/** When a track that others are compared with has been silent too long, and when a run ends that nothing extends. */
function staleMoments(watch: TermWatch, reading: Reading, end: number): readonly number[] {
  const all = [...reading.tracks, ...reading.baselineTracks]
  const lagging = all.filter(track => track.hasData && end - track.newestEnd >= track.newestLengthMs)
  const stale = all.length === 1 ? [] : lagging.map(track => track.newestEnd + track.freshMs)
  if (watch.newest !== 'yes' && end - watch.trueEnd < watch.gapMs) stale.push(watch.trueEnd + watch.gapMs)
  return stale.filter(Number.isFinite).map(moment => bucketEndFrom(moment, reading) ?? moment)
}

/** When the oldest true sample stops counting: at the end of the bucket that pushes it out. */
function timesExpiry(watch: TermWatch, reading: Reading, end: number): number {
  const leaves = watch.runs[0]!.start + watch.timesWithinMs!
  return bucketEndFrom(Math.max(leaves, end + 1), reading) ?? leaves
}

/** When the answer may change because the window's contents do. */
function contentChange(watch: TermWatch, reading: Reading, end: number, input: NextLookInput): number | null {
  const repeating = [...reading.tracks, ...reading.baselineTracks].filter(
    track => track.newestLengthMs > 0 && track.hasData,
  )
  if (repeating.length === 0) return null
  const lengthMs = Math.min(...repeating.map(track => track.newestLengthMs))
  const isBehind = watch.isEager && (!watch.hasTaken || judge(watch.term, reading) !== watch.newest)
  if (isBehind && !watch.comparesWithPrevious) return end + lengthMs
  if (watch.comparesWithPrevious) return changesWithPrevious(watch, reading) ? end + lengthMs : null
  if (reading.window.kind === 'newest') return null
  const stretch = Math.min(...repeating.map(track => stepsInStretch(track, reading.window, lengthMs)))
  if (stretch === Infinity && reading.window.kind === 'sliding') return null
  const last = Math.min(Math.ceil(horizonMs / lengthMs), stretch)
  const isSameLength = repeating.every(track => track.newestLengthMs === lengthMs)
  if (!isSameLength && reading.window.kind === 'sliding') return end + lengthMs
  if (staysForGood(watch, reading, input.policy)) return null
  const step = firstChange(last, (from, to) => isSteadyBetween(watch, reading, end, lengthMs, from, to, input.policy))
  if (step !== null) return end + lengthMs * step
  return reading.window.kind === 'sliding' ? end + lengthMs * last : null
}

/**
 * A total of ratios or means moves from what it is towards its newest bucket, and never past it: when both answer alike,
 * so does everything in between, for as long as data goes on. Most looks end here, without a search.
 */
function staysForGood(watch: TermWatch, reading: Reading, policy: EvidencePolicy): boolean {
  if (reading.window.kind !== 'total' || !reading.hasEnough || reading.completeness !== 'whole') return false
  if (watch.comparesWithBaseline && !reading.baselineHasEnough) return false
  if (reading.samples < samplesAsked(watch, policy)) return false
  if (reading.tracks.some((_, index) => reading.sumsFor(index).kind === 'count')) return false
  const newest = reading.readInstead(
    reading.tracks.map(newestOf),
    reading.baselineTracks.map(newestOf),
    Number.NEGATIVE_INFINITY,
  )
  return isSteadyComparison(watch, reading, { ...newest, hasEnough: true, baselineHasEnough: true })
}

function newestOf(track: TrackSamples): Contents {
  return { sums: track.newestSums, newestEnd: track.newestEnd }
}

function samplesAsked({ place }: TermWatch, policy: EvidencePolicy): number {
  return policy.kind === 'notHarmful' && place === 'criterion' ? policy.samples : 0
}

function changesWithPrevious(watch: TermWatch, reading: Reading): boolean {
  const track = reading.tracks[0]!
  const contents = [{ sums: track.newestSums, newestEnd: track.newestEnd }]
  return judge(watch.term, reading.readInstead(contents, [], track.newestEnd)) !== watch.newest
}

/** Buckets for which the same run goes on leaving the window; infinite when its content does not change any more. */
function stepsInStretch(track: TrackSamples, window: Window, lengthMs: number): number {
  if (window.kind !== 'sliding') return Number.POSITIVE_INFINITY
  const sliding = track.windows.find(candidate => candidate.ms === window.ms)!
  const isCovered = track.isCovered(window.ms, track.newestEnd)
  if (sliding.isSteady(track.ring) && isCovered) return Number.POSITIVE_INFINITY
  const expiry = sliding.nextExpiry(track.ring)
  const untilExpiry = expiry === null ? 1 : Math.max(0, Math.floor((expiry - track.newestEnd) / lengthMs))
  const untilCovered = isCovered
    ? Number.POSITIVE_INFINITY
    : Math.ceil((track.coveredFrom + window.ms - track.newestEnd) / lengthMs)
  const steps = untilExpiry > 0 ? untilExpiry : sliding.firstRunLeft(track.ring)
  return Math.max(1, Math.min(steps, untilCovered))
}

function isSteadyBetween(
  watch: TermWatch,
  reading: Reading,
  end: number,
  lengthMs: number,
  from: number,
  to: number,
  policy: EvidencePolicy,
): boolean {
  const first = numbersAfter(reading, end, lengthMs, from)
  const second = numbersAfter(reading, end, lengthMs, to)
  if (first.hasEnough !== second.hasEnough || first.baselineHasEnough !== second.baselineHasEnough) return false
  if (first.completeness !== second.completeness) return false
  const asked = samplesAsked(watch, policy)
  if (first.samples < asked !== second.samples < asked) return false
  return isSteadyComparison(watch, first, second)
}

/** All four corners of the two ranges answer alike, so everything between does. */
function isSteadyComparison(watch: TermWatch, first: Numbers, second: Numbers): boolean {
  const { term } = watch
  const answer = judge(term, first)
  if (answer !== judge(term, second)) return false
  if (answer === 'unknown') return true
  if (term.kind === 'differs') return true
  const exact = term.limit.kind === 'amount'
  const limits = [limitFor(term, first), limitFor(term, second)]
  const corners = [first.value, second.value].flatMap(value =>
    limits.map(limit => isTrue(value, term.op, limit, exact)),
  )
  if (corners.some(corner => corner !== corners[0])) return false
  return term.op !== '=' || corners[0] === true || isApart([first.value, second.value], limits)
}

/** For `=`: false at both ends says nothing when the two ranges overlap. */
function isApart(values: readonly number[], limits: readonly number[]): boolean {
  return Math.max(...values) < Math.min(...limits) || Math.min(...values) > Math.max(...limits)
}

/** What the reading would say after so many more steps of `lengthMs` in which every track repeats its newest bucket. */
function numbersAfter(reading: Reading, end: number, lengthMs: number, steps: number): Numbers {
  const until = end + lengthMs * steps
  const values = reading.tracks.map(track => contentsAt(track, reading.window, until))
  const baselines = reading.baselineTracks.map(track => contentsAt(track, reading.window, until))
  return reading.readInstead(values, baselines, until)
}

function contentsAt(track: TrackSamples, window: Window, until: number): Contents {
  const lengthMs = track.newestLengthMs
  const more = lengthMs > 0 && track.hasData ? Math.max(0, Math.floor((until - track.newestEnd) / lengthMs)) : 0
  const newestEnd = track.newestEnd + more * lengthMs
  if (more === 0 || window.kind === 'newest') return { sums: track.sumsOf(window), newestEnd }
  const sums = window.kind === 'total' ? grownTotal(track, window, more) : grownWindow(track, window.ms, more)
  return { sums, newestEnd }
}

function grownTotal(track: TrackSamples, window: Window & { kind: 'total' }, more: number) {
  const sums = track.sumsOf(window).clone()
  const { from } = track.totals.find(total => total.scope === window.scope)!
  const before = from > track.newestEnd ? Math.ceil((from - track.newestEnd) / track.newestLengthMs) : 0
  if (!Number.isNaN(from) && more > before) sums.add(track.newest, more - before)
  return sums
}

function grownWindow(track: TrackSamples, ms: number, more: number) {
  const sliding = track.windows.find(candidate => candidate.ms === ms)!
  if (sliding.isSteady(track.ring)) return sliding.sums
  const sums = sliding.sums.clone()
  sums.add(track.newest, more)
  const leaving = leavingAfter(track, sliding, more)
  if (leaving > 0) sums.remove(track.ring.readPart(sliding.first, new Part()), leaving)
  return sums
}

/** How many buckets of the oldest run have left after `more` new ones; the stretch ends before the run does. */
function leavingAfter(track: TrackSamples, sliding: TrackSamples['windows'][number], more: number): number {
  const expiry = sliding.nextExpiry(track.ring)
  if (expiry === null) return 0
  const end = track.newestEnd + more * track.newestLengthMs
  if (end <= expiry) return 0
  const lengthMs = track.ring.lengthMsOf(sliding.first)
  const left = sliding.firstRunLeft(track.ring)
  return lengthMs > 0 ? Math.min(left, Math.ceil((end - expiry) / lengthMs)) : left
}
