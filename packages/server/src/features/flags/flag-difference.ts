/** The difference of two flags, a line for each value that is not the same: `exposure.share: 0.05 -> 0.25`. */
import { isDeepStrictEqual } from 'node:util'
import { isFields } from '../../http/fields.ts'

const linesMax = 100
const valueLengthMax = 120

/** `version` differs always and says nothing. */
export function differenceOf(before: object | null, after: object | null): string[] {
  if (before === null || after === null) return before === after ? [] : [after === null ? 'removed' : 'made']
  const lines: string[] = []
  compare('', { ...before, version: 0 }, { ...after, version: 0 }, lines)
  return lines
}

function compare(path: string, before: unknown, after: unknown, lines: string[]): void {
  if (lines.length >= linesMax || isDeepStrictEqual(before, after)) return
  if (isFields(before) && isFields(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)])
    for (const name of names) compare(path === '' ? name : `${path}.${name}`, before[name], after[name], lines)
  } else if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    for (const [index, value] of before.entries()) compare(`${path}[${index}]`, value, after[index], lines)
  } else lines.push(`${path}: ${shown(before)} -> ${shown(after)}`)
}

function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > valueLengthMax ? `${text.slice(0, valueLengthMax)}…` : text
}
