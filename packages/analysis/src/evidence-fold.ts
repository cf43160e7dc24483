import type { Metric } from '@dankai/plan'
import type { Assessment } from './assessment.ts'
import type { EvidenceCheckpoint, EvidencePlan, EvidenceReader } from './evidence.ts'
import { MetricInput, type MetricInputJson } from './metric-input.ts'
import { nextLookOf } from './next-look.ts'
import { NoDataWatch } from './no-data-watch.ts'
import type { Observation } from './observation.ts'
import { collectTerms, type PlacedTerm } from './plan-terms.ts'
import { SampleSequence, type SampleSequenceJson, sequenceTrack } from './sample-sequence.ts'
import { Part } from './sums.ts'
import { type AssessmentContext, assessTerm, unknownAssessment } from './term-assessment.ts'
import { type Comparison, isComparison, isNoData, TermWatch } from './term-watch.ts'
import { windowOf } from './term-window.ts'

/**
 * All evidence of one release: what its metrics said, folded into what every condition of its plan needs to know.
 *
 * 1. It is a function of the calls made to it, in order: no clock, no randomness. `checkpoint()` taken anywhere, and the
 *    later calls repeated on the restored fold, give the same answers to the bit.
 * 2. An observation of n buckets is n observations of one.
 * 3. Absent is never zero and never a pass: without data a term is unknown, and a gap ends every run of true samples.
 * 4. Closed buckets are kept; open ones are only looked at, and only rules and checks look at them.
 * 5. Rules are watched in every phase. Criteria are, from the moment their phase's exposure was reached.
 */
export class EvidenceFold implements EvidenceReader {
  readonly #plan: EvidencePlan
  readonly #inputs: ReadonlyMap<string, MetricInput>
  readonly #sequences: readonly SampleSequence[]
  readonly #sequenceOf = new Map<TermWatch, SampleSequence>()
  readonly #watches = new Map<string, TermWatch>()
  readonly #noData = new Map<string, NoDataWatch>()
  readonly #part = new Part()
  #now = Number.NEGATIVE_INFINITY
  #phase: number | null = null
  #phaseAt: number | null = null
  /** When the current phase's exposure was reached. */
  #exposedAt: number | null = null
  /** Since when anybody is exposed without interruption; the canary is expected to have data from then on. */
  #exposedSince: number | null = null

  private constructor(plan: EvidencePlan) {
    this.#plan = plan
    const metrics = Object.values(plan.metrics).filter(metric => metric.measure.kind !== 'highest')
    this.#inputs = new Map(metrics.map(metric => [metric.name, new MetricInput(metric)]))
    const terms = collectTerms(plan).filter(({ term }) => plan.metrics[term.metric] !== undefined)
    for (const placed of terms.filter(isNoData)) this.#addNoData(placed)
    this.#sequences = this.#buildSequences(terms.filter(isComparison))
  }

