/** Some systems count an absent number as 0; does their comparison with `expected` hold for it? */
export type Comparison = '<' | '<=' | '>' | '>='

export function holdsForZero(operator: Comparison, expected: number): boolean {
  if (operator === '<') return expected > 0
  if (operator === '<=') return expected >= 0
  return operator === '>' ? expected < 0 : expected <= 0
}
