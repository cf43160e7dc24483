/**
 * What a request has and what it should have, in the grammar of all messages.
 *
 * A value is shown where that helps and cannot tell a secret: numbers, and texts that should have been a word of a list
 * or of a form. Of other texts only the length is said.
 */
import type { z } from 'zod'

type Issue = z.core.$ZodIssue

export interface DescribedIssue {
  readonly path: string
  readonly message: string
}

export function describeIssue(issue: Issue, given: unknown): DescribedIssue {
  const found = valueAt(given, issue.path)
  if (issue.code === 'invalid_union') return describeUnion(issue, given, found)
  return { path: issue.path.join('.'), message: sentenceOf(issue, found) }
}

function sentenceOf(issue: Issue, found: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return sentence(kindOf(found), nouns[issue.expected] ?? issue.expected)
    case 'invalid_value':
      return sentence(shown(found, issue.path), oneOf(issue.values))
    case 'too_big':
      return sentence(sizeOf(found, issue.origin), `at most ${issue.maximum}${unitOf(issue.origin)}`)
    case 'too_small':
      return sentence(sizeOf(found, issue.origin), `at least ${issue.minimum}${unitOf(issue.origin)}`)
    case 'unrecognized_keys':
      return sentence(issue.keys.slice(0, 10).map(quoted).join(', '), 'no such field')
    case 'invalid_format':
      return sentence(shown(found, issue.path), formats[issue.format] ?? issue.message)
    case 'invalid_key':
      return sentence(`the name ${quoted(String(issue.path.at(-1)))}`, issue.issues[0]?.message ?? 'another')
    default:
      return issue.message
  }
}

/** Of the forms a value may have, the one that it comes nearest to is the one that was meant. */
function describeUnion(
  { path, errors }: Extract<Issue, { code: 'invalid_union' }>,
  given: unknown,
  found: unknown,
): DescribedIssue {
  const meant = errors.filter(issues => issues.every(issue => issue.path.length > 0))
  const [nearest] = meant.toSorted((one, other) => one.length - other.length)
  const [first] = nearest ?? []
  if (first !== undefined) return describeIssue({ ...first, path: [...path, ...first.path] }, given)
  const kinds = errors.flatMap(([issue]) => (issue?.code === 'invalid_type' ? [nouns[issue.expected] ?? ''] : []))
  const expected = [...new Set(kinds)].filter(kind => kind !== '').join(' or ')
  return { path: path.join('.'), message: sentence(kindOf(found), expected || 'another form') }
}

const sentence = (found: string, expected: string): string => `found ${found}, expected ${expected}`

const nouns: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  null: 'null',
}

const formats: Readonly<Record<string, string>> = {
  uuid: 'a UUID',
  datetime: 'a time such as 2026-11-24T09:00:00+09:00',
  url: 'a URL',
  email: 'an e-mail address',
}

function kindOf(found: unknown): string {
  if (found === undefined) return 'nothing'
  if (found === null || typeof found === 'number' || typeof found === 'boolean') return String(found)
  if (typeof found === 'string') return 'a text'
  return Array.isArray(found) ? 'a list' : 'an object'
}

const shownMax = 60

function shown(found: unknown, path: Issue['path']): string {
  const isSecret = path.some(step => /secret|password|token/i.test(String(step)))
  return typeof found === 'string' && !isSecret ? quoted(found) : kindOf(found)
}

const quoted = (text: string): string => JSON.stringify(text.length > shownMax ? `${text.slice(0, shownMax)}…` : text)

/** Numbers of a query come as texts. */
function sizeOf(found: unknown, origin: string): string {
  if (typeof found === 'string') return origin === 'string' ? `${found.length} characters` : quoted(found)
  return Array.isArray(found) ? `${found.length} items` : kindOf(found)
}

const units: Readonly<Record<string, string>> = { string: ' characters', array: ' items' }

const unitOf = (origin: string): string => units[origin] ?? ''

function oneOf(values: readonly unknown[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${values.slice(0, 50).join(', ')}`
}

/** Own properties alone: a path is what somebody sent. */
function valueAt(given: unknown, path: Issue['path']): unknown {
  let found = given
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined
    found = (found as Readonly<Record<PropertyKey, unknown>>)[step]
  }
  return found
}
