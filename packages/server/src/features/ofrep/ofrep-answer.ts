/** Evaluations as the OpenFeature Remote Evaluation Protocol says them. */
import type { CompiledFlag, Evaluation } from '@dankai/flags'

export interface OfrepAnswer {
  readonly status: 200 | 400
  readonly json: string
}

export function ofrepAnswer(flag: CompiledFlag, evaluation: Evaluation): OfrepAnswer {
  const { key, kind, version } = flag.definition
  const { value, variant, errorCode } = evaluation
  const metadata = { kind, version }
  if (errorCode !== null) return { status: 400, json: JSON.stringify(failure(flag, evaluation, metadata)) }
  return { status: 200, json: JSON.stringify({ key, value, variant, reason: reasonOf(evaluation), metadata }) }
}

function failure({ definition, problems }: CompiledFlag, { errorCode }: Evaluation, metadata: object) {
  const details: Readonly<Record<string, string>> = {
    TARGETING_KEY_MISSING: `Cannot evaluate flag "${definition.key}": found no targetingKey in the context, expected one to deal users by.`,
    INVALID_CONTEXT: `Cannot evaluate flag "${definition.key}": found a targetingKey of another form, expected a text of at most 2048 characters.`,
    PARSE_ERROR:
      problems[0]?.message ??
      `Cannot evaluate flag "${definition.key}": found a definition that cannot be read, expected a sound one.`,
  }
  const code = errorCode !== null && Object.hasOwn(details, errorCode) ? errorCode : 'GENERAL'
  const why = details[code] ?? `Cannot evaluate flag "${definition.key}": found error ${errorCode}, expected a value.`
  return { key: definition.key, errorCode: code, errorDetails: why, metadata }
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
