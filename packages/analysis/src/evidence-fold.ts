import type { Assessment } from './assessment.ts'
import type { EvidenceCheckpoint, EvidencePlan, EvidenceReader } from './evidence.ts'
import type { EvidenceParts, WatchedComparison, WatchedSilence } from './evidence-parts.ts'
import { HeldParts } from './held-parts.ts'
import type { MetricInput, MetricInputJson } from './metric-input.ts'
import { nextLookOf } from './next-look.ts'
import type { NoDataWatchJson, Silence } from './no-data-watch.ts'
import { endOf, type Observation } from './observation.ts'
import type { SampleSequenceJson } from './sample-sequence.ts'
import { Part } from './sums.ts'
import { assessTerm, unknownAssessment } from './term-assessment.ts'
import type { TermWatch } from './term-watch.ts'

/** What is being observed. */
const observed = new Part()

/**
 * All evidence of one release: what its metrics said, folded into what every condition of its plan needs to know.
 *
 * 1. It is a function of the calls made to it, in order: no clock, no randomness. `checkpoint()` taken anywhere, and the
 *    later calls repeated on the restored fold, give the same answers to the bit.
 * 2. An observation of n buckets is n observations of one.
 * 3. Absent is never zero and never a pass: without data a term is unknown, and a gap ends every run of true samples.
 * 4. Closed buckets are kept; open ones are only looked at, and only rules and checks look at them.
 * 5. Rules are watched in every phase. Criteria are, from the moment their phase's exposure was reached.
 * 6. What the canary track said before this release exposed anybody was said of another release, and counts nowhere.
 * 7. Thousands of them are as many columns of numbers: see `HeldParts`.
 */
export class EvidenceFold implements EvidenceReader {
  readonly #plan: EvidencePlan
  readonly #held: HeldParts
  #now = Number.NEGATIVE_INFINITY
  #phase: number | null = null
  #phaseAt: number | null = null
  /** When the current phase's exposure was reached. */
  #exposedAt: number | null = null
  /** When the first phase began that exposes anybody; the canary track is this release's from then on. */
  #canaryFrom: number | null = null
  /** Since when anybody is exposed without interruption; the canary is expected to have data from then on. */
  #exposedSince: number | null = null
  #isLowered = false

  private constructor(plan: EvidencePlan) {
    this.#plan = plan
    this.#held = new HeldParts(plan)
  }