  /** Begins the evidence of a release. Rules of the whole release are watched from here on. */
  static start(plan: EvidencePlan): EvidenceFold {
    const fold = new EvidenceFold(plan)
    for (const watch of fold.#watches.values())
      if (watch.place !== 'criterion' && watch.phase === null) watch.activate(-Infinity)
    for (const watch of fold.#noData.values()) if (watch.phase === null) watch.isActive = true
    for (const sequence of fold.#sequences) sequence.beginTotal('release', -Infinity)
    fold.#activated(null)
    return fold
  }

  /**
   * Goes on from a checkpoint. When the plan was amended since, metrics whose definition changed and conditions whose
   * sentence changed begin again; the others go on.
   */
  static restore(plan: EvidencePlan, checkpoint: EvidenceCheckpoint): EvidenceFold {
    const fold = EvidenceFold.start(plan)
    fold.#restore(checkpoint as EvidenceFoldJson)
    return fold
  }

  /** Takes what was measured. Observations of one metric and track come in event order. */
  observe(observation: Observation): void {
    const input = this.#inputs.get(observation.metric)
    if (input === undefined || observation.buckets <= 0 || !this.#part.read(observation.measure)) return
    const { track } = observation
    const isPrimary = input.offerPrimary(track)
    if (!isPrimary && track !== input.baselineTrack) return
    if (isPrimary && observation.start >= input.tracks[track].closedEnd) this.#noteReturn(input, observation.start)
    if (observation.open) input.keepOpen(observation)
    else input.close(observation, this.#part)
  }

  /** Moves event time on, so that silence shows. Deliver what was measured before `now` first. */
  advance(now: number): void {
    if (!(now > this.#now)) return
    this.#now = now
    for (const sequence of this.#sequences) {
      sequence.markSilent(now)
      if (sequence.comesByItself) sequence.slideTo(now)
    }
    for (const input of this.#inputs.values()) this.#noticeSilence(input)
  }

  /** A phase begins: its own rules start anew, its criteria wait for exposure. Rules of the release go on. */
  beginPhase(index: number, at: number): void {
    this.#phase = index
    this.#phaseAt = at
    this.#exposedAt = null
    for (const watch of this.#watches.values()) enterPhase(watch, index, at)
    for (const watch of this.#noData.values()) watch.enterPhase(index, at)
    for (const sequence of this.#sequences) {
      sequence.beginTotal('phase', at)
      sequence.beginTotal('exposure', Number.NaN)
    }
    this.#activated(at)
  }

  /** The phase's exposure is confirmed: its criteria count the buckets that begin from here on. */
  reachExposure(at: number): void {
    this.#exposedAt = at
    this.#exposedSince ??= at
    for (const input of this.#inputs.values()) input.setLowered(false)
    for (const watch of this.#watches.values()) {
      if (watch.place === 'criterion' && watch.phase === this.#phase) watch.activate(at)
    }
    for (const watch of this.#noData.values()) if (watch.isCriterionOf(this.#phase)) watch.activate(at)
    for (const sequence of this.#sequences) sequence.beginTotal('exposure', at)
    this.#activated(at)
  }

  /** Exposure was taken back: nothing measured from here on counts for the phase, and the canary may be silent. */
  lowerExposure(at: number): void {
    this.#exposedAt = null
    this.#exposedSince = null
    for (const watch of this.#watches.values()) if (watch.place === 'criterion') watch.deactivate()
    for (const watch of this.#noData.values()) if (watch.place === 'criterion') watch.isActive = false
    for (const sequence of this.#sequences) sequence.beginTotal('exposure', Number.NaN)
    for (const input of this.#inputs.values()) input.setLowered(true)
    this.#activated(at)
  }

  assess(termId: string): Assessment {
    const noData = this.#noData.get(termId)
    if (noData !== undefined) return noData.assess(this.#silences(noData.term.metric), this.#now)
    const watch = this.#watches.get(termId)
    if (watch === undefined)
      throw new RangeError(
        `Cannot assess term "${termId}": found no such metric term in the plan, expected one of its ids`,
      )
    if (!watch.isActive) return unknownAssessment
    return assessTerm(watch, this.#contextOf(watch))
  }

  missing(): readonly { readonly metric: string; readonly since: number }[] {
    const missing: { metric: string; since: number }[] = []
    for (const input of this.#inputs.values()) {
      if (input.missingSince !== null) missing.push({ metric: input.metric.name, since: input.missingSince })
    }
    return missing
  }

  restoredAt(metric: string): number | null {
    const times = this.#membersOf(metric).flatMap(input => input.restoredAt ?? [])
    return times.length === 0 ? null : Math.max(...times)
  }

  /**
   * When this metric will count as missing if nothing more arrives; null when it never will, or already does.
   *
   * `nextLook` assumes that data goes on. Whoever knows that a source has fallen silent looks at this moment too.
   */
  missingAt(metric: string): number | null {
    const times = this.#membersOf(metric).flatMap(input => {
      const since = input.missingSince === null ? this.#expectedSince(input) : null
      return since === null || input.gapMs === Infinity ? [] : since + input.gapMs
    })
    return times.length === 0 ? null : Math.min(...times)
  }

  nextLook(): number | null {
    return nextLookOf({
      now: this.#now,
      policy: this.#plan.evidence,
      exposedAt: this.#exposedAt,
      sequences: this.#sequences,
      noData: [...this.#noData.values()].map(watch => ({ watch, silences: this.#silences(watch.term.metric) })),
      overdue: [...this.#inputs.values()].flatMap(input => this.#overdueAt(input) ?? []),
    })
  }

  /** Buckets that came after later ones of their track had been closed, by metric. */
  lateBuckets(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#inputs].map(([name, input]) => [name, input.lateBuckets]))
  }

  checkpoint(): EvidenceCheckpoint {
    const json: EvidenceFoldJson = {
      format: 1,
      now: String(this.#now),
      phase: this.#phase,
      phaseAt: this.#phaseAt,
      exposedAt: this.#exposedAt,
      exposedSince: this.#exposedSince,
      inputs: Object.fromEntries([...this.#inputs].map(([name, input]) => [name, input.toJSON()])),
      sequences: Object.fromEntries(this.#sequences.map(sequence => [sequence.name, sequence.toJSON()])),
      noData: [...this.#noData.values()].map(watch => watch.toJSON()),
    }
    return json
  }

  #restore(json: EvidenceFoldJson): void {
    this.#now = Number(json.now)
    this.#phase = json.phase
    this.#phaseAt = json.phaseAt
    this.#exposedAt = json.exposedAt
    this.#exposedSince = json.exposedSince
    this.#activateFor(json)
    const unchanged = new Set<string>()
    for (const [name, input] of this.#inputs) {
      const saved = json.inputs[name]
      if (saved === undefined || saved.question !== JSON.stringify(input.metric)) continue
      input.restore(saved)
      unchanged.add(name)
    }
    for (const sequence of this.#sequences) {
      const saved = json.sequences[sequence.name]
      const isUnchanged = sequence.tracks.every(track => unchanged.has(track.samples.metric.name))
      if (saved !== undefined && isUnchanged) sequence.restore(saved)
    }
    for (const saved of json.noData) this.#noData.get(saved.id)?.restore(saved)
    this.#activated(null)
  }

  /** Brings terms and totals that the checkpoint does not know to where the release stands. */
  #activateFor({ phase, phaseAt, exposedAt, exposedSince }: EvidenceFoldJson): void {
    if (phase !== null && phaseAt !== null) this.beginPhase(phase, phaseAt)
    if (exposedAt !== null) this.reachExposure(exposedAt)
    this.#exposedSince = exposedSince
  }

  #contextOf(watch: TermWatch): AssessmentContext {
    const sequence = this.#sequenceOf.get(watch)!
    return {
      now: this.#now,
      policy: this.#plan.evidence,
      exposedAt: this.#exposedAt,
      missingSince: missingSinceOf(this.#membersOf(watch.term.metric)),
      reading: sequence.refresh(sequence.readingOf.get(watch)!),
      end: sequence.end,
    }
  }

  /** The first bucket after a gap ends it. */
  #noteReturn(input: MetricInput, start: number): void {
    const since = input.missingSince ?? this.#expectedSince(input)
    if (since === null) return
    if (input.missingSince === null && start - since < input.gapMs) return
    input.missingSince = null
    input.restoredAt = start
  }

  #noticeSilence(input: MetricInput): void {
    if (input.missingSince !== null || input.gapMs === Infinity) return
    const since = this.#expectedSince(input)
    if (since === null || this.#now - since < input.gapMs) return
    input.missingSince = since
    for (const sequence of this.#sequences) {
      const values = sequence.tracks
        .filter(track => track.samples.role === 'value')
        .map(track => track.samples.metric.name)
      const isMissing =
        values.includes(input.metric.name) && missingSinceOf(values.map(name => this.#inputs.get(name)!)) !== null
      if (isMissing) for (const watch of sequence.watches) watch.endRun()
    }
  }

  /** Since when data of this metric is awaited: its newest bucket, or the beginning of watching it; null while it is not. */
  #expectedSince(input: MetricInput): number | null {
    if (input.watchedFrom === null) return null
    const end = input.newestEnd(this.#now)
    if (end !== null && input.primary !== 'canary') return end
    if (this.#exposedSince === null) return null
    return Math.max(this.#exposedSince, end ?? input.watchedFrom)
  }

  /** When a metric whose next bucket is overdue will count as missing. */
  #overdueAt(input: MetricInput): number | null {
    if (input.missingSince !== null || input.gapMs === Infinity) return null
    const since = this.#expectedSince(input)
    return since !== null && this.#now - since >= input.metric.everyMs! ? since + input.gapMs : null
  }

  #silences(metric: string): readonly { readonly since: number | null; readonly gapMs: number }[] {
    return this.#membersOf(metric).map(input => ({
      since: input.missingSince ?? this.#expectedSince(input),
      gapMs: input.gapMs,
    }))
  }

  /** Which metrics somebody waits for changes with the phase. */
  #activated(at: number | null): void {
    for (const sequence of this.#sequences) sequence.activated()
    const watched = new Set<string>()
    for (const watch of [...this.#watches.values(), ...this.#noData.values()]) {
      if (watch.isActive && watch.place !== 'check') watched.add(watch.term.metric)
    }
    const inputs = new Set([...watched].flatMap(metric => this.#membersOf(metric)))
    for (const input of this.#inputs.values()) {
      if (!inputs.has(input)) {
        input.watchedFrom = null
        input.missingSince = null
      } else input.watchedFrom ??= at ?? Number.NEGATIVE_INFINITY
    }
  }

  /** The metrics behind a name: itself, or the members of a `highest`. */
  #membersOf(name: string): readonly MetricInput[] {
    return memberNames(this.#plan.metrics, name).map(member => this.#inputs.get(member)!)
  }

  #addNoData(placed: Parameters<typeof NoDataWatch.from>[0]): void {
    if (!this.#noData.has(placed.term.id)) this.#noData.set(placed.term.id, NoDataWatch.from(placed))
  }

  #buildSequences(terms: readonly (PlacedTerm & { readonly term: Comparison })[]): readonly SampleSequence[] {
    const groups = new Map<string, TermWatch[]>()
    for (const placed of terms) {
      if (this.#watches.has(placed.term.id)) continue
      const watch = this.#createWatch(placed)
      this.#watches.set(watch.id, watch)
      const name = `${watch.term.metric}${watch.comparesWithBaseline ? ' and baseline' : ''}`
      groups.set(name, [...(groups.get(name) ?? []), watch])
    }
    return [...groups].map(([name, watches]) => this.#buildSequence(name, watches))
  }

  #createWatch(placed: PlacedTerm & { readonly term: Comparison }): TermWatch {
    const metric = this.#plan.metrics[placed.term.metric]!
    const gapMs = Math.max(...this.#membersOf(metric.name).map(input => input.gapMs))
    return new TermWatch(placed, windowOf(placed, metric), gapMs)
  }

  #buildSequence(name: string, watches: readonly TermWatch[]): SampleSequence {
    const windows = watches.map(watch => watch.window)
    const wantsPrevious = watches.some(watch => watch.comparesWithPrevious)
    const comparesWithBaseline = watches.some(watch => watch.comparesWithBaseline)
    const inputs = this.#membersOf(watches[0]!.term.metric)
    const values = inputs.map(input => sequenceTrack('value', input.metric, windows, wantsPrevious))
    const baselines = comparesWithBaseline
      ? inputs.map(input => sequenceTrack('baseline', input.metric, windows, false))
      : []
    const members = inputs.map(input => input.metric.name).join(', ')
    const sequence = new SampleSequence(`${name}: ${members}`, [...values, ...baselines], watches)
    for (const [index, input] of inputs.entries()) {
      const reader = { sequence, track: values[index]! }
      input.valueReaders.push(reader)
      if (comparesWithBaseline) input.baselineReaders.push({ sequence, track: baselines[index]! })
      else input.absoluteReaders.push(reader)
    }
    for (const watch of watches) this.#sequenceOf.set(watch, sequence)
    return sequence
  }
}

interface EvidenceFoldJson {
  readonly format: 1
  readonly now: string
  readonly phase: number | null
  readonly phaseAt: number | null
  readonly exposedAt: number | null
  readonly exposedSince: number | null
  readonly inputs: Readonly<Record<string, MetricInputJson>>
  readonly sequences: Readonly<Record<string, SampleSequenceJson>>
  readonly noData: readonly ReturnType<NoDataWatch['toJSON']>[]
}

function enterPhase(watch: TermWatch, index: number, at: number): void {
  if (watch.place === 'criterion') watch.deactivate()
  else if (watch.phase === index) watch.activate(at)
  else if (watch.phase !== null) watch.deactivate()
}

/** Since when none of these has data although some had; null while one of them has. */
function missingSinceOf(members: readonly MetricInput[]): number | null {
  if (members.some(input => input.missingSince === null && input.primary !== null)) return null
  const times = members.flatMap(input => input.missingSince ?? [])
  return times.length === 0 ? null : Math.max(...times)
}

function memberNames(
  metrics: Readonly<Record<string, Metric>>,
  name: string,
  seen: ReadonlySet<string> = new Set(),
): readonly string[] {
  const measure = metrics[name]?.measure
  if (measure === undefined || seen.has(name)) return []
  if (measure.kind !== 'highest') return [name]
  return [...new Set(measure.of.flatMap(member => memberNames(metrics, member, new Set([...seen, name]))))]
}
