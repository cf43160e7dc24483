import type { EvidencePolicy } from '@dankai/plan'
import type { Answer } from './answer.ts'
import type { Assessment, Verdict } from './assessment.ts'
import { hasOpenBuckets, openLooks } from './open-buckets.ts'
import { type Numbers, needsSamples, type Reading } from './reading.ts'
import { judge, limitFor, type TermWatch } from './term-watch.ts'
import type { TrackSamples } from './track-samples.ts'

/** What an assessment needs besides the term: the moment, and how things stand for the metric and the phase. */
export interface AssessmentContext {
  readonly now: number
  readonly policy: EvidencePolicy
  readonly exposedAt: number | null
  readonly missingSince: number | null
  readonly reading: Reading
  /** End of the newest judged bucket. */
  readonly end: number
}

export const unknownAssessment: Assessment = {
  met: 'unknown',
  holds: 'unknown',
  value: null,
  limit: null,
  samples: null,
  samplesNeeded: null,
  trueSince: null,
  metAt: null,
  times: null,
  missingSince: null,
  verdict: null,
}

/** The unbroken run of true samples as it stands now, open buckets included. */
interface TrueRunNow {
  readonly since: number
  readonly end: number
  /** True when an open bucket carries it: then it grows with the clock, not with closed buckets. */
  readonly isOpen: boolean
}

export function assessTerm(watch: TermWatch, context: AssessmentContext): Assessment {
  const { reading, missingSince } = context
  const looks =
    watch.place === 'criterion' || !hasOpenBuckets(reading) ? noLooks : openLooks(watch, reading, context.now)
  const openYes = looks.findLast(look => look.answer === 'yes')
  const isJudged = watch.hasTaken || !watch.isEager
  const numbers = openYes?.numbers ?? (isJudged ? reading : null)
  const holds = missingSince !== null ? 'unknown' : openYes === undefined ? closedAnswer(watch, reading) : 'yes'
  const run = missingSince !== null ? null : runNow(watch, looks, context)
  const sentence = assessSentence(watch, holds, run, context)
  const isSampled = reading.tracks.length === 1 && needsSamples(reading.tracks[0]!, reading.sumsFor(0))
  const shown: Assessment = {
    met: sentence.met,
    holds,
    value: numbers === null ? null : numberOrNull(numbers.value),
    limit: numberOrNull(numbers === null ? literalLimit(watch) : limitFor(watch.term, numbers)),
    samples: isSampled && numbers !== null ? numbers.samples : null,
    samplesNeeded: isSampled ? reading.tracks[0]!.metric.minSamples : null,
    trueSince: run === null ? null : run.since,
    metAt: sentence.metAt,
    times: watch.span?.kind === 'times' ? watch.times : null,
    missingSince,
    verdict: null,
  }
  if (!watch.comparesWithBaseline) return shown
  return watch.place === 'criterion'
    ? underPolicy(shown, numbers, context)
    : { ...shown, verdict: ruleVerdict(shown, numbers) }
}

const noLooks: ReturnType<typeof openLooks> = []

function closedAnswer(watch: TermWatch, reading: Reading): Answer {
  return watch.isEager ? watch.newest : judge(watch.term, reading)
}

/** What the whole sentence says, duration included. */
interface SentenceAnswer {
  readonly met: Answer
  readonly metAt: number | null
}

const plainAnswers: Readonly<Record<Answer, SentenceAnswer>> = {
  yes: { met: 'yes', metAt: null },
  no: { met: 'no', metAt: null },
  unknown: { met: 'unknown', metAt: null },
}

function assessSentence(
  watch: TermWatch,
  holds: Answer,
  run: TrueRunNow | null,
  context: AssessmentContext,
): SentenceAnswer {
  const { span } = watch
  if (span?.kind === 'for') return sustained(span.ms, holds, run, context.reading)
  if (span?.kind === 'times') return counted(watch, span.times, holds, context)
  return plainAnswers[holds]
}

function sustained(ms: number, holds: Answer, run: TrueRunNow | null, reading: Reading): SentenceAnswer {
  if (run === null) return holds === 'unknown' ? plainAnswers.unknown : plainAnswers.no
  if (run.end - run.since >= ms) return plainAnswers.yes
  return { met: 'no', metAt: run.isOpen ? run.since + ms : bucketEndFrom(run.since + ms, reading) }
}

