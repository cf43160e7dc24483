/**
 * The text of a regular expression as a tree. `text-pattern.ts` has the syntax; what is not in it, or too long, is a
 * `PatternProblem` that says what was expected.
 */
import {
  type CharacterSet,
  characterSet,
  complement,
  digits,
  lineEnds,
  spaces,
  type UnitRange,
  wordUnits,
} from './character-set.ts'

/** Room for any rule a person can read. */
const patternLengthMax = 256
const repetitionMax = 100
export const nestingMax = 20

export class PatternProblem extends Error {}

export function readPattern(source: string, ignoreCase: boolean): PatternNode {
  return new PatternReader(source, ignoreCase).read()
}

export type Assertion = 'start' | 'end' | 'boundary' | 'inside'

export type PatternNode =
  | { readonly kind: 'set'; readonly set: CharacterSet }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  | { readonly kind: 'sequence'; readonly nodes: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly nodes: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly node: PatternNode; readonly least: number; readonly most: number }

const classEscapes: Readonly<Record<string, readonly UnitRange[]>> = {
  d: digits,
  D: complement(digits),
  w: wordUnits,
  W: complement(wordUnits),
  s: spaces,
  S: complement(spaces),
}

const controlEscapes: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13 }

class PatternReader {
  readonly #source: string
  readonly #ignoreCase: boolean
  #index = 0
  #depth = 0

  constructor(source: string, ignoreCase: boolean) {
    this.#source = source
    this.#ignoreCase = ignoreCase
  }

