/**
 * A pattern as instructions: the tree with its repetitions written out.
 *
 * 1. There are at most 500 instructions. A part of which a copy adds none is not copied again: copies of nothing within
 *    copies of nothing would take for ever and never come to 500.
 * 2. So the parts that are visited are bounded by the instructions and the length of the text, and by a number as well.
 */
import type { CharacterSet } from './character-set.ts'
import { type Assertion, nestingMax, type PatternNode, PatternProblem } from './pattern-reader.ts'

/** A text of 1,000 units is then answered within some milliseconds. */
const instructionsMax = 500

/**
 * On the way to one instruction there are at most a repetition, a choice and a sequence for each group around it, and
 * those of the whole pattern. Only patterns with many empty parts come to more for each of 500.
 */
const visitsMax = instructionsMax * (3 * (nestingMax + 1) + 2)

/** `set` goes on behind it when the unit is in its set; `fork` goes on at two places; `accept` ends. */
export type Instruction =
  | { readonly kind: 'set'; readonly set: CharacterSet }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  | { readonly kind: 'fork'; to: number; orTo: number }
  | { readonly kind: 'accept' }

/** Throws `PatternProblem` when there would be too many. */
export function assembleProgram(node: PatternNode): readonly Instruction[] {
  const assembler = new Assembler()
  assembler.emit(node)
  assembler.instructions.push({ kind: 'accept' })
  return assembler.instructions
}

class Assembler {
  readonly instructions: Instruction[] = []
  /** Parts that were looked at, each copy by itself. */
  #visits = 0

  emit(node: PatternNode): void {
    if (this.instructions.length > instructionsMax || ++this.#visits > visitsMax)
      throw new PatternProblem(`at most ${instructionsMax} steps, repetitions counted`)
    switch (node.kind) {
      case 'set':
      case 'assertion':
        this.instructions.push(node)
        return
      case 'sequence':
        for (const part of node.nodes) this.emit(part)
        return
      case 'choice':
        this.#choose(node.nodes)
        return
      case 'repeat':
        this.#repeat(node)
    }
  }

  #fork(): { to: number; orTo: number } {
    const next = this.instructions.length + 1
    const instruction: Instruction = { kind: 'fork', to: next, orTo: next }
    this.instructions.push(instruction)
    return instruction
  }

  #choose(nodes: readonly PatternNode[]): void {
    const ends: { to: number; orTo: number }[] = []
    for (const [index, node] of nodes.entries()) {
      const isLast = index === nodes.length - 1
      const start = isLast ? null : this.#fork()
      this.emit(node)
      if (start === null) continue
      ends.push(this.#fork())
      start.orTo = this.instructions.length
    }
    for (const end of ends) end.to = end.orTo = this.instructions.length
  }

  #repeat({ node, least, most }: Extract<PatternNode, { kind: 'repeat' }>): void {
    for (let count = 0; count < least; count++) {
      const before = this.instructions.length
      this.emit(node)
      if (this.instructions.length === before) return
    }
    if (most === Number.POSITIVE_INFINITY) this.#repeatForEver(node)
    else this.#repeatAtMost(node, most - least)
  }

  #repeatForEver(node: PatternNode): void {
    const again = this.instructions.length
    const start = this.#fork()
    this.emit(node)
    const end = this.#fork()
    end.to = end.orTo = again
    start.orTo = this.instructions.length
  }

  #repeatAtMost(node: PatternNode, times: number): void {
    const starts: { orTo: number }[] = []
    for (let count = 0; count < times; count++) {
      starts.push(this.#fork())
      this.emit(node)
    }
    for (const start of starts) start.orTo = this.instructions.length
  }
}
