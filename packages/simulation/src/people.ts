import type { Action, ActionBody, ReleaseState } from '@dankai/core'
import { findStep } from '@dankai/insight'
import type { CompiledPlan, Step } from '@dankai/plan'

/**
 * The people of a simulation answer what they are asked, at once: they approve, confirm, and let a release go on when
 * a decision is asked. Whoever is absent is silent.
 *
 * What they never do by themselves, because it is an initiative and not an answer: report a signal, pause, promote,
 * retry or skip a failed step, close an open phase, roll back. A script says so where it is wanted.
 */
export interface People {
  setAbsent(absence: Absence): void
  setPresent(roles: readonly string[], at: number): void
  /** Next moment at which somebody is back. */
  nextChange(after: number): number | null
  /** What is answered now, given what the release asks. */
  answers(state: ReleaseState, now: number): readonly Action[]
}

export interface Absence {
  /** Role names as in the plan; "everyone" for all of them. */
  readonly roles: readonly string[]
  readonly from: number
  /** Exclusive; null = for good. */
  readonly to: number | null
}

/** Who answers a decision: the first of these who is there. */
const deciders: readonly string[] = ['on-call', 'tech-lead']

export function createPeople(plan: CompiledPlan): People {
  let absences: readonly Absence[] = []
  const isPresent = (role: string, now: number): boolean =>
    !absences.some(
      absence =>
        absence.from <= now &&
        (absence.to === null || now < absence.to) &&
        (absence.roles.includes(role) || absence.roles.includes('everyone')),
    )
  return {
    setAbsent(absence) {
      absences = [...absences, absence]
    },
    setPresent(roles, at) {
      absences = absences.flatMap(absence => endAbsence(absence, roles, at))
    },
    nextChange(after) {
      const ends = absences.flatMap(({ to }) => (to !== null && to > after ? [to] : []))
      return ends.length === 0 ? null : Math.min(...ends)
    },
    answers(state, now) {
      const asked = Object.entries(state.steps).filter(([, step]) => step.status === 'asking')
      const answered = asked.flatMap(([id, asking]) => {
        const step = findStep(plan, id)
        return step === undefined ? [] : answerStep(step, asking.answers.length, role => isPresent(role, now))
      })
      const decider = deciders.find(role => isPresent(role, now))
      const decided = decider === undefined ? [] : Object.keys(state.decisions).map(rule => decide(decider, rule))
      return [...answered, ...decided]
    },
  }
}

/** Who is named is back from `at` on; the others of the same absence stay away. */
function endAbsence(absence: Absence, roles: readonly string[], at: number): readonly Absence[] {
  const back = absence.roles.filter(role => roles.includes(role) || roles.includes('everyone'))
  if (back.length === 0) return [absence]
  const away = absence.roles.filter(role => !back.includes(role))
  return [{ ...absence, roles: back, to: at }, ...(away.length === 0 ? [] : [{ ...absence, roles: away }])]
}

function answerStep(step: Step, have: number, isPresent: (role: string) => boolean): readonly Action[] {
  const { action } = step
  if (action.verb === 'approve') {
    if (!isPresent(action.role)) return []
    return Array.from({ length: Math.max(0, action.count - have) }, (_, index) =>
      actionBy(`${action.role}-${have + index + 1}`, action.role, {
        type: 'approve',
        step: step.id,
        role: action.role,
      }),
    )
  }
  const role = step.by ?? 'anyone'
  // Asked once, answered once: what was asked of a phase that is being rolled back nobody waits for any more.
  if (action.verb !== 'confirm' || have > 0 || !isPresent(role)) return []
  return [actionBy(role, role, { type: 'confirm', step: step.id, evidence: step.evidence })]
}

function decide(decider: string, rule: string): Action {
  return actionBy(decider, decider, { type: 'answer', rule, answer: 'continue' })
}

export function actionBy(by: string, role: string, body: ActionBody, why: string | null = 'simulated'): Action {
  return { by, roles: [role], why, expected: null, body }
}
