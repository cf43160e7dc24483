import type { EvidenceReader, Verdict } from '@dankai/analysis'
import type { CompiledPlan, Condition, ReportedTerm, Step, Term } from '@dankai/plan'
import type { ReleaseState } from './state.ts'

export type Answer = 'yes' | 'no' | 'unknown'

/** What a whole condition says now, with the numbers of the term that decided it. */
export interface Judgement {
  readonly met: Answer
  /** The newest sample alone, without its duration. */
  readonly holds: Answer
  readonly text: string
  readonly value: number | null
  readonly limit: number | null
  readonly samples: number | null
  readonly samplesNeeded: number | null
  readonly verdict: Verdict | null
  readonly trueSince: number | null
  readonly metAt: number | null
}

export interface JudgeInput {
  readonly plan: CompiledPlan
  readonly state: ReleaseState
  readonly evidence: EvidenceReader
  readonly now: number
}

/**
 * Judges a condition tree. `unknown` is contagious where it could change the answer: all(yes, unknown) is unknown,
 * all(no, unknown) is no.
 */
export function judge(input: JudgeInput, condition: Condition): Judgement {
  switch (condition.kind) {
    case 'all':
      return joinAll(
        condition.text,
        condition.of.map(part => judge(input, part)),
      )
    case 'any':
      return joinAny(
        condition.text,
        condition.of.map(part => judge(input, part)),
      )
    default:
      return judgeTerm(input, condition)
  }
}

/** True when the condition compares with the baseline somewhere. */
export function comparesWithBaseline(condition: Condition): boolean {
  switch (condition.kind) {
    case 'all':
    case 'any':
      return condition.of.some(comparesWithBaseline)
    case 'metric':
      return condition.limit.kind === 'reference' && condition.limit.reference === 'baseline'
    case 'differs':
      return condition.from === 'baseline'
    default:
      return false
  }
}

function judgeTerm(input: JudgeInput, term: Term): Judgement {
  switch (term.kind) {
    case 'metric':
    case 'differs':
    case 'noData': {
      const assessment = input.evidence.assess(term.id)
      return { ...assessment, text: term.text }
    }
    case 'reported':
      return judgeReported(input, term)
    case 'check':
      return plain(
        term.text,
        checkOutcome(input, term.check) === term.outcome
          ? 'yes'
          : checkOutcome(input, term.check) === null
            ? 'unknown'
            : 'no',
      )
  }
}

function judgeReported(input: JudgeInput, term: ReportedTerm): Judgement {
  const signal = input.state.signals[term.signal]
  if (term.not) return plain(term.text, signal === undefined ? 'yes' : 'no')
  if (signal === undefined) return plain(term.text, 'no')
  const { span } = term
  if (span === null) return plain(term.text, 'yes', signal.since)
  if (span.kind === 'for') {
    const metAt = signal.since + span.ms
    return { ...plain(term.text, input.now >= metAt ? 'yes' : 'no', signal.since), holds: 'yes', metAt }
  }
  const windowMs = span.ms
  const times = span.kind === 'times' ? span.times : 1
  const counted = windowMs === null ? signal.times : signal.times.filter(at => at > input.now - windowMs)
  return plain(term.text, counted.length >= times ? 'yes' : 'no', signal.since)
}

/** passed: every step of the set is done. failed: one failed. null: not run, or still running. */
export function checkOutcome(input: Pick<JudgeInput, 'plan' | 'state'>, check: string): 'passed' | 'failed' | null {
  const leaves = (input.plan.checks[check] ?? []).flatMap(leavesOf)
  const statuses = leaves.map(step => input.state.steps[step.id]?.status ?? 'idle')
  if (statuses.some(status => status === 'failed')) return 'failed'
  return statuses.length > 0 && statuses.every(status => status === 'done' || status === 'skipped') ? 'passed' : null
}

/** The steps that are worked on themselves: groups and checklists opened. */
export function leavesOf(step: Step): readonly Step[] {
  if (step.action.verb === 'do') return step.action.steps.flatMap(leavesOf)
  if (step.action.verb === 'checklist') return step.action.items.flatMap(leavesOf)
  return [step]
}

function plain(text: string, met: Answer, trueSince: number | null = null): Judgement {
  return {
    met,
    holds: met,
    text,
    value: null,
    limit: null,
    samples: null,
    samplesNeeded: null,
    verdict: null,
    trueSince,
    metAt: null,
  }
}

function joinAll(text: string, parts: readonly Judgement[]): Judgement {
  const met = answerOfAll(parts.map(part => part.met))
  // The part that keeps it from being met explains it; when all are met, the first.
  const telling = parts.find(part => part.met === met) ?? parts[0]
  const metAts = parts.filter(part => part.met !== 'yes').map(part => part.metAt)
  return {
    ...(telling ?? plain(text, met)),
    text,
    met,
    holds: answerOfAll(parts.map(part => part.holds)),
    trueSince: parts.every(part => part.trueSince !== null)
      ? Math.max(...parts.map(part => part.trueSince ?? 0))
      : null,
    metAt: metAts.length > 0 && metAts.every(at => at !== null) ? Math.max(...metAts.map(at => at ?? 0)) : null,
  }
}

function joinAny(text: string, parts: readonly Judgement[]): Judgement {
  const met = answerOfAny(parts.map(part => part.met))
  const telling = parts.find(part => part.met === met) ?? parts[0]
  const metAts = parts.map(part => part.metAt).filter(at => at !== null)
  const sinces = parts.map(part => part.trueSince).filter(at => at !== null)
  return {
    ...(telling ?? plain(text, met)),
    text: met === 'yes' && telling !== undefined ? telling.text : text,
    met,
    holds: answerOfAny(parts.map(part => part.holds)),
    trueSince: sinces.length > 0 ? Math.min(...sinces) : null,
    metAt: metAts.length > 0 ? Math.min(...metAts) : null,
  }
}

function answerOfAll(answers: readonly Answer[]): Answer {
  if (answers.includes('no')) return 'no'
  return answers.includes('unknown') ? 'unknown' : 'yes'
}

function answerOfAny(answers: readonly Answer[]): Answer {
  if (answers.includes('yes')) return 'yes'
  return answers.includes('unknown') ? 'unknown' : 'no'
}