function counted(watch: TermWatch, times: number, holds: Answer, { reading, end }: AssessmentContext): SentenceAnswer {
  if (watch.times >= times) return plainAnswers.yes
  const lengthMs = bucketMs(reading)
  if (holds !== 'yes' || lengthMs === 0) return plainAnswers.no
  return { met: 'no', metAt: end + lengthMs * (times - watch.times) }
}

/** The end of the first bucket at or after `moment`, when buckets go on coming as they do; null when none is regular. */
export function bucketEndFrom(moment: number, reading: Reading): number | null {
  const ends = regularTracks(reading).map(({ newestEnd, newestLengthMs }) => {
    return newestEnd + newestLengthMs * Math.max(0, Math.ceil((moment - newestEnd) / newestLengthMs))
  })
  return ends.length === 0 ? null : Math.min(...ends)
}

/** Distance of the answers: with several tracks, that of the fastest. */
function bucketMs(reading: Reading): number {
  const lengths = regularTracks(reading).map(track => track.newestLengthMs)
  return lengths.length === 0 ? 0 : Math.min(...lengths)
}

/** Tracks whose next bucket may still come in time; one that lags behind the others has stopped. */
function regularTracks({ tracks }: Reading): readonly TrackSamples[] {
  const newest = Math.max(...tracks.map(track => track.newestEnd))
  return tracks.filter(track => track.newestLengthMs > 0 && track.newestEnd + track.newestLengthMs > newest)
}

function runNow(
  watch: TermWatch,
  open: ReturnType<typeof openLooks>,
  { now, end }: AssessmentContext,
): TrueRunNow | null {
  let run: TrueRunNow | null = null
  const isAlive = end - watch.trueEnd < watch.gapMs
  if (isAlive) run = { since: watch.trueStart, end: watch.trueEnd, isOpen: false }
  for (const look of open) {
    if (look.answer !== 'yes') continue
    const reached = Math.min(now, look.end)
    const continues: boolean = run !== null && look.start - run.end < watch.gapMs
    run = { since: continues ? run!.since : look.start, end: Math.max(reached, look.start), isOpen: true }
  }
  return run
}

function ruleVerdict(shown: Assessment, numbers: Numbers | null): Verdict {
  if (numbers === null || Number.isNaN(numbers.value) || Number.isNaN(numbers.baseline) || shown.limit === null)
    return 'no data'
  return shown.holds === 'yes' ? 'harmful' : 'undecided'
}

/**
 * A comparison with the baseline promotes only as far as the plan's evidence policy lets it.
 *
 * `not harmful with n samples after d`: too few samples or too early is unknown, worse than the margin is no, all else
 * goes on although nothing was shown: the verdict stays undecided. Under `shown safe` a point estimate never goes on.
 */
function underPolicy(shown: Assessment, numbers: Numbers | null, context: AssessmentContext): Assessment {
  const { policy } = context
  const asked = policy.kind === 'notHarmful' ? policy.samples : 0
  const samplesNeeded = shown.samples === null && asked === 0 ? null : Math.max(asked, shown.samplesNeeded ?? 0)
  const base = { ...shown, samplesNeeded, met: 'unknown' as const, metAt: null }
  const hasBoth = numbers !== null && !Number.isNaN(numbers.value) && !Number.isNaN(numbers.baseline)
  if (!hasBoth || shown.limit === null) return { ...base, verdict: 'no data' }
  const samples = shown.samples ?? samplesOf(context.reading)
  if (samples < asked || shown.holds === 'unknown') return { ...base, verdict: 'undecided' }
  if (policy.kind === 'shownSafe') return { ...base, met: shown.met === 'no' ? 'no' : 'unknown', verdict: 'undecided' }
  if (shown.holds === 'no') return { ...base, met: 'no', verdict: 'harmful' }
  const allowedAt = (context.exposedAt ?? Number.POSITIVE_INFINITY) + policy.afterMs
  if (context.end < allowedAt)
    return { ...base, metAt: bucketEndFrom(allowedAt, context.reading), verdict: 'undecided' }
  return { ...base, met: shown.met, metAt: shown.metAt, verdict: 'undecided' }
}

/** For counts and last values a sample is a bucket. */
function samplesOf(reading: Reading): number {
  return Math.min(...reading.tracks.map((_, index) => reading.sumsFor(index).buckets))
}

function literalLimit({ term }: TermWatch): number {
  return term.kind === 'metric' && term.limit.kind === 'amount' ? term.limit.value : Number.NaN
}

function numberOrNull(value: number): number | null {
  return Number.isNaN(value) ? null : value
}
