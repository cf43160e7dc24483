import type { CompiledPlan, Condition, Metric, MetricTerm, ScenarioMoment } from '@dankai/plan'
import type { CrashPoint, HandTrouble, Happening, Script, ScriptItem } from './script.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { GoodValues } from './world/good-values.ts'

/**
 * A world of troubles drawn from a seed: excursions around the plan's own limits, gaps, late data, absent people,
 * people who interfere, failing steps and hands, crashes and suspensions. The same seed and plan give the same world.
 */
export function drawScript(plan: CompiledPlan, good: GoodValues, random: SeededRandom): Script {
  const count = random.integer(0, troublesMax)
  return Array.from({ length: count }, () => drawItem(plan, good, random))
}

/** Worlds with more troubles roll back in their first minutes and test nothing later. */
const troublesMax = 6

const second = 1000
const minute = 60 * second

type Draw = (plan: CompiledPlan, good: GoodValues, random: SeededRandom) => Omit<ScriptItem, 'at' | 'place'> | null

/** Weights by how often each kind repeats here: metrics move more often than machines crash. */
const draws: readonly [Draw, ...Draw[]] = [
  drawExcursion,
  drawExcursion,
  drawExcursion,
  drawExcursion,
  drawGap,
  drawGap,
  drawLate,
  drawAbsence,
  drawPerson,
  drawPerson,
  drawStepTrouble,
  drawHandTrouble,
  drawDrift,
  drawCrash,
  drawCrash,
  drawSuspension,
]

function drawItem(plan: CompiledPlan, good: GoodValues, random: SeededRandom): ScriptItem {
  for (let tries = 0; tries < 20; tries += 1) {
    const drawn = random.pick(draws)(plan, good, random)
    if (drawn) return { at: drawMoment(plan, random), place: null, ...drawn }
  }
  return { at: drawMoment(plan, random), place: null, ...drawSuspension(plan, good, random) }
}

function drawMoment(plan: CompiledPlan, random: SeededRandom): ScenarioMoment {
  const phase = plan.phases[random.integer(-1, plan.phases.length - 1)]
  if (!phase)
    return { kind: 'anchor', anchor: random.chance(0.2) ? 'rollback' : 'start', plusMs: random.integer(0, 60) * minute }
  const holdMs = phase.holdMs ?? 60 * minute
  const plusMs = random.chance(0.1) ? 0 : Math.round((random.next() * 1.2 * holdMs) / second) * second
  return { kind: 'anchor', anchor: phase.name, plusMs }
}

/** From one bucket to days: troubles that end just before a rule fires matter as much as those that last. */
function drawDuration(random: SeededRandom): number {
  return random.pick([
    10 * second,
    30 * second,
    110 * second,
    2 * minute,
    5 * minute,
    20 * minute,
    3 * 60 * minute,
    24 * 60 * minute,
  ])
}

// ── Metrics ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function drawExcursion(
  plan: CompiledPlan,
  good: GoodValues,
  random: SeededRandom,
): Omit<ScriptItem, 'at' | 'place'> | null {
  const metric = drawMetric(plan, random)
  if (!metric) return null
  const value = drawValue(plan, metric, good[metric.name] ?? 0, random)
  const track = random.chance(0.5) ? 'canary' : null
  return {
    forMs: random.chance(0.8) ? drawDuration(random) : null,
    happening: { kind: 'metric', metric: metric.name, track, value },
  }
}

function drawMetric(plan: CompiledPlan, random: SeededRandom): Metric | undefined {
  const metrics = Object.values(plan.metrics)
  return metrics[random.integer(0, metrics.length - 1)]
}

/** At a limit, just beside it, or far off: limits are where rules are wrong. */
function drawValue(plan: CompiledPlan, metric: Metric, good: number, random: SeededRandom): number {
  const limits = limitsOf(plan, metric.name)
  const limit = limits[random.integer(0, limits.length - 1)] ?? good
  const value = random.pick([limit, limit * 1.002, limit * 0.998, limit * 2, limit / 2, good * 1.5])
  const whole = metric.measure.kind === 'count' ? Math.round(value) : value
  return metric.unit === 'percent' ? Math.min(1, Math.max(0, whole)) : Math.max(0, whole)
}

function limitsOf(plan: CompiledPlan, metric: string): readonly number[] {
  const conditions = [...plan.rules, ...plan.alerts].flatMap(rule => rule.anyOf)
  const criteria = plan.phases.flatMap(phase =>
    phase.promoteWhen.flatMap(criterion => (criterion.kind === 'condition' ? [criterion.condition] : [])),
  )
  return [...conditions, ...criteria]
    .flatMap(termsOf)
    .flatMap(term => (term.metric === metric && term.limit.kind === 'amount' ? [term.limit.value] : []))
}

