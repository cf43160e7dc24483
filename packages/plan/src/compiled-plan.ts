/**
 * The compiled plan: what a release pins at its start and what `decide` reads. Plain data, JSON-serialisable, frozen.
 *
 * One strategy is already chosen and merged in; checklists, segments, the calendar and the escalation it names are
 * embedded, so a running release depends on no other document. Units are normalised:
 *   - durations and times of day in milliseconds,
 *   - percentages (levels, shares, points) as fractions: 5% is 0.05, read from the decimal text so that a ratio of
 *     exactly 5 in 100 equals it,
 *   - amounts of time metrics in milliseconds, money and counts as plain numbers.
 * Every rule, criterion, condition term and step carries an `id` that is stable while its place in the plan is
 * (`phases.canary.promoteWhen.0`), because events, evidence and commands refer to it.
 */

export interface CompiledPlan {
  readonly format: 1
  readonly name: string
  readonly title: string | null
  readonly service: string
  /** The chosen strategy, null when the plan has none. */
  readonly strategy: string | null
  /** Words a release may be given at start; release types are labels too. */
  readonly labels: readonly string[]
  readonly calendar: Calendar | null
  readonly escalation: Escalation | null
  readonly channels: Readonly<Record<string, string>>
  readonly metrics: Readonly<Record<string, Metric>>
  readonly signals: Readonly<Record<string, string>>
  /** In listed order; the first splits the users. */
  readonly hands: readonly Hand[]
  readonly evidence: EvidencePolicy
  readonly before: readonly Step[]
  readonly phases: readonly Phase[]
  /** Every rollbackWhen of plan, strategy and phases. */
  readonly rules: readonly Rule[]
  /** Every alert of plan, strategy, phases and metric levels. */
  readonly alerts: readonly AlertRule[]
  readonly rollback: readonly Step[]
  readonly followUp: readonly Step[]
  readonly runbooks: Readonly<Record<string, readonly Step[]>>
  readonly checks: Readonly<Record<string, readonly Step[]>>
  readonly flagSets: Readonly<Record<string, FlagSet>>
  readonly segments: Readonly<Record<string, Segment>>
  readonly notices: Readonly<Partial<Record<Moment, readonly Notice[]>>>
  readonly reviews: readonly Review[]
}

export const moments = [
  'scheduled',
  'started',
  'promoted',
  'held',
  'halted',
  'asked',
  'rollbackStarted',
  'rolledBack',
  'completed',
] as const
export type Moment = (typeof moments)[number]

/** Where in the documents something was written; shown in messages and in the record. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

// ── Exposure ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a phase exposes. Compiled targets are cumulative: a later phase includes everyone an earlier one had. */
export interface Exposure {
  /** Share of all users, 0 … 1. */
  readonly share: number
  /** Named groups that are in, each with the share of the group, 0 … 1. */
  readonly cohorts: readonly Cohort[]
  /** True while real input is copied and its results discarded: nobody is exposed. */
  readonly shadow: boolean
}

export interface Cohort {
  readonly segment: string
  readonly share: number
  /** Quotas per stratum, for example { region: { 東京: 0.5, … } }. */
  readonly mix: Readonly<Record<string, Readonly<Record<string, number>>>> | null
}

export interface Hand {
  /** Unique in the plan: kind and name, "flag:new-booking-flow". */
  readonly id: string
  /** The integration: flag, nginx, argo, kubernetes, cloudflare, googlePlay … */
  readonly kind: string
  /** splitter: decides who is in. gate: open while exposure > 0. copy: the same number. carrier: ready before, gone after. */
  readonly role: 'splitter' | 'gate' | 'copy' | 'carrier'
  /** False for hands that only rise (an app-store track). */
  readonly canLower: boolean
  readonly options: Readonly<Record<string, unknown>>
}

// ── Metrics and conditions ──────────────────────────────────────────────────────────────────────────────────────────

