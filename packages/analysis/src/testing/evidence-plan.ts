import type {
  Condition,
  DiffersTerm,
  EvidencePolicy,
  Metric,
  MetricTerm,
  NoDataTerm,
  Phase,
  Rule,
  Span,
} from '@dankai/plan'
import type { EvidencePlan } from '../evidence.ts'

/** Small plans for tests, with conditions written as in a plan. Only what evidence answers: no signals, no checks. */
export interface PlanSketch {
  readonly metrics: Readonly<Record<string, Partial<Metric> & Pick<Metric, 'measure'>>>
  /** Rules of the whole release. */
  readonly rules?: readonly string[]
  readonly evidence?: EvidencePolicy
  readonly phases?: readonly {
    /** Share of all users; 0.1 unless said otherwise. */
    readonly share?: number
    readonly rules?: readonly string[]
    readonly promoteWhen?: readonly string[]
  }[]
}

export const minutes = 60_000
export const hours = 60 * minutes
export const days = 24 * hours

export const ratio: Metric['measure'] = {
  kind: 'ratio',
  numerator: { name: 'errors', labels: {} },
  denominator: { name: 'requests', labels: {} },
}
export const mean: Metric['measure'] = { kind: 'mean', series: { name: 'cost', labels: {} } }
export const p99: Metric['measure'] = { kind: 'quantile', quantile: 0.99, series: { name: 'duration', labels: {} } }
export const count: Metric['measure'] = { kind: 'count', series: { name: 'restarts', labels: {} } }
export const last: Metric['measure'] = { kind: 'last', series: { name: 'use', labels: {} } }
export const query: Metric['measure'] = { kind: 'query', text: 'avg:latency' }

/** Rule terms get the ids r0, r1 …; those of phase i p<i>.r0 …; criteria p<i>.c0 … */
export function evidencePlan(sketch: PlanSketch): EvidencePlan {
  const metrics = Object.entries(sketch.metrics).map(([name, given]): [string, Metric] => [name, metric(name, given)])
  const phases = (sketch.phases ?? []).map((phase, index) =>
    phaseOf(index, phase.share ?? 0.1, phase.promoteWhen ?? []),
  )
  const own = (sketch.phases ?? []).flatMap((phase, index) => rulesOf(phase.rules ?? [], index))
  return {
    metrics: Object.fromEntries(metrics),
    phases,
    rules: [...rulesOf(sketch.rules ?? [], null), ...own],
    alerts: [],
    evidence: sketch.evidence ?? { kind: 'shownSafe' },
    before: [],
    rollback: [],
    checks: {},
  }
}

function metric(name: string, given: Partial<Metric> & Pick<Metric, 'measure'>): Metric {
  return {
    name,
    title: null,
    source: 'dankai',
    unit: 'number',
    better: 'lower',
    everyMs: 10_000,
    baseline: { kind: 'stable' },
    minSamples: 20,
    levels: {},
    ...given,
  }
}

function rulesOf(texts: readonly string[], phase: number | null): readonly Rule[] {
  const prefix = phase === null ? '' : `p${phase}.`
  return texts.map((text, index) => ({
    id: `${prefix}rule${index}`,
    name: text,
    severity: null,
    phase,
    anyOf: [term(`${prefix}r${index}`, text)],
    consequence: { kind: 'now' },
    place: { file: 'plan.yaml', line: 1, column: 1 },
  }))
}

function phaseOf(index: number, share: number, promoteWhen: readonly string[]): Phase {
  return {
    index,
    name: `phase ${index}`,
    title: null,
    exposure: { share, cohorts: [], shadow: false },
    exposeText: '10%',
    holdMs: null,
    before: [],
    during: [],
    promoteWhen: promoteWhen.map((text, position) => {
      const id = `p${index}.c${position}`
      return { kind: 'condition', id: `${id}.criterion`, condition: term(id, text) }
    }),
    flags: null,
    experiments: [],
    show: [],
    ifNotMet: { kind: 'wait' },
  }
}

function term(id: string, text: string): Condition {
  const noData = /^(\w+) has no data(?: for (\S+))?$/.exec(text)
  if (noData !== null) return noDataTerm(id, text, noData)
  const differs = /^(\w+) differs from (previous|baseline) by (>=?) (\S+)$/.exec(text)
  if (differs !== null) return differsTerm(id, text, differs)
  const compared = /^(\w+)(?: over (\S+))? (<=?|>=?|=) (.+?)(?: for (\S+)| in (\S+)| (\d+) times(?: in (\S+))?)?$/.exec(
    text,
  )
  if (compared === null) throw new Error(`Cannot read condition "${text}" of a test plan`)
  return metricTerm(id, text, compared)
}

function noDataTerm(id: string, text: string, [, name, wait]: RegExpExecArray): NoDataTerm {
  return { kind: 'noData', id, text, metric: name!, forMs: wait === undefined ? 0 : amount(wait) }
}

function differsTerm(id: string, text: string, [, name, from, op, by]: RegExpExecArray): DiffersTerm {
  const relative = by!.endsWith('%')
  const reference = from as DiffersTerm['from']
  return { kind: 'differs', id, text, metric: name!, from: reference, op: op as '>', by: amount(by!), relative }
}

function metricTerm(id: string, text: string, found: RegExpExecArray): MetricTerm {
  const [, name, over, op, limit, sustained, within, times, timesIn] = found
  return {
    kind: 'metric',
    id,
    text,
    metric: name!,
    overMs: over === undefined ? null : amount(over),
    op: op as MetricTerm['op'],
    limit: limitOf(limit!),
    span: spanOf(sustained, within, times, timesIn),
  }
}

function spanOf(sustained?: string, within?: string, times?: string, timesIn?: string): Span | null {
  if (sustained !== undefined) return { kind: 'for', ms: amount(sustained) }
  if (within !== undefined) return { kind: 'in', ms: amount(within) }
  if (times === undefined) return null
  return { kind: 'times', times: Number(times), ms: timesIn === undefined ? null : amount(timesIn) }
}

function limitOf(text: string): MetricTerm['limit'] {
  const found = /^(?:(\S+)x )?(baseline|previous)(?: ([+-]) (\S+))?$/.exec(text)
  if (found === null) return { kind: 'amount', value: amount(text) }
  const [, multiple, reference, sign, by] = found
  const added = by === undefined ? 0 : (sign === '-' ? -1 : 1) * amount(by)
  const isRelative = by?.endsWith('%') === true
  return {
    kind: 'reference',
    reference: reference as 'baseline',
    multiple: multiple === undefined ? 1 : Number(multiple),
    plus: isRelative ? 0 : added,
    plusRelative: isRelative ? added : 0,
  }
}

const units: Readonly<Record<string, number>> = {
  '': 1,
  ms: 1,
  s: 1_000,
  m: minutes,
  h: hours,
  d: days,
  w: 7 * days,
}

/** Percentages and points are read from their decimal text, so that 5% is the literal 0.05. */
function amount(text: string): number {
  const [, digits, unit] = /^([\d.]+)(\D*)$/.exec(text)!
  if (unit === '%' || unit === 'pt') return Number(`${digits}e-2`)
  return Number(digits) * units[unit!]!
}
