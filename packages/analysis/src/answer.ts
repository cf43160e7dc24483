import type { MetricTerm } from '@dankai/plan'

/** What one look says: the condition is true, is not, or cannot be told. */
export type Answer = 'yes' | 'no' | 'unknown'
export const answers: readonly Answer[] = ['yes', 'no', 'unknown']

/**
 * Two results of floating-point arithmetic count as equal within this share of their size: `baseline + 0.5pt` on 10 %
 * has to include a canary at exactly 10.5 %. Literal limits need no such allowance and get none.
 */
const roundingShare = 1e-12

export function isTrue(value: number, op: MetricTerm['op'], limit: number, exact: boolean): boolean {
  const equal =
    value === limit || (!exact && Math.abs(value - limit) <= roundingShare * Math.max(Math.abs(value), Math.abs(limit)))
  switch (op) {
    case '>':
      return !equal && value > limit
    case '>=':
      return equal || value > limit
    case '<':
      return !equal && value < limit
    case '<=':
      return equal || value < limit
    case '=':
      return equal
  }
}