export interface Metric {
  readonly name: string
  readonly title: string | null
  readonly measure: MeasureSource
  /** Name of a connection; "dankai" means samples sent to Dankai, "people" reports by people. */
  readonly source: string
  readonly unit: MetricUnit
  readonly better: 'lower' | 'higher'
  /** Distance of its samples; null when a sample comes whenever one arrives (`every: sample`). */
  readonly everyMs: number | null
  readonly baseline: Baseline
  /** Fewer samples than this in a window: a ratio, mean or quantile has no value. */
  readonly minSamples: number
  readonly levels: Readonly<Partial<Record<'target' | 'excellent' | 'warn' | 'critical', Condition>>>
}

export type MetricUnit = 'percent' | 'time' | 'money' | 'number'

export type MeasureSource =
  | { readonly kind: 'ratio'; readonly numerator: Series; readonly denominator: Series }
  | { readonly kind: 'mean'; readonly series: Series }
  | { readonly kind: 'quantile'; readonly quantile: number; readonly series: Series }
  | { readonly kind: 'count'; readonly series: Series }
  | { readonly kind: 'last'; readonly series: Series }
  /** The highest of other metrics of this plan. */
  | { readonly kind: 'highest'; readonly of: readonly string[] }
  | { readonly kind: 'query'; readonly text: string }

/** `http_requests(status=5xx)`: a series and label filters; text of a foreign query is kept in `name` unparsed. */
export interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

export type Baseline =
  | { readonly kind: 'stable' }
  | { readonly kind: 'previousVersion' }
  | { readonly kind: 'sameTime'; readonly agoMs: number }
  | { readonly kind: 'meanOf'; readonly spanMs: number }

export type Condition =
  | { readonly kind: 'all'; readonly of: readonly Condition[]; readonly text: string }
  | { readonly kind: 'any'; readonly of: readonly Condition[]; readonly text: string }
  | Term

export type Term = MetricTerm | DiffersTerm | NoDataTerm | ReportedTerm | CheckTerm

interface TermBase {
  readonly id: string
  /** As written in the plan. */
  readonly text: string
}

/** `error_rate over 5m > baseline + 0.5pt for 2m`. */
export interface MetricTerm extends TermBase {
  readonly kind: 'metric'
  readonly metric: string
  readonly overMs: number | null
  readonly op: '<' | '<=' | '>' | '>=' | '='
  readonly limit: Limit
  readonly span: Span | null
}

/** `synced differs from previous by >= 20%`. */
export interface DiffersTerm extends TermBase {
  readonly kind: 'differs'
  readonly metric: string
  readonly from: 'previous' | 'baseline'
  readonly op: '>' | '>='
  /** Fraction of the reference when `relative`, else in the metric's unit. */
  readonly by: number
  readonly relative: boolean
}

export interface NoDataTerm extends TermBase {
  readonly kind: 'noData'
  readonly metric: string
  /** 0 = as soon as data counts as missing. */
  readonly forMs: number
}

export interface ReportedTerm extends TermBase {
  readonly kind: 'reported'
  readonly signal: string
  readonly not: boolean
  readonly span: Span | null
}

export interface CheckTerm extends TermBase {
  readonly kind: 'check'
  readonly check: string
  readonly outcome: 'passed' | 'failed'
}

export type Limit =
  | { readonly kind: 'amount'; readonly value: number }
  /** multiple × reference + plus; `plusRelative` is a fraction of the reference (`baseline + 10%`). */
  | {
      readonly kind: 'reference'
      readonly reference: 'baseline' | 'previous'
      readonly multiple: number
      readonly plus: number
      readonly plusRelative: number
    }

export type Span =
  | { readonly kind: 'for'; readonly ms: number }
  /** Counts only: within a sliding window. */
  | { readonly kind: 'in'; readonly ms: number }
  /** So many true samples, not necessarily in a row; within a window when `ms` is set. */
  | { readonly kind: 'times'; readonly times: number; readonly ms: number | null }

