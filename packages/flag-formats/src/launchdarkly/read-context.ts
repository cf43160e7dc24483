/**
 * A context of LaunchDarkly as one of ours: the part of kind `user`, as this evaluator knows one kind of key.
 *
 * An older user (without `kind`) has its `custom` attributes beside the others, as LaunchDarkly's clients place them. So
 * that conditions may say `custom.plan` as well, `custom` leads to all attributes when the context has none itself.
 */
import type { EvaluationContext } from '@dankai/flags'
import { type Fields, fieldsOf, isFields } from '../given-json.ts'

export type ReadContext =
  | { readonly ok: true; readonly context: EvaluationContext }
  | { readonly ok: false; readonly why: string }

export function readLaunchDarklyContext(given: unknown): ReadContext {
  if (!isFields(given)) return { ok: false, why: 'found no object, expected a context with kind and key' }
  const { kind } = given
  if (kind === undefined || kind === null) return readOlderUser(given)
  if (typeof kind !== 'string' || !/^[\w.-]+$/.test(kind) || kind === 'kind')
    return { ok: false, why: 'found a kind that is none, expected a name such as "user"' }
  return kind === 'multi' ? readSeveralKinds(given) : readKind(kind, given)
}

function readKind(kind: string, given: Fields): ReadContext {
  const { key } = given
  if (typeof key !== 'string' || key === '')
    return { ok: false, why: `found no key of kind "${kind}", expected a text` }
  // What is known of somebody else says nothing about a user.
  return { ok: true, context: kind === 'user' ? contextOf({ ...given }, key, ['user']) : { kind: [kind] } }
}

function readSeveralKinds(given: Fields): ReadContext {
  const { kind: _, ...kinds } = given
  const names = Object.keys(kinds)
  if (names.length === 0) return { ok: false, why: 'found no kind, expected at least one' }
  for (const name of names) {
    const part = kinds[name]
    if (!isFields(part)) return { ok: false, why: `found no object for kind "${name}", expected one with a key` }
    const read = readKind(name, part)
    if (!read.ok) return read
  }
  const user = kinds['user'] as Fields | undefined
  if (user === undefined) return { ok: true, context: { kind: names } }
  return { ok: true, context: contextOf({ ...user }, user['key'] as string, names) }
}

function readOlderUser(given: Fields): ReadContext {
  const { key, custom, privateAttributeNames: _, ...attributes } = given
  if (key === undefined || key === null) return { ok: false, why: 'found no key, expected one' }
  return { ok: true, context: contextOf({ ...fieldsOf(custom), ...attributes }, String(key), ['user']) }
}

function contextOf(attributes: Record<string, unknown>, key: string, kinds: readonly string[]): EvaluationContext {
  const [only] = kinds
  const kind = kinds.length === 1 ? only : kinds
  const context = { ...attributes, key, kind, anonymous: attributes['anonymous'] === true, targetingKey: key }
  return { ...context, custom: attributes['custom'] ?? context }
}
