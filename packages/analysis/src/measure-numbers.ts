import type { ColumnReader, ColumnWriter } from './number-column.ts'
import { type Measure, measureKinds } from './observation.ts'
import { readShared, writeShared } from './quantiles.ts'

/** A measure as numbers of a column: its kind, and what it is made of. */
export function writeMeasure(measure: Measure, column: ColumnWriter): void {
  column.putOneOf(measureKinds, measure.kind)
  switch (measure.kind) {
    case 'ratio':
      column.put(measure.numerator)
      return column.put(measure.denominator)
    case 'mean':
      column.put(measure.sum)
      return column.put(measure.count)
    case 'quantile':
      return writeShared(measure.quantiles, column)
    case 'count':
      return column.put(measure.count)
    case 'last':
      return column.put(measure.value)
    case 'value':
      column.put(measure.value)
      return column.put(measure.samples)
  }
}

export function readMeasure(column: ColumnReader): Measure {
  const kind = column.oneOf(measureKinds)
  switch (kind) {
    case 'ratio':
      return { kind, numerator: column.number(), denominator: column.number() }
    case 'mean':
      return { kind, sum: column.number(), count: column.number() }
    case 'quantile':
      return { kind, quantiles: readShared(column)! }
    case 'count':
      return { kind, count: column.number() }
    case 'last':
      return { kind, value: column.number() }
    case 'value':
      return { kind, value: column.number(), samples: column.number() }
  }
}