  get #parts(): EvidenceParts {
    return this.#held.parts
  }

  /** Begins the evidence of a release. Rules of the whole release are watched from here on. */
  static start(plan: EvidencePlan): EvidenceFold {
    const fold = new EvidenceFold(plan)
    const { comparisons, silences, sequences } = fold.#parts
    for (const { watch } of comparisons.values()) if (watch.phase === null) watch.activate(Number.NEGATIVE_INFINITY)
    for (const { watch } of silences.values()) if (watch.phase === null) watch.activate(Number.NEGATIVE_INFINITY)
    for (const sequence of sequences) sequence.beginTotal('release', Number.NEGATIVE_INFINITY)
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
    const input = this.#parts.inputs.get(observation.metric)
    if (input === undefined || observation.buckets <= 0 || !observed.read(observation.measure)) return
    const { track } = observation
    if (track === 'canary' && (this.#canaryFrom === null || endOf(observation) <= this.#canaryFrom)) return
    if (track === 'stable') input.noteStable()
    const isPrimary = input.offerPrimary(track)
    if (!isPrimary && track !== input.baselineTrack) return
    if (isPrimary && observation.start >= input.tracks[track].closedEnd) this.#noteReturn(input, observation.start)
    if (observation.open) input.keepOpen(observation)
    else input.close(observation, observed)
  }

  /** Moves event time on, so that silence shows. Deliver what was measured before `now` first. */
  advance(now: number): void {
    if (!(now > this.#now)) return
    this.#now = now
    for (const sequence of this.#parts.sequences) {
      sequence.markSilent(now)
      if (sequence.comesByItself) sequence.slideTo(now)
    }
    for (const input of this.#parts.inputs.values()) this.#noticeSilence(input)
  }

  /** A phase begins: its own rules start anew, its criteria wait for exposure. Rules of the release go on. */
  beginPhase(index: number, at: number): void {
    this.#phase = index
    this.#phaseAt = at
    this.#exposedAt = null
    this.#isLowered = false
    if (this.#exposesAnybody()) this.#canaryFrom ??= at
    for (const { watch } of this.#parts.comparisons.values()) enterPhase(watch, index, at)
    for (const { watch } of this.#parts.silences.values()) watch.enterPhase(index, at)
    for (const sequence of this.#parts.sequences) {
      sequence.beginTotal('phase', at)
      sequence.beginTotal('exposure', Number.NaN)
    }
    this.#activated(at)
  }

  /**
   * The phase's exposure is confirmed: its criteria count the buckets that begin from here on. In a phase that exposes
   * nobody the canary is not expected to have data. Once exposure was taken back, reaching nobody is no exposure.
   */
  reachExposure(at: number): void {
    if (this.#isLowered) return
    this.#exposedAt = at
    if (this.#exposesAnybody()) {
      this.#exposedSince ??= at
      for (const input of this.#parts.inputs.values()) input.setExposure('exposed')
    }
    for (const { watch } of this.#parts.comparisons.values()) {
      if (watch.place === 'criterion' && watch.phase === this.#phase) watch.activate(at)
    }
    for (const { watch } of this.#parts.silences.values()) if (watch.isCriterionOf(this.#phase)) watch.activate(at)
    for (const sequence of this.#parts.sequences) sequence.beginTotal('exposure', at)
    this.#activated(at)
  }

  /**
   * Exposure was taken back: nothing measured from here on counts for the phase, and the canary may be silent. That lasts
   * until a phase begins.
   */
  lowerExposure(at: number): void {
    this.#isLowered = true
    this.#exposedAt = null
    this.#exposedSince = null
    for (const { watch } of this.#parts.comparisons.values()) if (watch.place === 'criterion') watch.deactivate()
    for (const { watch } of this.#parts.silences.values()) if (watch.place === 'criterion') watch.isActive = false
    for (const sequence of this.#parts.sequences) sequence.beginTotal('exposure', Number.NaN)
    for (const input of this.#parts.inputs.values()) input.setExposure('lowered')
    this.#activated(at)
  }

  assess(termId: string): Assessment {
    const comparison = this.#parts.comparisons.get(termId)
    if (comparison !== undefined) return this.#assessComparison(comparison)
    const silence = this.#parts.silences.get(termId)
    if (silence !== undefined) return silence.watch.assess(this.#silencesOf(silence), this.#now)
    throw new RangeError(
      `Cannot assess term "${termId}": found no such metric term in the plan, expected one of its ids`,
    )
  }

  missing(): readonly { readonly metric: string; readonly since: number }[] {
    const missing: { metric: string; since: number }[] = []
    for (const input of this.#parts.inputs.values()) {
      if (input.missingSince !== null) missing.push({ metric: input.metric.name, since: input.missingSince })
    }
    return missing
  }

  restoredAt(metric: string): number | null {
    const times = this.#parts.membersOf(metric).flatMap(input => input.restoredAt ?? [])
    return times.length === 0 ? null : Math.max(...times)
  }

  /**
   * When this metric will count as missing if nothing more arrives; null when it never will, or already does.
   *
   * `nextLook` assumes that data goes on. Whoever knows that a source has fallen silent looks at this moment too.
   */
  missingAt(metric: string): number | null {
    const times = this.#parts.membersOf(metric).flatMap(input => {
      const since = input.missingSince === null ? this.#expectedSince(input) : null
      return since === null || input.gapMs === Infinity ? [] : since + input.gapMs
    })
    return times.length === 0 ? null : Math.min(...times)
  }

  nextLook(): number | null {
    const silences = [...this.#parts.silences.values()]
    return nextLookOf({
      now: this.#now,
      policy: this.#plan.evidence,
      exposedAt: this.#exposedAt,
      sequences: this.#parts.sequences,
      noData: silences.map(silence => ({ watch: silence.watch, silences: this.#silencesOf(silence) })),
      overdue: this.#overdue(),
    })
  }

  /** Buckets that came after later ones of their track had been closed, by metric. */
  lateBuckets(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#parts.inputs].map(([name, input]) => [name, input.lateBuckets]))
  }

  checkpoint(): EvidenceCheckpoint {
    const json: EvidenceFoldJson = {
      format: 1,
      now: String(this.#now),
      phase: this.#phase,
      phaseAt: this.#phaseAt,
      exposedAt: this.#exposedAt,
      exposedSince: this.#exposedSince,
      canaryFrom: this.#canaryFrom,
      isLowered: this.#isLowered,
      inputs: Object.fromEntries([...this.#parts.inputs].map(([name, input]) => [name, input.toJSON()])),
      sequences: Object.fromEntries(this.#parts.sequences.map(sequence => [sequence.name, sequence.toJSON()])),
      noData: [...this.#parts.silences.values()].map(({ watch }) => watch.toJSON()),
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
    this.#canaryFrom = canaryFromOf(json)
    const unchanged = new Set<string>()
    for (const [name, input] of this.#parts.inputs) {
      const saved = json.inputs[name]
      if (saved === undefined || saved.question !== JSON.stringify(input.metric)) continue
      input.restore(saved)
      unchanged.add(name)
    }
    for (const sequence of this.#parts.sequences) {
      const saved = json.sequences[sequence.name]
      const isUnchanged = sequence.tracks.every(track => unchanged.has(track.samples.metric.name))
      if (saved !== undefined && isUnchanged) sequence.restore(saved)
    }
    for (const saved of json.noData) this.#parts.silences.get(saved.id)?.watch.restore(saved)
    this.#activated(null)
  }

  /** Brings terms and totals that the checkpoint does not know to where the release stands. */
  #activateFor({ phase, phaseAt, exposedAt, exposedSince, isLowered }: EvidenceFoldJson): void {
    if (phase !== null && phaseAt !== null) this.beginPhase(phase, phaseAt)
    if (exposedAt !== null) this.reachExposure(exposedAt)
    if (isLowered) this.lowerExposure(this.#now)
    this.#exposedSince = exposedSince
  }

  #assessComparison({ watch, sequence, reading, inputs }: WatchedComparison): Assessment {
    if (!watch.isActive) return unknownAssessment
    return assessTerm(watch, {
      now: this.#now,
      policy: this.#plan.evidence,
      exposedAt: this.#exposedAt,
      missingSince: missingSinceOf(inputs),
      reading: sequence.refresh(reading),
      end: sequence.end,
    })
  }

  #exposesAnybody(): boolean {
    const exposure = this.#plan.phases.find(phase => phase.index === this.#phase)?.exposure
    if (exposure === undefined) return true
    return exposure.shadow || exposure.share > 0 || exposure.cohorts.some(cohort => cohort.share > 0)
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
    for (const { watch, sequence, inputs } of this.#parts.comparisons.values()) {
      if (!inputs.includes(input) || missingSinceOf(inputs) === null) continue
      watch.endRun()
      sequence.forgetLook()
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

  /** When metrics whose next bucket is overdue count as missing. */
  #overdue(): readonly number[] {
    const moments: number[] = []
    for (const input of this.#parts.inputs.values()) {
      if (input.missingSince !== null || input.gapMs === Infinity) continue
      const since = this.#expectedSince(input)
      if (since !== null && this.#now - since >= input.metric.everyMs!) moments.push(since + input.gapMs)
    }
    return moments
  }

  #silencesOf({ inputs }: WatchedSilence): readonly Silence[] {
    return inputs.map(input => ({ since: input.missingSince ?? this.#expectedSince(input), gapMs: input.gapMs }))
  }

  /** Which metrics somebody waits for changes with the phase. Only rules and criteria wait; a check is asked once. */
  #activated(at: number | null): void {
    for (const sequence of this.#parts.sequences) sequence.forgetLook()
    const awaited = new Set<MetricInput>()
    for (const { watch, inputs } of [...this.#parts.comparisons.values(), ...this.#parts.silences.values()]) {
      if (watch.isActive && watch.place !== 'check') for (const input of inputs) awaited.add(input)
    }
    for (const input of this.#parts.inputs.values()) {
      if (awaited.has(input)) input.watchedFrom ??= at ?? Number.NEGATIVE_INFINITY
      else input.watchedFrom = input.missingSince = null
    }
  }
}

/** Older checkpoints do not say it: in those the canary counted from the start. */
function canaryFromOf({ canaryFrom, phase }: EvidenceFoldJson): number | null {
  if (canaryFrom !== undefined) return canaryFrom
  return phase === null ? null : 0
}

interface EvidenceFoldJson {
  readonly format: 1
  readonly now: string
  readonly phase: number | null
  readonly phaseAt: number | null
  readonly exposedAt: number | null
  readonly exposedSince: number | null
  readonly canaryFrom?: number | null
  readonly isLowered: boolean
  readonly inputs: Readonly<Record<string, MetricInputJson>>
  readonly sequences: Readonly<Record<string, SampleSequenceJson>>
  readonly noData: readonly NoDataWatchJson[]
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