function termsOf(condition: Condition): readonly MetricTerm[] {
  if (condition.kind === 'all' || condition.kind === 'any') return condition.of.flatMap(termsOf)
  return condition.kind === 'metric' ? [condition] : []
}

function drawGap(plan: CompiledPlan, _good: GoodValues, random: SeededRandom): Omit<ScriptItem, 'at' | 'place'> | null {
  const metric = drawMetric(plan, random)
  if (!metric) return null
  return {
    forMs: drawDuration(random),
    happening: { kind: 'metric', metric: metric.name, track: null, value: 'no data' },
  }
}

function drawLate(_plan: CompiledPlan, _good: GoodValues, random: SeededRandom): Omit<ScriptItem, 'at' | 'place'> {
  return { forMs: drawDuration(random), happening: { kind: 'late', byMs: random.integer(1, 12) * 10 * second } }
}

// ── People, steps, hands, machines ──────────────────────────────────────────────────────────────────────────────────

function drawAbsence(_plan: CompiledPlan, _good: GoodValues, random: SeededRandom): Omit<ScriptItem, 'at' | 'place'> {
  return { forMs: random.chance(0.7) ? drawDuration(random) : null, happening: { kind: 'absent', roles: ['everyone'] } }
}

function drawPerson(plan: CompiledPlan, _good: GoodValues, random: SeededRandom): Omit<ScriptItem, 'at' | 'place'> {
  const signals = Object.keys(plan.signals)
  const signal = signals[random.integer(0, signals.length - 1)]
  const does = random.pick([
    'pause',
    'resume',
    'promote',
    'promote',
    'rollback',
    'abort',
    'close',
    ...(signal ? [`report ${signal}`] : []),
  ])
  return { forMs: null, happening: { kind: 'person', person: 'admin', does, why: 'drawn from the seed' } }
}

function drawStepTrouble(
  plan: CompiledPlan,
  _good: GoodValues,
  random: SeededRandom,
): Omit<ScriptItem, 'at' | 'place'> | null {
  const commands = [...plan.before, ...plan.rollback].filter(
    step => step.action.verb === 'run' || step.action.verb === 'http',
  )
  const step = commands[random.integer(0, commands.length - 1)]
  if (!step) return null
  const result = random.pick(['fails', 'ambiguous', 'hangs', 'succeeds'] as const)
  const takesMs = random.chance(0.5) ? drawDuration(random) : null
  const trouble: Happening = {
    kind: 'step',
    step: step.name,
    result,
    times: random.integer(1, 3),
    takesMs,
    answers: null,
  }
  return { forMs: null, happening: trouble }
}

function drawHandTrouble(
  plan: CompiledPlan,
  _good: GoodValues,
  random: SeededRandom,
): Omit<ScriptItem, 'at' | 'place'> | null {
  const hand = plan.hands[random.integer(0, plan.hands.length - 1)]
  if (!hand) return null
  const trouble = random.pick<HandTrouble>(['fails', 'unreadable', 'slow'])
  return { forMs: drawDuration(random), happening: { kind: 'hand', hand: hand.id, trouble, times: null } }
}

function drawDrift(
  plan: CompiledPlan,
  _good: GoodValues,
  random: SeededRandom,
): Omit<ScriptItem, 'at' | 'place'> | null {
  const hand = plan.hands[0]
  if (!hand) return null
  return { forMs: null, happening: { kind: 'drift', hand: hand.id, share: random.pick([0, 0.01, 0.5, 1]) } }
}

function drawCrash(_plan: CompiledPlan, _good: GoodValues, random: SeededRandom): Omit<ScriptItem, 'at' | 'place'> {
  const when = random.pick(['before', 'after'] as const)
  const crash = random.pick<CrashPoint>([
    { kind: 'now' },
    { kind: 'exposure', when },
    {
      kind: 'event',
      when,
      event: random.pick(['PhaseEntered', 'ExposureReached', 'PhasePromoted', 'RollbackStarted']),
    } as const,
    { kind: 'command', when, text: '' },
  ])
  return { forMs: null, happening: { kind: 'crash', crash, restartMs: random.integer(1, 200) * second } }
}

function drawSuspension(
  _plan: CompiledPlan,
  _good: GoodValues,
  random: SeededRandom,
): Omit<ScriptItem, 'at' | 'place'> {
  return { forMs: null, happening: { kind: 'suspended', ms: random.integer(1, 30) * minute } }
}
