/**
 * What becomes of a plan when it is amended: every difference in meaning, and which way it goes.
 *
 * 1. `tightens`: the new plan stops in every case in which the old one did, and goes on in no more cases.
 * 2. Whatever cannot be shown to tighten or to be neutral counts as `loosens`, because loosening needs approvals.
 * 3. Only criteria, triggers and holds may change in a running release (`mayAmend`).
 * 4. Two plans of the same meaning have no changes, wherever their lines stand.
 */
import type { CompiledPlan, EvidencePolicy, Phase } from '../compiled-plan.ts'
import { quote } from '../problem.ts'
import { printDuration } from '../quantity.ts'
import { compareCriteria } from './criterion-change.ts'
import type { ChangeDirection, PlanChange } from './plan-difference.ts'
import { change, differ } from './plan-difference.ts'
import { compareRules } from './rule-change.ts'
import { compareSteps } from './step-change.ts'

export function describePlanChange(before: CompiledPlan, after: CompiledPlan): readonly PlanChange[] {
  return [
    ...compareSettings(before, after),
    ...comparePhases(before, after),
    ...compareRules(before, after),
    ...compareSteps('before', before.before, after.before),
    ...compareRunbooks(before, after),
  ]
}

/** Where the way a release moves is not at stake, or cannot be judged piece by piece. */
const settings = [
  ['service', 'loosens'],
  ['strategy', 'loosens'],
  ['hands', 'loosens'],
  ['calendar', 'loosens'],
  ['segments', 'loosens'],
  ['flagSets', 'loosens'],
  ['checks', 'loosens'],
  ['title', 'neutral'],
  ['labels', 'neutral'],
  ['escalation', 'neutral'],
  ['channels', 'neutral'],
  ['signals', 'neutral'],
  ['alerts', 'neutral'],
  ['notices', 'neutral'],
  ['reviews', 'neutral'],
] as const satisfies readonly (readonly [keyof CompiledPlan, ChangeDirection])[]

function compareSettings(before: CompiledPlan, after: CompiledPlan): readonly PlanChange[] {
  const changed = settings.filter(([key]) => differ(before[key], after[key]))
  return [
    ...changed.map(([key, direction]) => change(key, direction, false, `${key} changes`, `${key} が変わります`)),
    ...compareEvidence(before.evidence, after.evidence),
    ...compareMetrics(before, after),
  ]
}

function compareEvidence(before: EvidencePolicy, after: EvidencePolicy): readonly PlanChange[] {
  if (!differ(before, after)) return []
  const asksMore =
    after.kind === 'shownSafe' ||
    (before.kind === 'notHarmful' && after.samples >= before.samples && after.afterMs >= before.afterMs)
  const [from, to] = [printEvidence(before), printEvidence(after)]
  return [
    change(
      'evidence',
      asksMore ? 'tightens' : 'loosens',
      true,
      `evidence "${from}" becomes "${to}"`,
      `evidence "${from}" が "${to}" になります`,
    ),
  ]
}

function printEvidence(policy: EvidencePolicy): string {
  if (policy.kind === 'shownSafe') return 'shown safe'
  const after = policy.afterMs > 0 ? ` after ${printDuration(policy.afterMs)}` : ''
  return `not harmful${after} with ${policy.samples} samples`
}

/** A metric that is measured another way asks another question; levels and titles only colour the screen. */
function compareMetrics(before: CompiledPlan, after: CompiledPlan): readonly PlanChange[] {
  const names = [...new Set([...Object.keys(before.metrics), ...Object.keys(after.metrics)])]
  return names.flatMap(name => {
    const [was, is] = [before.metrics[name], after.metrics[name]]
    const path = `metrics.${name}`
    if (!was) return [change(path, 'neutral', true, `metric "${name}" is added`, `指標 "${name}" が加わります`)]
    if (!is) return [change(path, 'neutral', true, `metric "${name}" is removed`, `指標 "${name}" がなくなります`)]
    if (!differ(was, is)) return []
    const isLook = !differ({ ...was, title: null, levels: {} }, { ...is, title: null, levels: {} })
    const [en, ja] = isLook
      ? ['looks different', 'の見せ方が変わります']
      : ['is measured differently', 'の測り方が変わります']
    return [change(path, isLook ? 'neutral' : 'loosens', true, `metric "${name}" ${en}`, `指標 "${name}" ${ja}`)]
  })
}

function comparePhases(before: CompiledPlan, after: CompiledPlan): readonly PlanChange[] {
  const order = (plan: CompiledPlan) => plan.phases.map(({ name, exposure }) => ({ name, exposure }))
  const moved = differ(order(before), order(after))
    ? [change('phases', 'loosens', false, 'the phases or their exposure change', '段階かその公開範囲が変わります')]
    : []
  return [
    ...moved,
    ...before.phases.flatMap(was => {
      const is = after.phases.find(({ name }) => name === was.name)
      return is ? comparePhase(was, is) : []
    }),
  ]
}

function comparePhase(was: Phase, is: Phase): readonly PlanChange[] {
  const path = `phases.${was.name}`
  const rest = ['flags', 'experiments', 'ifNotMet'] as const
  const look = ['title', 'show', 'during'] as const
  const of = `phase ${quote(was.name)}`
  const no = `段階 ${quote(was.name)}`
  return [
    ...compareHold(was, is),
    ...compareCriteria(was, is),
    ...compareSteps(`${path}.before`, was.before, is.before),
    ...rest
      .filter(key => differ(was[key], is[key]))
      .map(key => change(`${path}.${key}`, 'loosens', false, `${of}: ${key} changes`, `${no}: ${key} が変わります`)),
    ...look
      .filter(key => differ(was[key], is[key]))
      .map(key => change(`${path}.${key}`, 'neutral', false, `${of}: ${key} changes`, `${no}: ${key} が変わります`)),
  ]
}

function compareHold(was: Phase, is: Phase): readonly PlanChange[] {
  if (was.holdMs === is.holdMs) return []
  const isLonger = is.holdMs === null || (was.holdMs !== null && is.holdMs > was.holdMs)
  const print = (ms: number | null) => (ms === null ? 'open' : printDuration(ms))
  const [from, to] = [print(was.holdMs), print(is.holdMs)]
  return [
    change(
      `phases.${was.name}.hold`,
      isLonger ? 'tightens' : 'loosens',
      true,
      `phase ${quote(was.name)}: hold ${from} becomes ${to}`,
      `段階 ${quote(was.name)}: hold ${from} が ${to} になります`,
    ),
  ]
}

function compareRunbooks(before: CompiledPlan, after: CompiledPlan): readonly PlanChange[] {
  const names = [...new Set([...Object.keys(before.runbooks), ...Object.keys(after.runbooks)])]
  return [
    ...compareSteps('rollback', before.rollback, after.rollback),
    ...compareSteps('followUp', before.followUp, after.followUp),
    ...names.flatMap(name => compareSteps(`runbooks.${name}`, before.runbooks[name] ?? [], after.runbooks[name] ?? [])),
  ]
}
