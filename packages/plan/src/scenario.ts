/**
 * Scenario files as data: a scripted world and what must be seen in it. Whoever runs them finds every number normalised
 * as in a compiled plan, and the place of every line.
 */
import type { MetricUnit, Place } from './compiled-plan.ts'
import { readIsoTimeMs } from './iso-time.ts'
import { findKey } from './language/check-shape.ts'
import { scriptEntry } from './language/scenarios.ts'
import type { ScenarioMoment } from './moment.ts'
import { readMoment } from './moment.ts'
import type { PlanDocument } from './plan-documents.ts'
import { readDurationMs, readShare, scaleDecimal, shiftDecimal, timeUnitMs } from './quantity.ts'
import type { PlainData, YamlNode } from './yaml-node.ts'
import { dataOf, entriesOf, getText, getValue, itemsOf, textOf, textsOf } from './yaml-node.ts'

export interface ScenarioFile {
  readonly file: string
  readonly plan: string
  readonly scenarios: readonly Scenario[]
}

export interface Scenario {
  readonly name: string
  /** Null: the runner chooses an open day. */
  readonly startMs: number | null
  readonly strategy: string | null
  readonly releaseType: string | null
  readonly labels: readonly string[]
  /** How long to run at most; null = until the release ends. */
  readonly lastsMs: number | null
  readonly script: readonly ScriptEntry[]
  readonly expect: readonly ScenarioExpectation[]
  readonly place: Place
}

export interface ScriptEntry {
  readonly at: ScenarioMoment
  /** After this everything is as it was; null = it stays so. */
  readonly forMs: number | null
  readonly happenings: readonly ScriptHappening[]
  readonly place: Place
}

/** null = always. */
type Times = number | null

export type ScriptHappening =
  | {
      readonly kind: 'metric'
      readonly metric: string
      /** Null: every track alike. `baseline` is whatever the metric's baseline means. */
      readonly track: 'stable' | 'canary' | 'baseline' | null
      readonly value: ScriptValue
    }
  | { readonly kind: 'late'; readonly byMs: number }
  | { readonly kind: 'absent'; readonly roles: readonly string[] }
  | { readonly kind: 'present'; readonly roles: readonly string[] }
  | { readonly kind: 'person'; readonly person: string; readonly does: string; readonly why: string | null }
  | {
      readonly kind: 'step'
      readonly step: string
      readonly result: 'succeeds' | 'fails' | 'ambiguous' | 'hangs'
      readonly times: Times
      readonly takesMs: number | null
      readonly answers: Readonly<Record<string, PlainData>> | null
    }
  | { readonly kind: 'hand'; readonly hand: string; readonly trouble: 'fails' | 'unreadable'; readonly times: Times }
  | { readonly kind: 'drift'; readonly hand: string; readonly share: number }
  | { readonly kind: 'crash'; readonly crash: string; readonly restartMs: number }
  | { readonly kind: 'suspended'; readonly ms: number }
  | { readonly kind: 'labels'; readonly labels: readonly string[] }

/** A number in the unit it was written in: fractions for percent, milliseconds for times. */
export type ScriptValue = 'no data' | { readonly number: number; readonly unit: MetricUnit }

export interface ScenarioExpectation {
  readonly at: ScenarioMoment | null
  readonly by: ScenarioMoment | null
  readonly during: readonly [ScenarioMoment, ScenarioMoment] | null
  readonly event: string | null
  readonly because: string | null
  /** Share of users, 0 … 1. */
  readonly exposure: number | null
  readonly waitingOn: string | null
  readonly phase: string | null
  readonly never: ScenarioNever | null
  readonly outcome: string | null
  readonly count: string | null
  readonly is: number | null
  readonly place: Place
}

export type ScenarioNever =
  | { readonly kind: 'event'; readonly event: string }
  | { readonly kind: 'waitingOn'; readonly text: string }
  | { readonly kind: 'exposure'; readonly op: '<' | '<=' | '>' | '>=' | '='; readonly share: number }

/** Reads every Scenarios document; what has the wrong shape is left out here and reported by `checkPlan`. */
export function readScenarioFiles(documents: readonly PlanDocument[]): readonly ScenarioFile[] {
  return documents.filter(({ kind }) => kind === 'Scenarios').map(readScenarioFile)
}

export function readScenarioFile({ file, root }: PlanDocument): ScenarioFile {
  const strategy = getText(root, 'strategy')
  return {
    file,
    plan: getText(root, 'plan') ?? '',
    scenarios: itemsOf(getValue(root, 'scenarios')).map(node => readScenario(node, strategy)),
  }
}

function readScenario(node: YamlNode, strategy: string | null): Scenario {
  return {
    name: getText(node, 'name') ?? '',
    startMs: readIsoTimeMs(getText(node, 'start') ?? ''),
    strategy: getText(node, 'strategy') ?? strategy,
    releaseType: getText(node, 'releaseType'),
    labels: textsOf(getValue(node, 'labels')),
    lastsMs: readDurationMs(getText(node, 'lasts') ?? ''),
    script: itemsOf(getValue(node, 'script')).flatMap(item => readScriptEntry(item) ?? []),
    expect: itemsOf(getValue(node, 'expect')).map(readExpectation),
    place: node.place,
  }
}

function readScriptEntry(node: YamlNode): ScriptEntry | null {
  const at = readMoment(getText(node, 'at') ?? '')
  if (at === null) return null
  const happenings = [...readMetrics(node), ...readTroubles(node), ...readPeople(node)]
  return { at, forMs: readDurationMs(getText(node, 'for') ?? ''), happenings, place: node.place }
}

