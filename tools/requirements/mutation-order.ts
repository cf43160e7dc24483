import type { PlanNumber } from './plan-numbers.ts'

/** A scenario as its author wrote it. */
export interface ScenarioText {
  readonly name: string
  readonly text: string
}

/**
 * Scenarios in the order in which they are likely to notice a change of this number: those that use its words first,
 * and rare words count for more. It decides how long the report takes, never what it says.
 */
export function orderScenarios(number: PlanNumber, scenarios: readonly ScenarioText[]): readonly number[] {
  const words = new Set(
    [...number.words, number.text].flatMap(word => word.toLowerCase().match(/[\p{L}\d_.]+/gu) ?? []),
  )
  const weights = [...words].map(word => {
    const count = scenarios.filter(({ text }) => has(text, word)).length
    return { word, weight: count === 0 ? 0 : Math.log(1 + scenarios.length / count) }
  })
  const scores = scenarios.map(({ text }) =>
    weights.reduce((sum, { word, weight }) => sum + (weight > 0 && has(text, word) ? weight : 0), 0),
  )
  return scenarios.map((_, index) => index).toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)
}

function has(text: string, word: string): boolean {
  return text.toLowerCase().includes(word)
}
