import type { ServerResponse } from 'node:http'
import { allowPages } from '../../http/allow-pages.ts'
import { type HeaderLines, sendText } from '../../http/direct-answer.ts'
import { tooDeepMessage } from '../../http/json-body.ts'
import { tooLarge } from '../../http/unpacked-body.ts'
import type { OfrepErrorCode } from './ofrep-protocol.ts'

export const plainHeaders: HeaderLines = { 'content-type': 'application/json; charset=utf-8' }
export const pageHeaders: HeaderLines = { ...plainHeaders, ...allowPages }

/** A context that names a user and his device is below 2 kB; an object of a whole cart below 100. */
export const contextBytesMax = 262_144

/** Why nothing was evaluated, as providers read it. */
export interface OfrepRefusal {
  readonly refused: OfrepErrorCode
  readonly why: string
  readonly headers?: HeaderLines
}

const { message: tooLargeMessage, headers: tooLargeHeaders } = tooLarge(contextBytesMax)

export const contextTooLarge: OfrepRefusal = {
  refused: 'INVALID_CONTEXT',
  why: tooLargeMessage,
  headers: tooLargeHeaders,
}

export const contextTooDeep: OfrepRefusal = { refused: 'PARSE_ERROR', why: tooDeepMessage }

export const noRequest: OfrepRefusal = {
  refused: 'PARSE_ERROR',
  why: 'Cannot read the request: found no JSON, expected an object {"context": {…}}.',
}

export const noContext: OfrepRefusal = {
  refused: 'INVALID_CONTEXT',
  why: 'Cannot read the context: found no object, expected {"targetingKey": "…", …}.',
}

export function flagNotFound(key: string): OfrepRefusal {
  const why = `Cannot find flag "${key.slice(0, 256)}": found none of this name that your key may read, expected one. Check the name; a key of kind sdk-client reads what is marked for clients (dankai flags set NAME --client).`
  return { refused: 'FLAG_NOT_FOUND', why }
}

/** The status that was told. `key`: null when all flags were asked for. */
export function sendRefusal(
  outgoing: ServerResponse,
  { refused, why, headers }: OfrepRefusal,
  key: string | null,
): number {
  const named = key === null ? {} : { key: key.slice(0, 256) }
  const status = refused === 'FLAG_NOT_FOUND' ? 404 : 400
  const json = JSON.stringify({ ...named, errorCode: refused, errorDetails: why })
  sendText(outgoing, status, { ...pageHeaders, ...headers }, json)
  return status
}
