import type { Criterion, Phase } from '../compiled-plan.ts'
import { termsOf } from '../lint/conditions.ts'
import { hasSameMeaning, implies } from '../lint/implication.ts'
import { quote } from '../problem.ts'
import type { PlanChange } from './plan-difference.ts'
import { change, differ } from './plan-difference.ts'

/** Criteria all must hold, so one more tightens, and one that implies the old one tightens. */
export function compareCriteria(was: Phase, is: Phase): readonly PlanChange[] {
  const gone = was.promoteWhen.filter(old => !is.promoteWhen.some(now => isSame(old, now)))
  const come = is.promoteWhen.filter(now => !was.promoteWhen.some(old => isSame(old, now)))
  const changes: PlanChange[] = []
  const path = `phases.${was.name}.promoteWhen`
  for (const old of gone) {
    const at = come.findIndex(now => subjectOf(now) === subjectOf(old))
    const [now] = at < 0 ? [undefined] : come.splice(at, 1)
    changes.push(now ? describeChanged(path, was.name, old, now) : describeRemoved(path, was.name, old))
  }
  for (const now of come) {
    const text = quote(textOf(now))
    changes.push(
      change(
        path,
        'tightens',
        true,
        `phase ${quote(was.name)}: ${text} is added`,
        `段階 ${quote(was.name)}: ${text} が加わります`,
      ),
    )
  }
  return changes
}

function isSame(one: Criterion, other: Criterion): boolean {
  if (one.kind === 'condition' && other.kind === 'condition') return hasSameMeaning(one.condition, other.condition)
  return one.kind === other.kind && !differ(one, other)
}

function textOf(criterion: Criterion): string {
  return criterion.kind === 'condition' ? criterion.condition.text : criterion.step.name
}

/** What two criteria must have in common to be the old and the new form of one. */
function subjectOf(criterion: Criterion): string {
  if (criterion.kind === 'step') return `step ${criterion.step.name}`
  return termsOf(criterion.condition)
    .map(term => (term.kind === 'reported' ? term.signal : term.kind === 'check' ? term.check : term.metric))
    .join(' ')
}

function describeChanged(path: string, phase: string, old: Criterion, now: Criterion): PlanChange {
  const tightens = old.kind === 'condition' && now.kind === 'condition' && implies(now.condition, old.condition)
  const [from, to] = [quote(textOf(old)), quote(textOf(now))]
  return change(
    path,
    tightens ? 'tightens' : 'loosens',
    true,
    `phase ${quote(phase)}: ${from} becomes ${to}`,
    `段階 ${quote(phase)}: ${from} が ${to} になります`,
  )
}

function describeRemoved(path: string, phase: string, old: Criterion): PlanChange {
  const text = quote(textOf(old))
  return change(
    path,
    'loosens',
    true,
    `phase ${quote(phase)}: ${text} is removed`,
    `段階 ${quote(phase)}: ${text} がなくなります`,
  )
}
