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
  emptyEvaluation,
  evaluateInto,
} from '@dankai/flags'

export interface OfrepAnswer {
  readonly status: 200 | 400
  readonly json: string
}

const answers = new WeakMap<CompiledFlag, Map<string, OfrepAnswer>>()
/** A definition has far fewer; this bounds what a mistake could keep. */
const answersMax = 2_000

/** Evaluations are read before the next one is made. */
const evaluation: Evaluation = emptyEvaluation()

export function ofrepAnswer(flag: CompiledFlag, context: EvaluationContext): OfrepAnswer {
  evaluateInto(flag, context, evaluation)
  const { variant, reason, bucket, errorCode } = evaluation
  const slot = `${reason}\n${bucket === null ? '' : 'bucket'}\n${errorCode ?? ''}\n${variant ?? ''}`
  const known = answers.get(flag)
  const found = known?.get(slot)
  if (found !== undefined) return found
  const answer = answerOf(flag, evaluation)
  if (known === undefined) answers.set(flag, new Map([[slot, answer]]))
  else if (known.size < answersMax) known.set(slot, answer)
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
