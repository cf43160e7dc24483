export interface ConditionToken {
  readonly text: string
  readonly start: number
  readonly end: number
}

/** Comparison signs, plus and minus, and everything between spaces and signs as one word. */
const tokenForm = /<=|>=|[<>=+-]|[^\s<>=+-]+/gu

export function readConditionTokens(text: string): readonly ConditionToken[] {
  return [...text.matchAll(tokenForm)].map(match => ({
    text: match[0],
    start: match.index,
    end: match.index + match[0].length,
  }))
}
