import type { Metric } from '@dankai/plan'
import type { EvidencePlan } from './evidence.ts'
import { MetricInput } from './metric-input.ts'
import { NoDataWatch } from './no-data-watch.ts'
import type { ColumnReader, ColumnWriter } from './number-column.ts'
import { collectTerms, type PlacedTerm } from './plan-terms.ts'
import type { Reading } from './reading.ts'
import { SampleSequence } from './sample-sequence.ts'
import { sequenceTrack } from './sequence-track.ts'
import { type Comparison, isComparison, isNoData, TermWatch } from './term-watch.ts'
import { windowOf } from './term-window.ts'

/** A comparison of the plan with everything that is needed to answer it. */
export interface WatchedComparison {
  readonly watch: TermWatch
  readonly sequence: SampleSequence
  readonly reading: Reading
  /** The metric it is about, or the members of a `highest`. */
  readonly inputs: readonly MetricInput[]
}

export interface WatchedSilence {
  readonly watch: NoDataWatch
  readonly inputs: readonly MetricInput[]
}

/** What a plan asks of its metrics, built once: inputs, the terms that read them, and the sequences in between. */
export interface EvidenceParts {
  readonly inputs: ReadonlyMap<string, MetricInput>
  readonly sequences: readonly SampleSequence[]
  readonly comparisons: ReadonlyMap<string, WatchedComparison>
  readonly silences: ReadonlyMap<string, WatchedSilence>
  /** The metrics behind a name: itself, or the members of a `highest`. */
  membersOf(metric: string): readonly MetricInput[]
}

export function buildEvidenceParts(plan: EvidencePlan): EvidenceParts {
  const measured = Object.values(plan.metrics).filter(metric => metric.measure.kind !== 'highest')
  const inputs = new Map(measured.map(metric => [metric.name, new MetricInput(metric)]))
  const terms = firstOfEachId(collectTerms(plan)).filter(({ term }) => plan.metrics[term.metric] !== undefined)
  const membersOf = (name: string): readonly MetricInput[] =>
    memberNames(plan.metrics, name).map(member => inputs.get(member)!)
  const silences = terms.filter(isNoData).map((placed): [string, WatchedSilence] => {
    return [placed.term.id, { watch: NoDataWatch.from(placed), inputs: membersOf(placed.term.metric) }]
  })
  const groups = Map.groupBy(terms.filter(isComparison), sequenceName)
  const watched = [...groups].map(([name, group]) => {
    return buildSequence(name, group, plan.metrics[group[0]!.term.metric]!, membersOf(group[0]!.term.metric))
  })
  return {
    inputs,
    sequences: watched.map(group => group[0]!.sequence),
    comparisons: new Map(watched.flat().map(each => [each.watch.id, each])),
    silences: new Map(silences),
    membersOf,
  }
}

/** All that changes in the parts; what they are built of stays. */
export function writeParts({ inputs, sequences, silences }: EvidenceParts, column: ColumnWriter): void {
  for (const sequence of sequences) sequence.writeTo(column)
  for (const input of inputs.values()) input.writeTo(column)
  for (const { watch } of silences.values()) watch.writeTo(column)
}

export function readParts({ inputs, sequences, silences }: EvidenceParts, column: ColumnReader): void {
  for (const sequence of sequences) sequence.readFrom(column)
  for (const input of inputs.values()) input.readFrom(column)
  for (const { watch } of silences.values()) watch.readFrom(column)
}

/** A level that also alerts is the same sentence in two places; the stricter place comes first. */
function firstOfEachId(terms: readonly PlacedTerm[]): readonly PlacedTerm[] {
  const seen = new Set<string>()
  return terms.filter(({ term }) => !seen.has(term.id) && seen.add(term.id))
}

/** Terms that compare with the baseline have to wait for it; the others of the same metric do not. */
function sequenceName({ term }: PlacedTerm & { readonly term: Comparison }): string {
  const reference = term.kind === 'differs' ? term.from : term.limit.kind === 'reference' ? term.limit.reference : null
  return reference === 'baseline' ? `${term.metric} and baseline` : term.metric
}

function buildSequence(
  name: string,
  group: readonly (PlacedTerm & { readonly term: Comparison })[],
  metric: Metric,
  inputs: readonly MetricInput[],
): readonly WatchedComparison[] {
  const gapMs = Math.max(...inputs.map(input => input.gapMs))
  const watches = group.map(placed => new TermWatch(placed, windowOf(placed, metric), gapMs))
  const windows = watches.map(watch => watch.window)
  const wantsPrevious = watches.some(watch => watch.comparesWithPrevious)
  const values = inputs.map(input => sequenceTrack('value', input.metric, windows, wantsPrevious))
  const comparesWithBaseline = watches.some(watch => watch.comparesWithBaseline)
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
  return watches.map(watch => ({ watch, sequence, reading: sequence.readingOf.get(watch)!, inputs }))
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
