/**
 * Regular expressions in time linear to the text, for rules that anybody may write.
 *
 * Syntax: characters; `.`; classes `[a-z]` `[^…]`; `\d \w \s \D \W \S`; `\b \B`; `^ $`; groups `(…)` `(?:…)`;
 * alternatives `a|b`; repetition `* + ? {2} {2,} {2,5}` and the same with `?` behind; escapes `\t \n \r \f \v \xHH \uHHHH`
 * and `\` before any other sign. The signs `^ $ \ . * + ? ( ) [ ] { } |` need a `\` to stand for themselves.
 *
 * 1. Whatever is accepted matches where ECMAScript's RegExp without flags (or with `i`) does; units are UTF-16.
 * 2. A text is read once, and for each of its units at most every instruction runs: there is no going back.
 * 3. What would need going back (references to groups, looking ahead or behind) is refused, and so is what is too long.
 */
import {
  type CharacterSet,
  characterSet,
  complement,
  digits,
  foldUnit,
  hasUnit,
  isWordUnit,
  lineEnds,
  spaces,
  type UnitRange,
  wordUnits,
} from './character-set.ts'

/** Room for any rule a person can read; a text of 10,000 units is then answered within some milliseconds. */
const patternLengthMax = 256
const instructionsMax = 500
const repetitionMax = 100
const nestingMax = 20

export type TextPattern = (text: string) => boolean

export class PatternProblem extends Error {}

/** Throws `PatternProblem` with what was expected when the text is not in the syntax above. */
export function compileTextPattern(source: string, ignoreCase: boolean): TextPattern {
  const node = new PatternReader(source, ignoreCase).read()
  return runner(assemble(node), ignoreCase)
}

type Assertion = 'start' | 'end' | 'boundary' | 'inside'

type PatternNode =
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

/** `set` goes on behind it when the unit is in its set; `fork` goes on at two places; `accept` ends. */
type Instruction =
  | { readonly kind: 'set'; readonly set: CharacterSet }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  | { readonly kind: 'fork'; to: number; orTo: number }
  | { readonly kind: 'accept' }

function assemble(node: PatternNode): readonly Instruction[] {
  const program: Instruction[] = []
  emit(program, node)
  program.push({ kind: 'accept' })
  return program
}

function emit(program: Instruction[], node: PatternNode): void {
  if (program.length > instructionsMax)
    throw new PatternProblem(`at most ${instructionsMax} steps, repetitions counted`)
  switch (node.kind) {
    case 'set':
    case 'assertion':
      program.push(node)
      return
    case 'sequence':
      for (const part of node.nodes) emit(program, part)
      return
    case 'choice':
      emitChoice(program, node.nodes)
      return
    case 'repeat':
      emitRepeat(program, node)
  }
}

function fork(program: Instruction[]): { to: number; orTo: number } {
  const instruction: Instruction = { kind: 'fork', to: program.length + 1, orTo: program.length + 1 }
  program.push(instruction)
  return instruction
}

function emitChoice(program: Instruction[], nodes: readonly PatternNode[]): void {
  const ends: { to: number; orTo: number }[] = []
  for (const [index, node] of nodes.entries()) {
    const isLast = index === nodes.length - 1
    const start = isLast ? null : fork(program)
    emit(program, node)
    if (start === null) continue
    ends.push(fork(program))
    start.orTo = program.length
  }
  for (const end of ends) end.to = end.orTo = program.length
}

function emitRepeat(program: Instruction[], { node, least, most }: Extract<PatternNode, { kind: 'repeat' }>): void {
  for (let count = 0; count < least; count++) emit(program, node)
  if (most === Number.POSITIVE_INFINITY) {
    const again = program.length
    const start = fork(program)
    emit(program, node)
    const end = fork(program)
    end.to = end.orTo = again
    start.orTo = program.length
    return
  }
  const starts: { orTo: number }[] = []
  for (let count = least; count < most; count++) {
    starts.push(fork(program))
    emit(program, node)
  }
  for (const start of starts) start.orTo = program.length
}

/** Runs all ways through the program at once, unit by unit; `reached` keeps each instruction from running twice. */
function runner(program: readonly Instruction[], ignoreCase: boolean): TextPattern {
  const reached = new Uint32Array(program.length)
  const pending = new Uint16Array(program.length * 2 + 2)
  let waiting = new Uint16Array(program.length)
  let next = new Uint16Array(program.length)
  let nextCount = 0
  let turn = 0

  /** Follows everything that needs no unit; true when it comes to the end of the pattern. */
  const reach = (start: number, text: string, index: number): boolean => {
    let count = 0
    pending[count++] = start
    while (count > 0) {
      const at = pending[--count]!
      if (reached[at] === turn) continue
      reached[at] = turn
      const instruction = program[at]!
      if (instruction.kind === 'accept') return true
      if (instruction.kind === 'set') next[nextCount++] = at
      else if (instruction.kind === 'fork') {
        pending[count++] = instruction.orTo
        pending[count++] = instruction.to
      } else if (holds(instruction.assertion, text, index)) pending[count++] = at + 1
    }
    return false
  }

  return text => {
    let waitingCount = 0
    for (let index = 0; ; index++) {
      turn = nextTurn(reached, turn)
      nextCount = 0
      if (index > 0) {
        const found = text.charCodeAt(index - 1)
        const unit = ignoreCase ? foldUnit(found) : found
        for (let place = 0; place < waitingCount; place++) {
          const at = waiting[place]!
          const instruction = program[at] as Extract<Instruction, { kind: 'set' }>
          if (hasUnit(instruction.set, unit) && reach(at + 1, text, index)) return true
        }
      }
      if (reach(0, text, index)) return true
      if (index === text.length) return false
      const spare = waiting
      waiting = next
      next = spare
      waitingCount = nextCount
    }
  }
}

function nextTurn(reached: Uint32Array, turn: number): number {
  if (turn < 0xffffffff) return turn + 1
  reached.fill(0)
  return 1
}

function holds(assertion: Assertion, text: string, index: number): boolean {
  if (assertion === 'start') return index === 0
  if (assertion === 'end') return index === text.length
  const before = index > 0 && isWordUnit(text.charCodeAt(index - 1))
  const after = index < text.length && isWordUnit(text.charCodeAt(index))
  return (before !== after) === (assertion === 'boundary')
}
