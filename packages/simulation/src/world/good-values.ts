import type { CompiledPlan, Condition, DiffersTerm, Metric, MetricTerm, Term } from '@dankai/plan'
import { type Demand, demandsOf } from './demand.ts'

/**
 * The healthy value of every metric: one constant per metric that meets every criterion and check and fires no rule
 * and, where there is room, no alert and no bad level. The baseline and the stable track sit on the same value.
 *
 * Invariants
 *  1. With these values no rule of the plan fires and every metric criterion holds.
 *  2. A ratio is above zero where it may be, because a comparison of two arms without a single event proves nothing.
 *  3. The same plan always gives the same values.
 */
export type GoodValues = Readonly<Record<string, number>>

export type GoodValuesResult =
  | { readonly ok: true; readonly values: GoodValues }
  | { readonly ok: false; readonly message: string }

export function findGoodValues(plan: CompiledPlan): GoodValuesResult {
  const demands = demandsOf(plan)
  const horizonMs = plan.phases.reduce((sum, phase) => sum + (phase.holdMs ?? 0), 0)
  const values: Record<string, number> = {}
  for (const metric of Object.values(plan.metrics)) {
    if (metric.measure.kind === 'highest') continue
    const found = findGoodValue(plan, metric, demands, horizonMs)
    if (!found.ok) return found
    values[metric.name] = found.value
  }
  for (const metric of Object.values(plan.metrics))
    if (metric.measure.kind === 'highest')
      values[metric.name] = Math.max(...metric.measure.of.map(name => values[name] ?? 0))
  return { ok: true, values }
}

interface Question {
  readonly term: MetricTerm | DiffersTerm
  readonly wanted: boolean
  /** Hard: no healthy world without it. A term that is one choice of several is soft. */
  readonly hard: boolean
  readonly where: string
}

type Found = { readonly ok: true; readonly value: number } | { readonly ok: false; readonly message: string }

function findGoodValue(plan: CompiledPlan, metric: Metric, demands: readonly Demand[], horizonMs: number): Found {
  const names = namesSpeakingOf(plan, metric)
  const questions = demands.flatMap(demand => questionsOf(demand)).filter(question => names.has(question.term.metric))
  const candidates = candidatesOf(metric, questions)
  const hard = questions.filter(question => question.hard)
  const soft = questions.filter(question => !question.hard)
  const possible = candidates.filter(value => hard.every(question => isAnswered(question, metric, value, horizonMs)))
  const best = leastBy(
    possible,
    value => soft.filter(question => !isAnswered(question, metric, value, horizonMs)).length,
  )
  return best === undefined
    ? { ok: false, message: describeConflict(metric, hard, candidates, horizonMs) }
    : { ok: true, value: best }
}

/** `resources < 80%` speaks of cpu too, when resources is the highest of cpu, memory and disk. */
function namesSpeakingOf(plan: CompiledPlan, metric: Metric): ReadonlySet<string> {
  const groups = Object.values(plan.metrics).filter(
    other => other.measure.kind === 'highest' && other.measure.of.includes(metric.name),
  )
  return new Set([metric.name, ...groups.map(group => group.name)])
}

function questionsOf(demand: Demand): readonly Question[] {
  return termsOf(demand.condition, true, demand.wanted).flatMap(({ term, decisive }) =>
    term.kind === 'metric' || term.kind === 'differs'
      ? [{ term, wanted: demand.wanted, hard: demand.needed && decisive, where: demand.where }]
      : [],
  )
}

/** A term is decisive when the demand cannot be met without it: all of an `and` that must hold, all of an `or` that must not. */
function termsOf(
  condition: Condition,
  decisive: boolean,
  wanted: boolean,
): readonly { readonly term: Term; readonly decisive: boolean }[] {
  if (condition.kind === 'all' || condition.kind === 'any') {
    const all = (condition.kind === 'all') === wanted
    return condition.of.flatMap(part => termsOf(part, decisive && (all || condition.of.length === 1), wanted))
  }
  return [{ term: condition, decisive }]
}

// ── Candidates ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** In order of preference: inside the intervals between limits from the good side on, then the limits themselves. */
function candidatesOf(metric: Metric, questions: readonly Question[]): readonly number[] {
  const limits = questions.flatMap(question => amountLimits(question, metric))
  const highest = metric.unit === 'percent' ? 1 : Number.POSITIVE_INFINITY
  const edges = [...new Set([0, ...limits])].filter(limit => limit >= 0 && limit <= highest).sort((a, b) => a - b)
  const inside = edges.map((edge, index) => between(edge, edges[index + 1] ?? highest, metric))
  const points = highest === 1 ? [...edges, 1] : edges
  const [first, second] = metric.better === 'higher' ? [inside.toReversed(), points.toReversed()] : [inside, points]
  return metric.measure.kind === 'count' ? [0, ...first, ...second] : [...first, ...second]
}

