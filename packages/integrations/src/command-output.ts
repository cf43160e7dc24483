import type { CommandOutput } from '@dankai/core'

/** An event may carry 16 kB; the output is the largest part of it, in bytes, because Japanese text has three a letter. */
export const outputBytesMax = 15_000

export function cutOutput(bytes: Buffer): string {
  if (bytes.length <= outputBytesMax) return bytes.toString('utf8')
  // A cut in the middle of a character would leave a replacement sign at the end.
  return new TextDecoder().decode(bytes.subarray(0, outputBytesMax), { stream: true }) + '\n…'
}

/** Named numbers at the top of a JSON object, for `expect: count = 0`. */
export function numbersIn(text: string): CommandOutput['fields'] {
  const parsed = parseObject(text)
  if (parsed === null) return {}
  const numbers = Object.entries(parsed).filter((entry): entry is [string, number] => Number.isFinite(entry[1]))
  return Object.fromEntries(numbers.slice(0, 100))
}

function parseObject(text: string): Record<string, unknown> | null {
  if (!text.trimStart().startsWith('{')) return null
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}
