import type { ServerResponse } from 'node:http'
import { allowPages } from '../../http/allow-pages.ts'
import { type HeaderLines, sendText } from '../../http/direct-answer.ts'
import { contextBytesMax } from './evaluation-request.ts'
import type { OfrepErrorCode } from './ofrep-protocol.ts'

export const plainHeaders: HeaderLines = { 'content-type': 'application/json; charset=utf-8' }
export const pageHeaders: HeaderLines = { ...plainHeaders, ...allowPages }

const details: Readonly<Record<OfrepErrorCode, string>> = {
  PARSE_ERROR: 'Cannot read the request: found no JSON object, expected {"context": {…}}.',
  INVALID_CONTEXT: `Cannot read the context: found none of at most ${contextBytesMax} bytes, expected an object.`,
  FLAG_NOT_FOUND:
    'Cannot find the flag: found none of this name that your key may read. Check the name; a key of kind sdk-client reads what is marked for clients (dankai flags set NAME --client).',
  TARGETING_KEY_MISSING: 'Cannot evaluate: found no targetingKey.',
  GENERAL: 'Cannot evaluate.',
}

/** The status that was told. `key`: null when all flags were asked for. */
export function sendRefusal(outgoing: ServerResponse, errorCode: OfrepErrorCode, key: string | null): number {
  const named = key === null ? {} : { key: key.slice(0, 256) }
  // A body that was not read to its end leaves the connection of no use.
  const end = errorCode === 'INVALID_CONTEXT' ? { connection: 'close' } : {}
  const status = errorCode === 'FLAG_NOT_FOUND' ? 404 : 400
  const json = JSON.stringify({ ...named, errorCode, errorDetails: details[errorCode] })
  sendText(outgoing, status, { ...pageHeaders, ...end }, json)
  return status
}
