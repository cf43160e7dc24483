import type { PlanNumber } from './plan-numbers.ts'

/**
 * Scenarios in the order in which they are likely to notice a change of this number: those that use its words and its
 * value first, and what is rare counts for more. It decides how long the report takes, never what it says.
 */
export function orderScenarios(number: PlanNumber, texts: readonly string[]): readonly number[] {
  const scores = texts.map(() => 0)
  for (const pattern of patternsOf(number)) {
    const hits = texts.flatMap((text, index) => (pattern.test(text) ? [index] : []))
    const weight = Math.log(1 + texts.length / hits.length)
    for (const hit of hits) scores[hit]! += weight
  }
  return texts.map((_, index) => index).toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)
}

/** Names of what it belongs to, and its value or one just beside it: 5% is looked for by 5.01% too. */
function patternsOf({ words, text, unit }: PlanNumber): readonly RegExp[] {
  const names = new Set(words.flatMap(word => word.match(/[\p{L}\p{N}_-]{2,}/gu) ?? []))
  return [
    ...[...names].map(name => new RegExp(`(?<![\\p{L}\\p{N}_-])${escapePattern(name)}(?![\\p{L}\\p{N}_])`, 'u')),
    new RegExp(`(?<![\\d.])${escapePattern(text)}(\\.\\d+)?${escapePattern(unit)}(?![\\p{L}\\p{N}])`, 'u'),
  ]
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
