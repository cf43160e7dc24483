/**
 * Evaluations as the OpenFeature Remote Evaluation Protocol says them.
 *
 * What is said of a flag depends on its definition, the variant and the reason alone, so its JSON is made once for each
 * and kept with the compiled flag; it is gone with the flag's next change.
 */
import {
  type CompiledFlag,
  type Evaluation,
  type EvaluationContext,
  type EvaluationErrorCode,
  type EvaluationReason,
  emptyEvaluation,
  evaluateInto,
} from '@dankai/flags'

export interface OfrepAnswer {
  readonly status: 200 | 400
  readonly json: string
}

/** What one flag has been answered with so far: a few entries, so looking through them is the fastest way to find one. */
export interface AnswerableFlag {
  readonly flag: CompiledFlag
  readonly known: KnownAnswer[]
}

interface KnownAnswer {
  readonly variant: string | null
  readonly reason: EvaluationReason
  readonly isDealt: boolean
  readonly errorCode: EvaluationErrorCode | null
  readonly answer: OfrepAnswer
}

const answerable = new WeakMap<CompiledFlag, AnswerableFlag>()
/** A definition of a hundred variants has fewer; this bounds what a mistake could keep. */
const answersMax = 500

export function answerableFlag(flag: CompiledFlag): AnswerableFlag {
  const known = answerable.get(flag)
  if (known !== undefined) return known
  const made: AnswerableFlag = { flag, known: [] }
  answerable.set(flag, made)
  return made
}

/** Evaluations are read before the next one is made. */
const evaluation: Evaluation = emptyEvaluation()

export function ofrepAnswer({ flag, known }: AnswerableFlag, context: EvaluationContext): OfrepAnswer {
  evaluateInto(flag, context, evaluation)
  const { variant, reason, errorCode } = evaluation
  const isDealt = evaluation.bucket !== null
  for (let index = 0; index < known.length; index++) {
    const one = known[index]!
    if (one.variant === variant && one.reason === reason && one.isDealt === isDealt && one.errorCode === errorCode)
      return one.answer
  }
  const answer = answerOf(flag, evaluation)
  if (known.length < answersMax) known.push({ variant, reason, isDealt, errorCode, answer })
  return answer
}

function answerOf(flag: CompiledFlag, evaluation: Evaluation): OfrepAnswer {
  const { key, kind, version } = flag.definition
  const { value, variant, errorCode } = evaluation
  const metadata = { kind, version }
  if (errorCode !== null) return { status: 400, json: JSON.stringify(failure(flag, evaluation, metadata)) }
  return { status: 200, json: JSON.stringify({ key, value, variant, reason: reasonOf(evaluation), metadata }) }
}

function failure({ definition, problems }: CompiledFlag, { errorCode }: Evaluation, metadata: object) {
  const details: Readonly<Record<string, string>> = {
    TARGETING_KEY_MISSING: `Cannot evaluate flag "${definition.key}": found no targetingKey in the context, expected one to deal users by.`,
    INVALID_CONTEXT: `Cannot evaluate flag "${definition.key}": found a targetingKey that is no text of at most 2048 characters.`,
    PARSE_ERROR: problems[0]?.message ?? `Cannot evaluate flag "${definition.key}": its definition cannot be read.`,
  }
  const code = errorCode !== null && Object.hasOwn(details, errorCode) ? errorCode : 'GENERAL'
  return { key: definition.key, errorCode: code, errorDetails: details[code] ?? String(errorCode), metadata }
}

/** The protocol knows STATIC, TARGETING_MATCH, SPLIT, DISABLED and UNKNOWN, and no DEFAULT. */
function reasonOf({ reason, bucket }: Evaluation): string {
  switch (reason) {
    case 'OFF':
    case 'KILLED':
      return 'DISABLED'
    case 'TARGETED':
    case 'RULE':
      return 'TARGETING_MATCH'
    case 'COHORT':
    case 'SHARE':
    case 'SPLIT':
      return 'SPLIT'
    case 'DEFAULT':
    case 'OUTSIDE':
      return bucket === null ? 'STATIC' : 'SPLIT'
    case 'ON':
      return 'STATIC'
    default:
      return 'UNKNOWN'
  }
}
