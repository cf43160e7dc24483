import { renderDuration } from '@dankai/insight'

/** Columns and moments: the whole of a run on one line. */
export interface TimeAxis {
  readonly start: number
  readonly end: number
  readonly columns: number
  columnOf(at: number): number
  /** The span of time a column stands for; the last one includes the end. */
  spanOf(column: number): { readonly from: number; readonly to: number }
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const week = 7 * day

/** Distances people count in; weeks before months, because plans are written in weeks. */
const steps: readonly number[] = [
  second,
  5 * second,
  10 * second,
  30 * second,
  minute,
  2 * minute,
  5 * minute,
  10 * minute,
  30 * minute,
  hour,
  2 * hour,
  6 * hour,
  12 * hour,
  day,
  2 * day,
  week,
  2 * week,
  4 * week,
  12 * week,
  52 * week,
]

/** A label and some air: closer ticks cannot be read. */
const columnsPerTick = 9

export function createTimeAxis(start: number, end: number, columns: number): TimeAxis {
  const length = Math.max(1, end - start)
  return {
    start,
    end,
    columns,
    columnOf: at => Math.min(columns - 1, Math.max(0, Math.floor(((at - start) / length) * columns))),
    spanOf: column => ({ from: start + (length * column) / columns, to: start + (length * (column + 1)) / columns }),
  }
}

/** Two lines: the labels and the ruler. */
export function drawAxis(axis: TimeAxis): readonly [string, string] {
  const length = axis.end - axis.start
  const step = steps.find(each => length / each <= axis.columns / columnsPerTick) ?? steps.at(-1)!
  const labels = Array.from({ length: axis.columns + 8 }, () => ' ')
  const ruler = Array.from({ length: axis.columns }, () => '─')
  for (let at = 0; at <= length; at += step) {
    const column = axis.columnOf(axis.start + at)
    ruler[column] = column === 0 ? '├' : '┼'
    const label = at === 0 ? '0' : labelOf(at)
    if (column + label.length <= labels.length) labels.splice(column, label.length, ...label)
  }
  return [labels.join('').trimEnd(), ruler.join('')]
}

function labelOf(ms: number): string {
  return ms >= week && ms % week === 0 ? `${ms / week}w` : renderDuration(ms, 'en')
}
