/**
 * How long do the regular expressions of a flag take, all together?
 *
 * The text that they are tried on comes from whoever asks, who may be anybody with a key that is in a page. One sound
 * pattern takes some milliseconds for the longest text; a flag has room for hundreds of thousands of patterns.
 *
 * 1. A pattern takes as many steps for each unit of a text as its program has instructions. Those of everything that an
 *    evaluation may try come to 2,000 at most; those of a segment count each time it is asked for.
 * 2. What has been read once is not read again, and reading stops at the first pattern too much, so that a check takes
 *    not much longer than an evaluation may.
 */
import type { Condition, FlagDefinition } from './flag-definition.ts'
import { PatternProblem } from './pattern-reader.ts'
import { readProgram } from './text-pattern.ts'

/** With texts of 1,000 units some 30 ms, and as much as four patterns of the greatest length. */
const stepsMax = 2_000

export const stepsExpected = `regular expressions of at most ${stepsMax.toLocaleString('en')} steps in the whole flag`

export class PatternSteps {
  /** Source, with case or without -> steps, or what it should have been. */
  readonly #found = new Map<string, number | string>()
  #read = 0

  /** What a pattern should have been; null when it is sound, or comes after one that was too much. */
  problemOf(source: unknown, ignoreCase: boolean): string | null {
    if (typeof source !== 'string') return 'a regular expression'
    const name = nameOf(source, ignoreCase)
    if (this.#read <= stepsMax && !this.#found.has(name)) {
      const found = stepsOf(source, ignoreCase)
      this.#found.set(name, found)
      // One that is refused took time as well.
      this.#read += typeof found === 'number' ? found : source.length
      if (typeof found === 'number' && this.#read > stepsMax) return stepsExpected
    }
    const found = this.#found.get(name)
    return typeof found === 'string' ? found : null
  }

  /** The first place up to which a sound flag may take too many steps, and how many; null when there is none. */
  excessOf({ rules, exposure, segments }: FlagDefinition): { readonly path: string; readonly steps: number } | null {
    const ofSegments = new Map<string, number>()
    const ofSegment = (name: string): number => {
      const known = ofSegments.get(name)
      if (known !== undefined) return known
      const steps = this.#stepsOf((segments[name]?.rules ?? []).flat(), ofSegment)
      ofSegments.set(name, steps)
      return steps
    }
    let steps = 0
    for (const [index, { when }] of rules.entries()) {
      steps += this.#stepsOf(when, ofSegment)
      if (steps > stepsMax) return { path: `rules[${index}].when`, steps }
    }
    for (const [index, { segment }] of exposure.cohorts.entries()) {
      steps += ofSegment(segment)
      if (steps > stepsMax) return { path: `exposure.cohorts[${index}].segment`, steps }
    }
    return null
  }

  #stepsOf(conditions: readonly Condition[], ofSegment: (name: string) => number): number {
    let steps = 0
    for (const { operator, values, ignoreCase = false } of conditions) {
      if (operator === 'inSegment') for (const name of values) steps += ofSegment(String(name))
      if (operator === 'matches')
        for (const source of values) steps += Number(this.#found.get(nameOf(String(source), ignoreCase)) ?? 0)
    }
    return steps
  }
}

const nameOf = (source: string, ignoreCase: boolean): string => `${ignoreCase ? 'i' : ' '}${source}`

function stepsOf(source: string, ignoreCase: boolean): number | string {
  try {
    return readProgram(source, ignoreCase).length
  } catch (problem) {
    if (problem instanceof PatternProblem) return `a regular expression with ${problem.message}`
    throw problem
  }
}