function amountLimits(question: Question, metric: Metric): readonly number[] {
  const { term } = question
  if (term.kind !== 'metric' || term.limit.kind !== 'amount') return []
  if (metric.measure.kind !== 'count') return [term.limit.value]
  const windowMs = term.span?.kind === 'in' ? term.span.ms : term.overMs
  return windowMs === null ? [term.limit.value] : [(term.limit.value * bucketMs(metric)) / windowMs]
}

/** Inside an interval; plain default amounts where nothing bounds it. */
function between(low: number, high: number, metric: Metric): number {
  if (high === 1 && low === 0) return metric.better === 'higher' ? 0.999 : 0.001
  if (high !== Number.POSITIVE_INFINITY) return roundedBetween(low, high)
  if (low > 0) return Number((low * 1.05).toPrecision(6))
  return metric.unit === 'time' ? 100 : 1
}

/** The middle, with as few digits as stay inside: 0.05% is easier to read in a report than 0.0499875%. */
function roundedBetween(low: number, high: number): number {
  const middle = (low + high) / 2
  for (let digits = 1; digits < 12; digits += 1) {
    const rounded = Number(middle.toPrecision(digits))
    if (rounded > low && rounded < high) return rounded
  }
  return middle
}

// ── Answers in a constant world ─────────────────────────────────────────────────────────────────────────────────────

function isAnswered(question: Question, metric: Metric, value: number, horizonMs: number): boolean {
  return holdsForEver(question.term, metric, value, horizonMs) === question.wanted
}

function holdsForEver(term: MetricTerm | DiffersTerm, metric: Metric, value: number, horizonMs: number): boolean {
  if (term.kind === 'differs') return term.op === '>=' && term.by === 0
  const amount = metric.measure.kind === 'count' ? countIn(term, metric, value, horizonMs) : value
  const limit =
    term.limit.kind === 'amount'
      ? term.limit.value
      : amount * (term.limit.multiple + term.limit.plusRelative) + term.limit.plus
  // A multiple or a percentage of a baseline of zero is no limit: it never fires and never passes.
  if (amount === 0 && term.limit.kind === 'reference' && (term.limit.multiple !== 1 || term.limit.plusRelative !== 0))
    return false
  return compare(amount, term.op, limit)
}

/** A count grows: what a steady rate adds up to in the window, or over the whole plan where no window is written. */
function countIn(term: MetricTerm, metric: Metric, perBucket: number, horizonMs: number): number {
  const windowMs = (term.span?.kind === 'in' ? term.span.ms : term.overMs) ?? horizonMs
  return (perBucket * windowMs) / bucketMs(metric)
}

export function compare(amount: number, op: MetricTerm['op'], limit: number): boolean {
  switch (op) {
    case '<':
      return amount < limit
    case '<=':
      return amount <= limit
    case '>':
      return amount > limit
    case '>=':
      return amount >= limit
    case '=':
      return amount === limit
  }
}

/** Counts without a bucket length of their own (`every: sample`) are judged as if they came every 10 s. */
function bucketMs(metric: Metric): number {
  return metric.everyMs ?? 10_000
}

function leastBy(values: readonly number[], cost: (value: number) => number): number | undefined {
  let best: number | undefined
  let least = Number.POSITIVE_INFINITY
  for (const value of values) {
    const here = cost(value)
    if (here >= least) continue
    best = value
    least = here
  }
  return best
}

// ── Conflicts ───────────────────────────────────────────────────────────────────────────────────────────────────────

function describeConflict(
  metric: Metric,
  hard: readonly Question[],
  candidates: readonly number[],
  horizonMs: number,
): string {
  const fits = (questions: readonly Question[]): boolean =>
    candidates.some(value => questions.every(question => isAnswered(question, metric, value, horizonMs)))
  const alone = hard.find(question => !fits([question]))
  const pair = alone
    ? [alone]
    : (hard.flatMap((a, i) => hard.slice(i + 1).map(b => [a, b])).find(both => !fits(both)) ?? hard)
  const found = pair
    .map(question => `${question.wanted ? '' : 'not '}"${question.term.text}" in ${question.where}`)
    .join(' and ')
  return (
    `Cannot find a healthy value for metric "${metric.name}": found ${found}, expected one value that answers all of them. ` +
    'Change one of the limits; as they stand no release of this plan can complete.'
  )
}