/** When a comparison with the baseline lets the release go on. Printed in the record. */
export type EvidencePolicy =
  | { readonly kind: 'shownSafe' }
  | { readonly kind: 'notHarmful'; readonly afterMs: number; readonly samples: number }

// ── Phases, criteria, rules ─────────────────────────────────────────────────────────────────────────────────────────

export interface Phase {
  readonly index: number
  readonly name: string
  readonly title: string | null
  readonly exposure: Exposure
  /** As written: "15% of active-users". */
  readonly exposeText: string
  /** Covered time to stay once exposure is confirmed; null = open, until a person closes the release. */
  readonly holdMs: number | null
  readonly before: readonly Step[]
  readonly during: readonly Step[]
  /** Plan, strategy and phase criteria together: all must hold. */
  readonly promoteWhen: readonly Criterion[]
  readonly flags: string | null
  readonly experiments: readonly string[]
  readonly show: readonly string[]
  readonly ifNotMet:
    | { readonly kind: 'wait' }
    | { readonly kind: 'rollback'; readonly afterMs: number }
    | { readonly kind: 'decide'; readonly withinMs: number; readonly otherwise: 'rollback' | 'continue' }
}

export type Criterion =
  | { readonly kind: 'condition'; readonly id: string; readonly condition: Condition }
  | { readonly kind: 'step'; readonly id: string; readonly step: Step }

export interface Rule {
  readonly id: string
  /** As named, else the text of its conditions. */
  readonly name: string
  readonly severity: string | null
  /** null = the whole release; else the index of the phase it is written in. */
  readonly phase: number | null
  /** Any one of them fires the rule. */
  readonly anyOf: readonly Condition[]
  readonly consequence: Consequence
  readonly place: Place
}

export type Consequence =
  | { readonly kind: 'now' }
  | { readonly kind: 'within'; readonly ms: number }
  | { readonly kind: 'decide'; readonly ms: number; readonly otherwise: 'rollback' | 'continue' }
  | { readonly kind: 'halt' }
  | { readonly kind: 'hold' }

export interface AlertRule {
  readonly id: string
  readonly name: string
  readonly severity: string
  readonly phase: number | null
  readonly anyOf: readonly Condition[]
  /** Channel names. */
  readonly to: readonly string[]
  readonly respondWithinMs: number | null
  readonly runbook: string | null
  readonly place: Place
}

// ── Steps ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Step {
  readonly id: string
  readonly name: string
  readonly action: Action
  readonly by: string | null
  readonly at: string | null
  /** All must hold: a label that must (or must not) be on the release. */
  readonly when: readonly { readonly label: string; readonly present: boolean }[]
  /** Counted from the start of the runbook or gate it stands in. */
  readonly withinMs: number | null
  /** The step's own time, counted from its start. */
  readonly takesMs: number | null
  readonly expect: Expectation | null
  readonly keep: boolean
  readonly optional: boolean
  readonly evidence: string | null
  readonly irreversible: string | null
  readonly onFail:
    | { readonly kind: 'stop' }
    | { readonly kind: 'goOn' }
    | { readonly kind: 'ask'; readonly role: string }
  /** `during` only: repeated from ExposureReached of its phase. */
  readonly everyMs: number | null
  /** `during` only: days of the phase, 1-based and inclusive. */
  readonly days: { readonly from: number; readonly to: number } | null
  readonly place: Place
  /** Checklists only: the heading the item stands under, "outer / inner" for a group inside a group. */
  readonly group?: string
}

