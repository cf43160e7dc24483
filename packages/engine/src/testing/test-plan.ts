import type { CompiledPlan, Hand, Phase, Rule, Step } from '@dankai/plan'

/** A plan with one flag (or the hands given), an error-rate rule "> 5% for 20s" and phases of 10 %, 50 % and 100 %. */
export function testPlan(change: Partial<CompiledPlan> = {}): CompiledPlan {
  return {
    format: 1,
    name: 'checkout',
    title: null,
    service: 'shop',
    strategy: null,
    labels: [],
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
    signals: { data_loss: 'Data was lost' },
    hands: [testHand('flag:checkout', 'splitter')],
    evidence: { kind: 'shownSafe' },
    before: [],
    phases: [testPhase(0, 0.1), testPhase(1, 0.5), testPhase(2, 1)],
    rules: [testRule('rules.0', { kind: 'now' }, 20_000)],
    alerts: [],
    rollback: [],
    followUp: [],
    runbooks: {},
    checks: {},
    flagSets: {},
    segments: {},
    notices: {},
    reviews: [],
    ...change,
  }
}

export function testHand(id: string, role: Hand['role'], canLower = true): Hand {
  return { id, kind: id.split(':')[0]!, role, canLower, options: {} }
}

export function testPhase(index: number, share: number, change: Partial<Phase> = {}): Phase {
  return {
    index,
    name: `phase-${index}`,
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
    ...change,
  }
}

export function testRule(id: string, consequence: Rule['consequence'], forMs: number): Rule {
  return {
    id,
    name: 'Error rate',
    severity: null,
    phase: null,
    anyOf: [
      {
        kind: 'metric',
        id: `${id}.if.0`,
        text: `error_rate > 5% for ${forMs / 1_000}s`,
        metric: 'error_rate',
        overMs: null,
        op: '>',
        limit: { kind: 'amount', value: 0.05 },
        span: { kind: 'for', ms: forMs },
      },
    ],
    consequence,
    place: { file: 'checkout.yaml', line: 1, column: 1 },
  }
}

export function testStep(id: string, action: Step['action'], change: Partial<Step> = {}): Step {
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
    place: { file: 'checkout.yaml', line: 1, column: 1 },
    ...change,
  }
}
