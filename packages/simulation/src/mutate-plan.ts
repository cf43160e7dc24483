/** A number in a plan file and what to do to it. Line and column are 1-based and may point anywhere into the number. */
export interface NumberPlace {
  readonly line: number
  readonly column: number
}

export type MutateResult =
  | { readonly ok: true; readonly text: string; readonly before: string; readonly after: string }
  | { readonly ok: false; readonly message: string }

/**
 * The plan with one number changed by one in its last digit: 5% to 6%, 0.5pt to 0.6pt, 2m to 3m, 4 times to 5 times.
 * A number counts in a plan only if such a change makes a scenario fail.
 */
export function mutatePlanNumber(text: string, place: NumberPlace, direction: 'up' | 'down' = 'up'): MutateResult {
  const lines = text.split('\n')
  const line = lines[place.line - 1]
  const found = line === undefined ? null : numberAt(line, place.column - 1)
  if (line === undefined || found === null) {
    const seen = line === undefined ? `${lines.length} lines` : `"${line.slice(place.column - 1, place.column + 15)}"`
    return {
      ok: false,
      message: `Cannot change the number at ${place.line}:${place.column}: found ${seen}, expected a number. Give the place of its first digit.`,
    }
  }
  const unit = line.slice(found.start + found.text.length)
  const after = stepNumber(found.text, unit, direction)
  lines[place.line - 1] = line.slice(0, found.start) + after + unit
  return { ok: true, text: lines.join('\n'), before: found.text, after }
}

function numberAt(line: string, index: number): { readonly start: number; readonly text: string } | null {
  for (const match of line.matchAll(/\d+(\.\d+)?/g)) {
    if (match.index <= index && index < match.index + match[0].length) return { start: match.index, text: match[0] }
  }
  return null
}

/** 100% cannot go up and nothing goes below zero: there the other direction is taken. */
function stepNumber(number: string, unit: string, direction: 'up' | 'down'): string {
  const decimals = number.split('.')[1]?.length ?? 0
  const scaled = Math.round(Number(number) * 10 ** decimals)
  const isFull = unit.startsWith('%') && Number(number) >= 100
  const up = (direction === 'up' && !isFull) || scaled === 0
  const changed = ((scaled + (up ? 1 : -1)) / 10 ** decimals).toFixed(decimals)
  return number.startsWith('0') && decimals === 0 ? changed.padStart(number.length, '0') : changed
}
