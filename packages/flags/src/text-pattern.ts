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
import { foldUnit, hasUnit, isWordUnit } from './character-set.ts'
import { assembleProgram, type Instruction } from './pattern-program.ts'
import { type Assertion, readPattern } from './pattern-reader.ts'

export type TextPattern = (text: string) => boolean

/** Throws `PatternProblem` with what was expected when the text is not in the syntax above. */
export function compileTextPattern(source: string, ignoreCase: boolean): TextPattern {
  return runner(readProgram(source, ignoreCase), ignoreCase)
}

/** What runs: each of its instructions at most once for each unit of a text, and once more. */
export function readProgram(source: string, ignoreCase: boolean): readonly Instruction[] {
  return assembleProgram(readPattern(source, ignoreCase))
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