/** Every key that is no word of the script is a metric, with a track after it or not. */
export function readMetricKey(
  key: string,
): { readonly metric: string; readonly track: 'stable' | 'canary' | 'baseline' | null } | null {
  if (findKey(scriptEntry, key) !== null) return null
  const [, metric, track] = /^([A-Za-z][A-Za-z0-9_]*)(?: (stable|canary|baseline))?$/u.exec(key) ?? []
  if (metric === undefined) return null
  return { metric, track: track === 'stable' || track === 'canary' || track === 'baseline' ? track : null }
}

function readMetrics(node: YamlNode): readonly ScriptHappening[] {
  return entriesOf(node).flatMap(({ key, value }): ScriptHappening[] => {
    const named = readMetricKey(key)
    const read = readScriptValue(textOf(value) ?? '')
    return named === null || read === null ? [] : [{ kind: 'metric', ...named, value: read }]
  })
}

export function readScriptValue(text: string): ScriptValue | null {
  if (text === 'no data') return 'no data'
  const [, number, unit = ''] = /^(\d{1,15}(?:\.\d{1,12})?)(%|ms|s|m|h|d|USD)?$/u.exec(text) ?? []
  if (number === undefined) return null
  const factor = timeUnitMs(unit)
  if (factor !== null) return { number: scaleDecimal(number, factor) ?? 0, unit: 'time' }
  const value = shiftDecimal(number, unit === '%' ? -2 : 0) ?? 0
  return { number: value, unit: unit === '%' ? 'percent' : unit === 'USD' ? 'money' : 'number' }
}

function readTimes(text: string | null): Times {
  if (text === 'once') return 1
  return text === null || text === 'always' ? null : Number(text.split(' ')[0])
}

function readTroubles(node: YamlNode): readonly ScriptHappening[] {
  const step = getText(node, 'step')
  const hand = getText(node, 'hand')
  const crash = getText(node, 'crash')
  const late = readDurationMs(getText(node, 'late') ?? '')
  const suspended = readDurationMs(getText(node, 'suspended') ?? '')
  return [
    ...(step === null ? [] : [readStepTrouble(node, step)]),
    ...(hand === null ? [] : readHandTrouble(node, hand)),
    ...(crash === null
      ? []
      : [{ kind: 'crash', crash, restartMs: readDurationMs(getText(node, 'restart') ?? '') ?? 0 } as const]),
    ...(late === null ? [] : [{ kind: 'late', byMs: late } as const]),
    ...(suspended === null ? [] : [{ kind: 'suspended', ms: suspended } as const]),
  ]
}

const results = ['fails', 'succeeds', 'ambiguous', 'hangs'] as const

function readStepTrouble(node: YamlNode, step: string): ScriptHappening {
  const result = results.find(known => getText(node, known) !== null)
  const answers = getValue(node, 'answers')
  return {
    kind: 'step',
    step,
    result: result ?? 'succeeds',
    times: result === undefined ? null : readTimes(getText(node, result)),
    takesMs: readDurationMs(getText(node, 'takes') ?? ''),
    answers:
      answers === null ? null : Object.fromEntries(entriesOf(answers).map(({ key, value }) => [key, dataOf(value)])),
  }
}

function readHandTrouble(node: YamlNode, hand: string): readonly ScriptHappening[] {
  const share = readShare(getText(node, 'drifts') ?? '')
  if (share !== null) return [{ kind: 'drift', hand, share }]
  const trouble = (['fails', 'unreadable'] as const).find(known => getText(node, known) !== null)
  return trouble === undefined ? [] : [{ kind: 'hand', hand, trouble, times: readTimes(getText(node, trouble)) }]
}

function readPeople(node: YamlNode): readonly ScriptHappening[] {
  const person = getText(node, 'person')
  const does = getText(node, 'does')
  const [absent, present, labels] = [getValue(node, 'absent'), getValue(node, 'present'), getValue(node, 'labels')]
  return [
    ...(absent === null ? [] : [{ kind: 'absent', roles: textsOf(absent) } as const]),
    ...(present === null ? [] : [{ kind: 'present', roles: textsOf(present) } as const]),
    ...(labels === null ? [] : [{ kind: 'labels', labels: textsOf(labels) } as const]),
    ...(person === null || does === null ? [] : [{ kind: 'person', person, does, why: getText(node, 'why') } as const]),
  ]
}

function readExpectation(node: YamlNode): ScenarioExpectation {
  const moment = (key: string) => readMoment(getText(node, key) ?? '')
  const [from, to] = textsOf(getValue(node, 'during')).map(readMoment)
  const is = getText(node, 'is')
  return {
    at: moment('at'),
    by: moment('by'),
    during: from && to ? [from, to] : null,
    event: getText(node, 'event'),
    because: getText(node, 'because'),
    exposure: readShare(getText(node, 'exposure') ?? ''),
    waitingOn: getText(node, 'waitingOn'),
    phase: getText(node, 'phase'),
    never: readNever(getText(node, 'never')),
    outcome: getText(node, 'outcome'),
    count: getText(node, 'count'),
    is: is === null ? null : Number(is),
    place: node.place,
  }
}

function readNever(text: string | null): ScenarioNever | null {
  if (text === null) return null
  const [, op, percent] = /^exposure (<=|>=|<|>|=) (\S+)$/u.exec(text) ?? []
  if (op !== undefined) return { kind: 'exposure', op: op as '<', share: readShare(percent ?? '') ?? 0 }
  if (text.startsWith('waitingOn ')) return { kind: 'waitingOn', text: text.slice('waitingOn '.length) }
  return { kind: 'event', event: text }
}
