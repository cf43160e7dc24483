/**
 * What flags are answered with, and how often each answer was given.
 *
 *  1. An answer depends on the definition, the variant and the reason alone, so it is made once for each and kept with
 *     the compiled flag; it is gone with the flag's next change. A flag has as many as it has variants and reasons.
 *  2. To count is to add one to a number of the answer. Those counted since the last telling are held until the next,
 *     also when their flag has changed meanwhile.
 *  3. An answer about one flag was asked for by somebody who uses it. One among all flags says only that somebody reads
 *     all of them, and is counted apart.
 */
import {
  type CompiledFlag,
  type EvaluationContext,
  type EvaluationErrorCode,
  type EvaluationReason,
  emptyEvaluation,
  evaluateInto,
} from '@dankai/flags'
import type { Scope } from '@dankai/store'
import type { Application } from '../../application.ts'
import { type OfrepAnswer, ofrepAnswer } from './ofrep-answer.ts'

/** A few entries, so looking through them is the fastest way to find one. */
export interface AnswerableFlag {
  readonly scope: Scope
  readonly flag: CompiledFlag
  readonly given: GivenAnswer[]
}

export interface GivenAnswer extends OfrepAnswer {
  readonly of: AnswerableFlag
  readonly variant: string | null
  readonly reason: EvaluationReason
  readonly isDealt: boolean
  readonly inExperiment: boolean
  readonly errorCode: EvaluationErrorCode | null
  /** What the client serves; null when it was told an error, upon which it serves its own default. */
  readonly served: string | null
  /** Since it was last told. */
  timesAlone: number
  timesAmongAll: number
}

const whoAlone = 'ofrep'
const whoAmongAll = 'ofrep, all flags'

/** Evaluations are read before the next one is made. */
const evaluation = emptyEvaluation()

export function answerTo(asked: AnswerableFlag, context: EvaluationContext): GivenAnswer {
  const { flag, given } = asked
  evaluateInto(flag, context, evaluation)
  const { variant, reason, inExperiment, errorCode } = evaluation
  const isDealt = evaluation.bucket !== null
  for (let index = 0; index < given.length; index++) {
    const one = given[index]!
    if (
      one.variant === variant &&
      one.reason === reason &&
      one.isDealt === isDealt &&
      one.inExperiment === inExperiment &&
      one.errorCode === errorCode
    )
      return one
  }
  const served = errorCode === null ? variant : null
  const made: GivenAnswer = {
    ...ofrepAnswer(flag, evaluation),
    ...{ of: asked, variant, reason, isDealt, inExperiment, errorCode, served, timesAlone: 0, timesAmongAll: 0 },
  }
  given.push(made)
  return made
}

/** As SDKs see it: a split that is an experiment chose the variant, or a flag for experiments dealt it. */
export const isExposure = ({ of, inExperiment, isDealt }: GivenAnswer): boolean =>
  inExperiment || (isDealt && of.flag.definition.kind === 'experiment')

export class GivenAnswers {
  readonly #flags = new WeakMap<CompiledFlag, AnswerableFlag>()
  #alone: GivenAnswer[] = []
  #amongAll: GivenAnswer[] = []

  /** `scope`: the environment that the flag was compiled for. */
  flagOf(scope: Scope, flag: CompiledFlag): AnswerableFlag {
    const known = this.#flags.get(flag)
    if (known !== undefined) return known
    const made: AnswerableFlag = { scope, flag, given: [] }
    this.#flags.set(flag, made)
    return made
  }

  countAlone(answer: GivenAnswer): void {
    if (answer.timesAlone++ === 0) this.#alone.push(answer)
  }

  countAmongAll(answer: GivenAnswer): void {
    if (answer.timesAmongAll++ === 0) this.#amongAll.push(answer)
  }

  /** Tells what was counted since it was last told. */
  tell(evaluations: Pick<Application['evaluations'], 'record'>, at: number): void {
    const [alone, amongAll] = [this.#alone, this.#amongAll]
    this.#alone = []
    this.#amongAll = []
    for (const answer of alone) {
      const { of, served, timesAlone } = answer
      evaluations.record(of.scope, of.flag.definition.key, served, timesAlone, at, whoAlone)
      answer.timesAlone = 0
    }
    for (const answer of amongAll) {
      const { of, served, timesAmongAll } = answer
      evaluations.record(of.scope, of.flag.definition.key, served, timesAmongAll, at, whoAmongAll)
      answer.timesAmongAll = 0
    }
  }
}
