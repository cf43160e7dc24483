import type { MetricUnit } from '../compiled-plan.ts'
import type { ParsedAmount } from '../condition-grammar.ts'
import { scaleDecimal, shiftDecimal, timeUnitMs } from '../quantity.ts'

/** An amount in the unit of its metric; null when its unit does not fit. */
export function readAmount(amount: ParsedAmount, unit: MetricUnit): number | null {
  if (unit === 'percent') return amount.unit === '%' ? shiftDecimal(amount.number, -2) : null
  if (unit === 'money') return amount.unit === 'USD' ? shiftDecimal(amount.number, 0) : null
  if (unit === 'number') return amount.unit === null ? shiftDecimal(amount.number, 0) : null
  const factor = amount.unit === null ? null : timeUnitMs(amount.unit)
  return factor === null ? null : scaleDecimal(amount.number, factor)
}

/** An amount beside a reference: points on percentages; elsewhere the metric's unit or a share of the reference. */
export function readReferenceAmount(
  amount: ParsedAmount,
  unit: MetricUnit,
): { readonly value: number; readonly isRelative: boolean } | null {
  if (unit === 'percent') {
    const points = amount.unit === 'pt' ? shiftDecimal(amount.number, -2) : null
    return points === null ? null : { value: points, isRelative: false }
  }
  if (amount.unit === '%') {
    const share = shiftDecimal(amount.number, -2)
    return share === null ? null : { value: share, isRelative: true }
  }
  const value = readAmount(amount, unit)
  return value === null ? null : { value, isRelative: false }
}

export function readMultiple(number: string): number {
  return shiftDecimal(number, 0) ?? 1
}
