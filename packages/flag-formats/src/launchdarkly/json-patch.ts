/**
 * JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7396), on copies.
 *
 * A few operations that copy what they have just copied would make a document that fills all memory, or that is too deep
 * to walk through; both are bounded.
 */
import type { JsonValue } from '@dankai/flags'
import { isFields } from '../given-json.ts'
import { PatchProblem } from './patch-problem.ts'

const operationsMax = 1_000
/** Of all copies together; a request has no more either. */
const copiedLengthMax = 1_000_000
/** A request has 100 levels, and its values stand a few levels down in a flag. */
const depthMax = 120

type Fields = Record<string, JsonValue>
type Holder = JsonValue[] | Fields

export function applyJsonPatch(document: JsonValue, patch: unknown): JsonValue {
  if (!Array.isArray(patch) || patch.length > operationsMax)
    throw new PatchProblem(400, `found no list of at most ${operationsMax} operations, expected a JSON Patch`)
  // An object around the document, so that the document itself can be replaced like anything in it.
  const holder: Fields = { '': structuredClone(document) as JsonValue }
  const copies: Copies = { length: 0 }
  for (const operation of patch) applyOperation(holder, operation, copies)
  return holder['']!
}

/** How long all that was copied would be as text. */
interface Copies {
  length: number
}

function applyOperation(holder: Fields, operation: unknown, copies: Copies): void {
  if (!isFields(operation)) throw new PatchProblem(400, 'found an operation that is none')
  const { op, path, from, value } = operation
  const at = pointerOf(path)
  switch (op) {
    case 'add':
      return insert(holder, at, given(value, op))
    case 'remove':
      remove(holder, at)
      return
    case 'replace':
      remove(holder, at)
      return insert(holder, at, given(value, op))
    case 'move':
      return insert(holder, at, remove(holder, pointerOf(from)))
    case 'copy':
      return insert(holder, at, copied(read(holder, pointerOf(from)), copies))
    case 'test':
      if (isSame(read(holder, at), given(value, op))) return
      throw new PatchProblem(409, `test failed: found another value at "${String(path)}"`)
    default:
      throw new PatchProblem(400, `found operation "${String(op)}", expected add, remove, replace, move, copy or test`)
  }
}

function pointerOf(path: unknown): readonly string[] {
  if (typeof path !== 'string' || (path !== '' && !path.startsWith('/')))
    throw new PatchProblem(
      400,
      `found path "${String(path)}", expected a JSON Pointer such as /environments/production/on`,
    )
  return path.split('/').map(step => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function given(value: unknown, op: string): JsonValue {
  if (value === undefined) throw new PatchProblem(400, `found no value, expected one for "${op}"`)
  return structuredClone(value) as JsonValue
}

function copied(value: JsonValue, copies: Copies): JsonValue {
  const text = JSON.stringify(value)
  copies.length += text.length
  if (copies.length > copiedLengthMax)
    throw new PatchProblem(400, `found copies of more than ${copiedLengthMax} characters, expected fewer`)
  return JSON.parse(text) as JsonValue
}

function isDeeper(value: JsonValue, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels <= 0 || Object.values(value).some(inner => isDeeper(inner, levels - 1))
}

function holderOf(root: Fields, pointer: readonly string[]): { readonly holder: Holder; readonly step: string } {
  let holder: JsonValue = root
  for (const step of pointer.slice(0, -1)) holder = valueAt(holder, step, pointer)
  if (typeof holder !== 'object' || holder === null) throw nothingAt(pointer)
  return { holder: holder as Holder, step: pointer.at(-1) ?? '' }
}

function valueAt(holder: JsonValue, step: string, pointer: readonly string[]): JsonValue {
  const isPlace = !Array.isArray(holder) || /^(?:0|[1-9]\d*)$/.test(step)
  if (typeof holder !== 'object' || holder === null || !isPlace || !Object.hasOwn(holder, step))
    throw nothingAt(pointer)
  return (holder as Fields)[step]!
}

function read(root: Fields, pointer: readonly string[]): JsonValue {
  const { holder, step } = holderOf(root, pointer)
  return valueAt(holder, step, pointer)
}

function insert(root: Fields, pointer: readonly string[], value: JsonValue): void {
  if (isDeeper(value, depthMax - pointer.length))
    throw new PatchProblem(400, `found a value nested deeper than ${depthMax} levels, expected at most so many`)
  const { holder, step } = holderOf(root, pointer)
  if (!Array.isArray(holder)) {
    // Set as its own, also under a name that means something to JavaScript.
    Object.defineProperty(holder, step, { value, writable: true, enumerable: true, configurable: true })
    return
  }
  const place = step === '-' ? holder.length : /^(?:0|[1-9]\d*)$/.test(step) ? Number(step) : -1
  if (place < 0 || place > holder.length) throw nothingAt(pointer)
  holder.splice(place, 0, value)
}

function remove(root: Fields, pointer: readonly string[]): JsonValue {
  const { holder, step } = holderOf(root, pointer)
  const value = valueAt(holder, step, pointer)
  if (Array.isArray(holder)) holder.splice(Number(step), 1)
  else delete holder[step]
  return value
}

const nothingAt = (pointer: readonly string[]): PatchProblem =>
  new PatchProblem(400, `found nothing at "${pointer.join('/')}", expected something there`)

/** Both are JSON; the order of fields says nothing. */
function isSame(one: JsonValue, other: JsonValue): boolean {
  if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null) return one === other
  if (Array.isArray(one) !== Array.isArray(other)) return false
  const [names, others] = [Object.keys(one), Object.keys(other)]
  return (
    names.length === others.length &&
    names.every(name => Object.hasOwn(other, name) && isSame((one as Fields)[name]!, (other as Fields)[name]!))
  )
}

export function applyMergePatch(document: JsonValue, patch: JsonValue): JsonValue {
  if (!isFields(patch)) return patch
  const merged = new Map<string, JsonValue>(isFields(document) ? Object.entries(document) : [])
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name)
    else merged.set(name, applyMergePatch(merged.get(name) ?? null, value))
  }
  return Object.fromEntries(merged)
}
