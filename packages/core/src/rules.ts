import type { Rule } from '@dankai/plan'
import { isExposed } from './exposure.ts'
import { type Judgement, judge } from './judge.ts'
import { indexOf } from './plan-index.ts'
import type { Turn } from './turn.ts'

/**
 * Rollback rules: watched in every phase, gates included, whether paused, halted or waiting.
 *
 *   (clear) ─ pending ─ fired ─ answered ─ (clear)
 *
 * Invariants
 *  1. Every rule that is met is recorded before any consequence is drawn; then the strongest acts:
 *     now > within (earliest deadline) > decide > halt > hold (CA-48).
 *  2. `within` and `decide` are latched: the condition clearing alone undoes nothing. A person may cancel, with a reason.
 *  3. Missing data fires nothing: only `yes` fires, only `no` clears.
 */
export function watchRules(turn: Turn): void {
  if (turn.running === null) return
  for (const rule of rulesInScope(turn)) watchRule(turn, rule)
  drawConsequence(turn)
}

/** Rules whose scope is the whole release or the present phase. A phase's rules stay until the next phase is entered. */
export function rulesInScope(turn: Turn): readonly Rule[] {
  const { rulesOfRelease, rulesOfPhase } = indexOf(turn.plan)
  return turn.running === null ? rulesOfRelease : (rulesOfPhase[turn.running.phase] ?? rulesOfRelease)
}

/** The first rule that would roll back now. */
export function metNowRule(turn: Turn): Rule | null {
  return rulesInScope(turn).find(rule => rule.consequence.kind === 'now' && metJudgement(turn, rule) !== null) ?? null
}

/** The first rule that forbids raising by being met: a now-rule stops a start instead of rolling back nothing. */
export function metStoppingRule(turn: Turn): Rule | null {
  const stops = (rule: Rule): boolean => rule.consequence.kind === 'now' || rule.consequence.kind === 'hold'
  return rulesInScope(turn).find(rule => stops(rule) && metJudgement(turn, rule) !== null) ?? null
}

function metJudgement(turn: Turn, rule: Rule): Judgement | null {
  for (const condition of rule.anyOf) {
    const judgement = judge({ ...turn.input, state: turn.state }, condition)
    if (judgement.met === 'yes') return judgement
  }
  return null
}

function watchRule(turn: Turn, rule: Rule): void {
  const judgements = rule.anyOf.map(condition =>
    judge({ plan: turn.plan, state: turn.state, evidence: turn.input.evidence, now: turn.now }, condition),
  )
  const met = judgements.find(judgement => judgement.met === 'yes')
  const before = turn.state.rules[rule.id]
  if (met !== undefined) {
    if (before === undefined || before.status === 'pending') fire(turn, rule, met)
    return
  }
  const pending = judgements.find(judgement => judgement.holds === 'yes' && judgement.metAt !== null)
  if (pending !== undefined) {
    turn.wake(pending.metAt)
    if (before === undefined) {
      turn.emit({
        type: 'TriggerPending',
        rule: rule.id,
        name: rule.name,
        since: pending.trueSince ?? turn.now,
        firesAt: pending.metAt,
      })
    }
    return
  }
  const isClear = judgements.every(
    judgement =>
      judgement.holds === 'no' ||
      (judgement.holds === 'unknown' && before?.status === 'pending' && judgement.trueSince === null),
  )
  if (before !== undefined && isClear && !isLatched(turn, rule))
    turn.emit({ type: 'TriggerCleared', rule: rule.id, name: rule.name })
}

/** A latched rule stays until a person answers or cancels it. */
function isLatched(turn: Turn, rule: Rule): boolean {
  const state = turn.state.rules[rule.id]
  return state?.status === 'fired' && (rule.consequence.kind === 'within' || rule.consequence.kind === 'decide')
}

function fire(turn: Turn, rule: Rule, met: Judgement): void {
  turn.emit({
    type: 'TriggerFired',
    rule: rule.id,
    name: rule.name,
    text: met.text,
    value: met.value,
    limit: met.limit,
  })
  if (rule.consequence.kind === 'decide') {
    const { ms, otherwise } = rule.consequence
    turn.emit({ type: 'DecisionAsked', rule: rule.id, because: met.text, deadline: turn.now + ms, otherwise })
  }
  if (rule.consequence.kind === 'halt' && turn.state.halted === null) {
    turn.emit({ type: 'Halted', because: `${rule.name}: ${met.text}`, rule: rule.id, by: null })
  }
}

function drawConsequence(turn: Turn): void {
  const fired = rulesInScope(turn).filter(rule => turn.state.rules[rule.id]?.status === 'fired')
  const now = fired.find(rule => rule.consequence.kind === 'now')
  if (now !== undefined) return startRollback(turn, describe(turn, now), now.id, null)
  for (const rule of fired) {
    const rollbackAt = turn.state.rules[rule.id]?.rollbackAt ?? null
    if (rollbackAt === null) continue
    if (turn.now >= rollbackAt) return startRollback(turn, describe(turn, rule), rule.id, null)
    turn.wait({ kind: 'latched', rule: rule.id, name: rule.name, rollbackAt })
    turn.wake(rollbackAt)
  }
  answerSilence(turn)
}

/** An unanswered question falls to the default the plan declares. */
function answerSilence(turn: Turn): void {
  for (const [rule, open] of Object.entries(turn.state.decisions)) {
    if (turn.now < open.deadline) {
      turn.wait({ kind: 'decision', rule, because: open.because, deadline: open.deadline, otherwise: open.otherwise })
      turn.wake(open.deadline)
      continue
    }
    turn.emit({ type: 'DecisionAnswered', rule, answer: open.otherwise, by: null, why: null })
    if (open.otherwise === 'rollback') {
      const minutes = open.deadline - open.askedAt
      return startRollback(turn, `no answer within ${durationText(minutes)} to "${open.because}"`, rule, null)
    }
  }
}

function describe(turn: Turn, rule: Rule): string {
  const text = turn.state.rules[rule.id]?.text ?? ''
  return text === rule.name || text === '' ? rule.name : `${rule.name}: ${text}`
}

/** "24h", "90s", "2d": the largest unit that divides it. */
export function durationText(ms: number): string {
  const units: readonly (readonly [string, number])[] = [
    ['w', 604_800_000],
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ]
  // 24 h is written as hours in the documents, so a single day is not shortened.
  const unit = units.find(([name, size]) => ms % size === 0 && ms / size >= (name === 'd' ? 2 : 1))
  return unit === undefined ? `${ms}ms` : `${ms / unit[1]}${unit[0]}`
}

/**
 * Begins the way back. Exposure is lowered here, not by a step of the runbook: no step in front of `expose` may delay
 * it. Two cases follow the runbook's own order instead: a shaped lowering whose first share is above 0, and the runbook
 * that replaces `rollback` after an irreversible step, because the old version may be gone.
 */
export function startRollback(
  turn: Turn,
  because: string,
  rule: string | null,
  by: string | null,
  runbook: string | null = null,
): void {
  const wayBack = runbook ?? turn.state.wayBack
  turn.emit({ type: 'RollbackStarted', because, rule, by, runbook: wayBack })
  const followsRunbook =
    wayBack !== null && wayBack !== 'abort' ? true : wayBack === null && indexOf(turn.plan).firstRollbackShare > 0
  const { desired, generation, reached } = turn.state.exposure
  if (followsRunbook) return
  if (isExposed(desired) || desired.shadow || !reached) {
    turn.emit({
      type: 'ExposureChanged',
      exposure: { share: 0, cohorts: [], shadow: false },
      generation: generation + 1,
      direction: 'lower',
    })
  }
}
