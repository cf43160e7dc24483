import type { Assessment, EvidenceReader } from '@dankai/analysis'
import type { CompiledPlan, Condition, Consequence, Hand, Phase, Rule, Step, Action as StepAction } from '@dankai/plan'

/** Builders of small plans and evidence for the tests of this package. */

const place = { file: 'plan.yaml', line: 1, column: 1 }

export function stepOf(id: string, action: StepAction, options: Partial<Step> = {}): Step {
  return {
    id,
    name: id,
    action,
    by: null,
    at: null,
    when: [],
    withinMs: null,
    takesMs: null,
    expect: null,
    keep: false,
    optional: false,
    evidence: null,
    irreversible: null,
    onFail: { kind: 'stop' },
    everyMs: null,
    days: null,
    place,
    ...options,
  }
}

export function metricTerm(id: string, metric = 'error_rate'): Condition {
  return {
    kind: 'metric',
    id,
    text: id,
    metric,
    overMs: null,
    op: '>',
    limit: { kind: 'amount', value: 0.05 },
    span: null,
  }
}

export function ruleOf(
  id: string,
  consequence: Consequence,
  anyOf: readonly Condition[] = [metricTerm(id)],
  phase: number | null = null,
): Rule {
  return { id, name: id, severity: null, phase, anyOf, consequence, place }
}

export const flagHand: Hand = { id: 'flag:a', kind: 'flag', role: 'splitter', canLower: true, options: { name: 'a' } }

export function phaseOf(index: number, name: string, share: number, options: Partial<Phase> = {}): Phase {
  return {
    index,
    name,
    title: null,
    exposure: { share, cohorts: [], shadow: false },
    exposeText: `${share * 100}%`,
    holdMs: 60_000,
    before: [],
    during: [],
    promoteWhen: [],
    flags: null,
    experiments: [],
    show: [],
    ifNotMet: { kind: 'wait' },
    ...options,
  }
}

export function planOf(options: Partial<CompiledPlan> = {}): CompiledPlan {
  return {
    format: 1,
    name: 'small',
    title: null,
    service: 'small',
    strategy: null,
    labels: ['hotfix', 'important'],
    calendar: null,
    escalation: null,
    channels: {},
    metrics: {
      error_rate: {
        name: 'error_rate',
        title: null,
        measure: {
          kind: 'ratio',
          numerator: { name: 'errors', labels: {} },
          denominator: { name: 'requests', labels: {} },
        },
        source: 'dankai',
        unit: 'percent',
        better: 'lower',
        everyMs: 10_000,
        baseline: { kind: 'stable' },
        minSamples: 20,
        levels: {},
      },
    },
    signals: { data_loss: 'data was lost' },
    hands: [flagHand],
    evidence: { kind: 'notHarmful', afterMs: 0, samples: 100 },
    before: [],
    phases: [phaseOf(0, 'canary', 0.05), phaseOf(1, 'half', 0.5), phaseOf(2, 'all', 1)],
    rules: [],
    alerts: [],
    rollback: [],
    followUp: [],
    runbooks: {},
    checks: {},
    flagSets: {},
    segments: {},
    notices: {},
    reviews: [],
    ...options,
  }
}

const silent: Assessment = {
  met: 'no',
  holds: 'no',
  value: 0,
  limit: 0.05,
  samples: 1000,
  samplesNeeded: 20,
  trueSince: null,
  metAt: null,
  times: null,
  missingSince: null,
  verdict: null,
}

/** Evidence that says what a test sets; every other term answers "no". */
export class ScriptedEvidence implements EvidenceReader {
  readonly answers = new Map<string, Partial<Assessment>>()
  missingMetrics: { metric: string; since: number }[] = []
  restored = new Map<string, number>()

  set(term: string, answer: Partial<Assessment>): void {
    this.answers.set(term, answer)
  }

  meets(term: string): void {
    this.set(term, { met: 'yes', holds: 'yes', value: 0.0501, trueSince: 0 })
  }

  assess(term: string): Assessment {
    return { ...silent, ...this.answers.get(term) }
  }

  missing(): readonly { metric: string; since: number }[] {
    return this.missingMetrics
  }

  restoredAt(metric: string): number | null {
    return this.restored.get(metric) ?? null
  }

  nextLook(): number | null {
    return null
  }
}