  read(): PatternNode {
    if (this.#source.length > patternLengthMax) throw new PatternProblem(`at most ${patternLengthMax} characters`)
    const node = this.#choice()
    if (this.#index < this.#source.length) throw new PatternProblem('no ")" without "("')
    return node
  }

  #choice(): PatternNode {
    const nodes = [this.#sequence()]
    while (this.#take('|')) nodes.push(this.#sequence())
    return nodes.length === 1 ? nodes[0]! : { kind: 'choice', nodes }
  }

  #sequence(): PatternNode {
    const nodes: PatternNode[] = []
    while (this.#index < this.#source.length && !'|)'.includes(this.#peek())) nodes.push(this.#repetition())
    return { kind: 'sequence', nodes }
  }

  #repetition(): PatternNode {
    const node = this.#term()
    const range = this.#quantifier()
    if (range === null) return node
    if (node.kind === 'assertion') throw new PatternProblem('no repetition of ^, $, \\b or \\B')
    if (range.most !== Number.POSITIVE_INFINITY && range.most > repetitionMax)
      throw new PatternProblem(`at most ${repetitionMax} repetitions`)
    if (range.least > range.most) throw new PatternProblem('a repetition {n,m} with n at most m')
    this.#take('?')
    return { kind: 'repeat', node, ...range }
  }

  #quantifier(): { least: number; most: number } | null {
    if (this.#take('*')) return { least: 0, most: Number.POSITIVE_INFINITY }
    if (this.#take('+')) return { least: 1, most: Number.POSITIVE_INFINITY }
    if (this.#take('?')) return { least: 0, most: 1 }
    if (this.#peek() !== '{') return null
    const found = /^\{(\d{1,3})(,(\d{1,3})?)?\}/.exec(this.#source.slice(this.#index))
    if (found === null) throw new PatternProblem('a repetition such as {2}, {2,} or {2,5}, or \\{')
    this.#index += found[0].length
    const least = Number(found[1])
    if (least > repetitionMax) throw new PatternProblem(`at most ${repetitionMax} repetitions`)
    if (found[2] === undefined) return { least, most: least }
    return { least, most: found[3] === undefined ? Number.POSITIVE_INFINITY : Number(found[3]) }
  }

  #term(): PatternNode {
    const sign = this.#next()
    switch (sign) {
      case '(':
        return this.#group()
      case '[':
        return this.#class()
      case '.':
        return this.#setOf(lineEnds, true, false)
      case '^':
        return { kind: 'assertion', assertion: 'start' }
      case '$':
        return { kind: 'assertion', assertion: 'end' }
      case '\\':
        return this.#escape()
    }
    if ('*+?{}]'.includes(sign)) throw new PatternProblem(`"\\${sign}" for the sign itself`)
    return this.#unit(sign.charCodeAt(0))
  }

  #group(): PatternNode {
    if (this.#take('?') && !this.#take(':')) throw new PatternProblem('groups (…) and (?:…) only')
    if (++this.#depth > nestingMax) throw new PatternProblem(`at most ${nestingMax} groups in one another`)
    const node = this.#choice()
    if (!this.#take(')')) throw new PatternProblem('")" after "("')
    this.#depth--
    return node
  }

  #escape(): PatternNode {
    const sign = this.#next()
    if (sign === 'b') return { kind: 'assertion', assertion: 'boundary' }
    if (sign === 'B') return { kind: 'assertion', assertion: 'inside' }
    const ranges = classEscape(sign)
    return ranges === null ? this.#unit(this.#escapedUnit(sign)) : this.#setOf(ranges, false)
  }

  #escapedUnit(sign: string): number {
    if (Object.hasOwn(controlEscapes, sign)) return controlEscapes[sign]!
    if (sign === 'x') return this.#hexadecimal(2)
    if (sign === 'u') return this.#hexadecimal(4)
    if (/[0-9A-Za-z_]/.test(sign)) throw new PatternProblem(`an escape other than "\\${sign}"`)
    return sign.charCodeAt(0)
  }

  #hexadecimal(length: number): number {
    const found = this.#source.slice(this.#index, this.#index + length)
    if (!new RegExp(`^[0-9A-Fa-f]{${length}}$`).test(found))
      throw new PatternProblem(`${length} hexadecimal digits after \\x or \\u`)
    this.#index += length
    return Number.parseInt(found, 16)
  }

  #class(): PatternNode {
    const negated = this.#take('^')
    const ranges: UnitRange[] = []
    while (!this.#take(']')) {
      const first = this.#classMember()
      if (this.#peek() !== '-' || this.#source[this.#index + 1] === ']') {
        ranges.push(...first)
        continue
      }
      this.#index++
      ranges.push(rangeBetween(first, this.#classMember()))
    }
    return this.#setOf(ranges, negated)
  }

  #classMember(): readonly UnitRange[] {
    const sign = this.#next()
    if (sign === '[') throw new PatternProblem('"\\[" within a class')
    if (sign !== '\\') return [[sign.charCodeAt(0), sign.charCodeAt(0)]]
    const escaped = this.#next()
    const ranges = classEscape(escaped)
    if (ranges !== null) return ranges
    const unit = this.#escapedUnit(escaped)
    return [[unit, unit]]
  }

  #unit(unit: number): PatternNode {
    return this.#setOf([[unit, unit]], false)
  }

  #setOf(ranges: readonly UnitRange[], negated: boolean, ignoreCase = this.#ignoreCase): PatternNode {
    return { kind: 'set', set: characterSet(ranges, negated, ignoreCase) }
  }

  #peek(): string {
    return this.#source[this.#index] ?? ''
  }

  #next(): string {
    const sign = this.#source[this.#index++]
    if (sign === undefined) throw new PatternProblem('more after its end')
    return sign
  }

  #take(sign: string): boolean {
    if (this.#peek() !== sign) return false
    this.#index++
    return true
  }
}

const classEscape = (sign: string): readonly UnitRange[] | null =>
  Object.hasOwn(classEscapes, sign) ? classEscapes[sign]! : null

function rangeBetween(first: readonly UnitRange[], last: readonly UnitRange[]): UnitRange {
  const [from, to] = [first[0]!, last[0]!]
  const areUnits = first.length === 1 && last.length === 1 && from[0] === from[1] && to[0] === to[1]
  if (!areUnits || from[0] > to[0]) throw new PatternProblem('a range of two characters, the lower one first')
  return [from[0], to[0]]
}
