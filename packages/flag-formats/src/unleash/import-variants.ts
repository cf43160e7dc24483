/** Variants of Unleash, of a strategy or of the whole feature, as a split of ours. */
import { type JsonValue, type Serve, weightTotal } from '@dankai/flags'
import { type Fields, fieldsOf, textOf } from '../given-json.ts'

export interface GivenVariant {
  readonly name: string
  readonly weight: number
  readonly stickiness: string
  readonly value: JsonValue
  readonly overrides: readonly Fields[]
}

export function readVariant(given: unknown, note: (why: string) => void): GivenVariant | null {
  const fields = fieldsOf(given)
  const name = textOf(fields['name'])
  if (name === null || name === '') return null
  const weight = Number(fields['weight'])
  return {
    name,
    weight: Number.isFinite(weight) && weight > 0 ? weight : 0,
    stickiness: textOf(fields['stickiness']) ?? '',
    value: payloadValue(fieldsOf(fields['payload']), name, note),
    overrides: Array.isArray(fields['overrides']) ? fields['overrides'].map(fieldsOf) : [],
  }
}

/** Without a payload the name is all that a client is told. */
function payloadValue(payload: Fields, name: string, note: (why: string) => void): JsonValue {
  const text = textOf(payload['value'])
  if (text === null) return name
  switch (payload['type']) {
    case 'number':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
    case 'json':
      try {
        return JSON.parse(text) as JsonValue
      } catch {
        note(`the payload of variant "${name}" is no JSON; it is kept as text`)
        return text
      }
    case 'csv':
      note(`the payload of variant "${name}" is a list of values; it is kept as text`)
      return text
    default:
      return text
  }
}

/** Null when no variant has a weight, for which its clients show none. */
export function serveOf(
  variants: readonly GivenVariant[],
  bucket: { readonly by: string | null; readonly seed: string },
  note: (why: string) => void,
): Serve | null {
  const weighty = variants.filter(({ weight }) => weight > 0)
  const [only] = weighty
  if (only === undefined) return null
  if (weighty.length === 1) return { variant: only.name }
  const total = weighty.reduce((sum, { weight }) => sum + weight, 0)
  if (total !== 1_000) note(`the weights sum to ${total} instead of 1000; users are dealt anew`)
  return { split: partsOf(weighty, total), ...bucket, experiment: true }
}

/** In thousandths, as Unleash has them; the last part has what rounding leaves. */
function partsOf(variants: readonly GivenVariant[], total: number) {
  let left = weightTotal
  return variants.map(({ name, weight }, index) => {
    const part = index === variants.length - 1 ? left : Math.round((weight * 1_000) / total) * 100
    left -= part
    return { variant: name, weight: part }
  })
}
