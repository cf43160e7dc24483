/**
 * JSON that others send, in whatever protocol.
 *
 *  1. A body may come packed with gzip; unpacked it holds no more than its path allows (`bodyBytesMax`).
 *  2. Nothing is nested deeper than `jsonDepthMax`, so whoever walks through it needs no bound of his own.
 *  3. What cannot be read is refused in the same words everywhere; each protocol gives them its own form.
 */
import type { HttpContext } from './api.ts'
import { HttpProblem } from './http-problem.ts'
import { unpackedBody } from './unpacked-body.ts'

/** Conditions of twenty operators within each other have 50; a walk of 10,000 ends the stack. */
export const jsonDepthMax = 100

export async function readJson(c: HttpContext): Promise<unknown> {
  if (c.req.header('content-encoding') === undefined) return parseJson(await c.req.text())
  return parseJson(textOf(await unpackedBody(c, c.get('bodyBytesMax'))))
}

/** As the framework reads a body: a mark of the byte order is no part of the text. */
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

export function parseJson(text: string): unknown {
  if (isTooDeep(text)) throw new HttpProblem('malformed', tooDeepMessage)
  try {
    return JSON.parse(text)
  } catch {
    throw new HttpProblem('malformed', 'Cannot read the request: found no JSON, expected some.')
  }
}

export const tooDeepMessage = `Cannot read the request: found JSON nested deeper than ${jsonDepthMax} levels, expected at most ${jsonDepthMax}.`

/** Judged by the text: a value that deep is better not made. */
export function isTooDeep(text: string): boolean {
  if (!hasManyOpenings(text)) return false
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfText(text, at)
        break
      case openBrace:
      case openBracket:
        if (++depth > jsonDepthMax) return true
        break
      case closeBrace:
      case closeBracket:
        depth--
    }
  }
  return false
}

const [quote, backslash, openBrace, closeBrace, openBracket, closeBracket] = [34, 92, 123, 125, 91, 93] as const

/** Most bodies have too few brackets to be deep, which is told faster than how deep they are. */
function hasManyOpenings(text: string): boolean {
  // Every level is closed again.
  if (text.length <= 2 * jsonDepthMax) return false
  let count = 0
  for (const opening of '{[')
    for (let at = text.indexOf(opening); at >= 0; at = text.indexOf(opening, at + 1))
      if (++count > jsonDepthMax) return true
  return false
}

/** Where the closing quote stands, or the end of what is no JSON. */
function endOfText(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) return at
    if (code === backslash) at++
  }
  return text.length
}