export type Action =
  | { readonly verb: 'run'; readonly command: string }
  | { readonly verb: 'sql'; readonly text: string }
  | { readonly verb: 'http'; readonly method: string; readonly url: string }
  | { readonly verb: 'expose'; readonly share: number }
  | { readonly verb: 'flags'; readonly set: string | null; readonly values: FlagSet }
  | { readonly verb: 'notify'; readonly template: string; readonly to: readonly string[] }
  | { readonly verb: 'confirm'; readonly sentence: string }
  | { readonly verb: 'check'; readonly conditions: readonly Condition[] }
  | { readonly verb: 'approve'; readonly role: string; readonly count: number }
  | { readonly verb: 'checklist'; readonly checklist: string; readonly items: readonly Step[] }
  | { readonly verb: 'needs'; readonly plan: string }
  | { readonly verb: 'halt'; readonly plan: string }
  | { readonly verb: 'wait'; readonly ms: number }
  | { readonly verb: 'do'; readonly steps: readonly Step[] }
export type Verb = Action['verb']

export type Expectation =
  | { readonly kind: 'rows' }
  | { readonly kind: 'noRows' }
  | { readonly kind: 'status'; readonly status: number }
  | {
      readonly kind: 'compare'
      readonly field: string
      readonly op: '<' | '<=' | '>' | '>=' | '='
      readonly value: number
    }
  /** The output contains the text. */
  | { readonly kind: 'text'; readonly text: string }

/** Complete replacement: a flag not named is off. "exposure" stands for the present percentage. */
export type FlagSet = Readonly<Record<string, boolean | string | number>>

export interface Segment {
  readonly name: string
  /** Attribute -> accepted values. */
  readonly include: Readonly<Record<string, readonly string[]>>
  readonly where: string | null
  readonly size: number | null
}

export interface Notice {
  readonly template: string
  readonly to: readonly string[]
  readonly priority: string | null
}

export interface Review {
  readonly afterMs: number
  readonly template: string
  readonly compare: readonly string[]
  readonly confirm: readonly string[]
}

// ── Documents a plan names ──────────────────────────────────────────────────────────────────────────────────────────

export interface Calendar {
  readonly name: string
  readonly timezone: string
  /** null: no train. `at` is milliseconds after midnight of the release weekday. */
  readonly train: {
    readonly freeze: Weekday
    readonly staging: Weekday
    readonly release: Weekday
    readonly atMs: number
  } | null
  readonly startOn: 'train' | 'any open day'
  /** Weekly windows per release type in which a release may start or rise; "any" = always. */
  readonly open: Readonly<Record<string, WeeklyWindow | 'any'>>
  readonly blocked: readonly CalendarEntry[]
  readonly caution: readonly CalendarEntry[]
  readonly maintenance: readonly CalendarEntry[]
  readonly exempt: { readonly types: readonly string[]; readonly needs: 'reason' | 'nothing' } | null
}

export type Weekday = 'Mon' | 'Tue' | 'Wed' | 'Thu' | 'Fri' | 'Sat' | 'Sun'

export interface WeeklyWindow {
  readonly weekday: Weekday
  readonly fromMs: number
  /** Up to 24 h, exclusive. */
  readonly toMs: number
}

export interface CalendarEntry {
  readonly name: string
  /** A yearly range of days "MM-DD", inclusive, or a weekly window. */
  readonly when:
    | { readonly kind: 'yearly'; readonly from: string; readonly to: string }
    | ({ readonly kind: 'weekly' } & WeeklyWindow)
  readonly reason: string | null
  readonly policy: string | null
  /** Label a release needs to pass a caution period. */
  readonly needs: string | null
  /** Release types this entry does not stop. */
  readonly except: readonly string[]
  /** Labels that lift it with a reason. */
  readonly reasons: readonly string[]
}

export interface Escalation {
  readonly name: string
  readonly levels: readonly {
    readonly who: string
    readonly respondWithinMs: number
    /** From entering this level to the next; null = last. */
    readonly nextMs: number | null
    readonly does: string | null
    readonly emergenciesOnly: boolean
    readonly call: readonly Readonly<Record<string, string>>[]
  }[]
}
