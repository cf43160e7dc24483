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
  parts: { readonly protocol: Protocol; readonly log: Logger },
): Promise<number> {
  const problem = asProblem(error)
  if (problem.status >= 500) parts.log.error({ err: error }, 'request failed')
  if (outgoing.headersSent || outgoing.destroyed) return problem.status
  const answer = parts.protocol.problem(problem, '', '')
  sendText(outgoing, answer.status, Object.fromEntries(answer.headers), await answer.text())
  return problem.status
}
