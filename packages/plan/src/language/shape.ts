/**
 * What may stand under a key. One table of these per document kind drives the check of unknown keys and types *and*
 * the JSON Schema an editor reads, so that the two cannot drift apart.
 */
import type { Localized } from '../problem.ts'

export type Shape = TextShape | ListShape | MapShape | NamedShape | EitherShape | DataShape

export interface TextShape {
  readonly type: 'text'
  readonly format: TextFormat
}

export interface TextFormat {
  /** After "expected". */
  readonly expected: Localized
  /** A value to copy; shown as the next step. */
  readonly example: string
  readonly pattern?: string
  readonly choices?: readonly string[]
  /** What a pattern cannot say: that a date exists, that a number is in range. */
  readonly accepts?: (text: string) => boolean
  /** The type a YAML reader with types sees; `scalar` is any of text, number and boolean. */
  readonly json: 'string' | 'scalar' | 'integer' | 'boolean'
  readonly minimum?: number
  readonly maximum?: number
}

export interface ListShape {
  readonly type: 'list'
  readonly of: Shape
  readonly atMost: number
  /** One value may stand for a list of one. */
  readonly orOne: boolean
}

export interface MapShape {
  readonly type: 'map'
  readonly declaration: () => Declaration
}

/** name -> value, the names chosen by the author. */
export interface NamedShape {
  readonly type: 'named'
  readonly names: TextFormat
  readonly of: Shape
  readonly atMost: number
}

/** Told apart by whether text, a list or a map stands there, and maps by a key that only one of them has. */
export interface EitherShape {
  readonly type: 'either'
  readonly of: readonly { readonly shape: Shape; readonly ifHas?: string }[]
}

/** Any plain data: an integration's own options. */
export interface DataShape {
  readonly type: 'data'
}

export interface Declaration {
  /** The name of the definition in the JSON Schema. */
  readonly name: string
  readonly description: Localized
  readonly keys: Readonly<Record<string, KeyDeclaration>>
  readonly exactlyOne?: { readonly keys: readonly string[]; readonly what: Localized }
  /** Keys that follow a form, such as p50, p95 and p99. */
  readonly formKeys?: { readonly form: string; readonly shownAs: string; readonly key: KeyDeclaration }
  /** For keys that stand elsewhere: the next step of the refusal. */
  readonly elsewhere?: Readonly<Record<string, Localized>>
  /** Unknown keys are refused unless said otherwise; an open map still refuses near misses of its known keys. */
  readonly unknownKeys?: 'refuseNearMisses' | 'pass'
}

export interface KeyDeclaration {
  readonly shape: Shape
  readonly description: Localized
  readonly isRequired: boolean
  readonly default: string | null
}

export function text(format: TextFormat): TextShape {
  return { type: 'text', format }
}

export function listOf(of: Shape, atMost = 200): ListShape {
  return { type: 'list', of, atMost, orOne: false }
}

export function oneOrMore(of: Shape, atMost = 200): ListShape {
  return { type: 'list', of, atMost, orOne: true }
}

export function mapOf(declaration: () => Declaration): MapShape {
  return { type: 'map', declaration }
}

export function named(names: TextFormat, of: Shape, atMost = 200): NamedShape {
  return { type: 'named', names, of, atMost }
}

export function either(...of: readonly (Shape | { readonly shape: Shape; readonly ifHas: string })[]): EitherShape {
  return { type: 'either', of: of.map(option => ('shape' in option ? option : { shape: option })) }
}

export const anyData: DataShape = { type: 'data' }

interface KeyTraits {
  readonly required?: boolean
  readonly default?: string
}

export function key(shape: Shape, en: string, ja: string, traits: KeyTraits = {}): KeyDeclaration {
  return { shape, description: { en, ja }, isRequired: traits.required ?? false, default: traits.default ?? null }
}
