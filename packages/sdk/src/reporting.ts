/**
 * What a client tells of the service it lives in: samples, what users did and were given, and how often flags were asked.
 *
 *  1. Everything is added up where it happens and sent in batches; nothing waits for the network.
 *  2. Evaluations are samples of the series `flag_evaluations`, handed over once a minute and before every flush.
 *  3. What options switch off is not gathered at all.
 */
import type { Evaluation, EvaluationContext, FlagDefinition } from '@dankai/flags'
import { BatchReports, type ReportFigures } from './batch-reports.ts'
import type { Clock } from './clock.ts'
import { EvaluationCounts } from './evaluation-counts.ts'
import type { PostJson } from './request.ts'
import { type Labels, type Sample, SampleBuffer } from './sample-buffer.ts'
import { type UserEvent, UserEvents, userEventsBody } from './user-events.ts'

/** Two minutes of one batch a second: older samples come too late to decide anything. */
const sampleBatchesMax = 120
/** An experiment is read by the hour; a few seconds let the users of a busy service be one request. */
const userEventsEveryMs = 6_000
/** An hour of them. */
const userEventBatchesMax = 600
const evaluationsEveryMs = 60_000
/** A quarter of what the sample buffer takes between two reports. */
const evaluationsAtOnceMax = 500

export interface ReportingOptions {
  readonly sdk: string
  readonly service: string
  readonly bucketMs: number
  readonly flushEveryMs: number
  readonly reportsUsers: boolean
  readonly reportsEvaluations: boolean
  readonly post: PostJson
  readonly clock: Clock
  readonly random: () => number
  readonly report: (error: Error) => void
}

export class Reporting {
  readonly #options: ReportingOptions
  readonly #buffer: SampleBuffer
  readonly #samples: BatchReports<Sample>
  readonly #noted = new UserEvents()
  readonly #userEvents: BatchReports<UserEvent>
  readonly #evaluations = new EvaluationCounts()
  #cancelEvaluations: () => void = () => {}

  constructor(options: ReportingOptions) {
    const { sdk, service, bucketMs, flushEveryMs, post, clock, random, report } = options
    const shared = { sdk, post, clock, random, report }
    this.#options = options
    this.#buffer = new SampleBuffer({ service, bucketMs })
    this.#samples = new BatchReports({
      ...shared,
      what: 'samples',
      path: '/v1/samples',
      take: () => this.#buffer.take(),
      droppedBefore: () => this.#buffer.dropped,
      bodyOf: samples => ({ samples }),
      nameOf: sample => `sample "${sample?.series}"`,
      newestFirst: true,
      batchesMax: sampleBatchesMax,
      flushEveryMs,
    })
    this.#userEvents = new BatchReports({
      ...shared,
      what: 'events of users',
      path: '/v1/exposures',
      take: () => this.#noted.take(),
      droppedBefore: () => this.#noted.dropped,
      bodyOf: userEventsBody,
      nameOf: () => 'an event of a user',
      // The server tells a repetition by its number being no higher than the last.
      newestFirst: false,
      batchesMax: userEventBatchesMax,
      flushEveryMs: userEventsEveryMs,
    })
    this.#takeEvaluationsLater()
  }

  sample(kind: 'count' | 'amount' | 'level', series: string, labels: Labels, value: number): void {
    this.#buffer.add(kind, series, labels, value, this.#options.clock.now())
  }

  /** A user did something by which variants are compared. */
  track(event: string, context: EvaluationContext, value: number): void {
    if (this.#options.reportsUsers) this.#noted.note(event, targetingKeyOf(context), value, this.#options.clock.now())
  }

  /** Counted, and told of the user when it is part of an experiment. */
  evaluation({ key, kind }: FlagDefinition, answer: Evaluation, context: EvaluationContext): void {
    const { variant, inExperiment, bucket } = answer
    if (variant === null) return
    const { reportsEvaluations, reportsUsers, clock } = this.#options
    if (reportsEvaluations) this.#evaluations.count(key, variant)
    const isPartOfExperiment = inExperiment || (bucket !== null && kind === 'experiment')
    if (isPartOfExperiment && reportsUsers) this.#noted.expose(key, variant, targetingKeyOf(context), clock.now())
  }

  samples(): ReportFigures {
    return this.#samples.figures()
  }

  userEvents(): ReportFigures {
    return this.#userEvents.figures()
  }

  /** True when the server has everything. */
  async flush(): Promise<boolean> {
    this.#takeEvaluations()
    const sent = await Promise.all([this.#samples.flush(), this.#userEvents.flush()])
    return sent.every(isSent => isSent)
  }

  async close(): Promise<void> {
    this.#cancelEvaluations()
    this.#takeEvaluations()
    await Promise.all([this.#samples.close(), this.#userEvents.close()])
  }

  #takeEvaluationsLater(): void {
    if (!this.#options.reportsEvaluations) return
    this.#cancelEvaluations = this.#options.clock.after(evaluationsEveryMs, () => {
      this.#takeEvaluations()
      this.#takeEvaluationsLater()
    })
  }

  #takeEvaluations(): void {
    for (const { flag, variant, count } of this.#evaluations.take(evaluationsAtOnceMax))
      this.sample('count', 'flag_evaluations', { flag, variant }, count)
  }
}

/** Reading a context can run the caller's code (getters, proxies); one that throws has no key. */
function targetingKeyOf(context: EvaluationContext): unknown {
  try {
    return context.targetingKey
  } catch {
    return undefined
  }
}
