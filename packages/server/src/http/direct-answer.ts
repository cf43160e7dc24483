/**
 * Answers that are written to Node's own response, beneath the framework: for what is asked more often than all else, and
 * is answered in less time than it takes to make web objects of a request and an answer.
 *
 *  1. What goes wrong is told as everywhere: as the problem, in the protocol's form; what broke is in the log.
 *  2. Nobody is answered twice, and whoever is gone is not answered.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { asProblem } from './api.ts'
import type { Logger } from './log.ts'
import type { Protocol } from './protocol.ts'
import { requestIdOf } from './request-id.ts'

/** False when the request is not one of its own: then nothing was done. */
export type DirectListener = (incoming: IncomingMessage, outgoing: ServerResponse) => boolean

export type HeaderLines = Readonly<Record<string, string>>

export function sendText(outgoing: ServerResponse, status: number, headers: HeaderLines, text: string): void {
  outgoing.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) })
  outgoing.end(text)
}

/** The status that was told. */
export async function sendProblem(
  outgoing: ServerResponse,
  error: unknown,
  parts: { readonly protocol: Protocol; readonly log: Logger; readonly incoming: IncomingMessage },
): Promise<number> {
  const { headers, url = '' } = parts.incoming
  const problem = asProblem(error)
  const requestId = requestIdOf(headers['x-request-id'])
  if (problem.status >= 500) parts.log.error({ err: error, requestId }, 'request failed')
  if (outgoing.headersSent || outgoing.destroyed) return problem.status
  const answer = parts.protocol.problem(problem, requestId, url)
  const told = { ...Object.fromEntries(answer.headers), 'x-request-id': requestId }
  sendText(outgoing, answer.status, told, await answer.text())
  return problem.status
}
