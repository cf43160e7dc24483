import { type Agent, request as openRequest } from 'node:http'
import type { Outcome } from './tally.ts'
import type { PlannedRequest } from './traffic.ts'

export interface Sender {
  readonly target: URL
  readonly agent: Agent
  readonly timeoutMs: number
  readonly now: () => number
}

/** Sends one request and reads its answer to the end; every failure is an outcome, nothing is thrown. */
export function sendRequest(
  planned: PlannedRequest,
  dueAt: number,
  { target, agent, timeoutMs, now }: Sender,
): Promise<Outcome> {
  return new Promise(resolve => {
    const end = (status: number | null, track: string | null) =>
      resolve({ kind: planned.kind, status, track, dueAt, endedAt: now() })
    const { method, path } = planned
    const headers =
      planned.body === null
        ? planned.headers
        : { ...planned.headers, 'content-length': Buffer.byteLength(planned.body) }
    const request = openRequest({ hostname: target.hostname, port: target.port, agent, method, path, headers })
    request.setTimeout(timeoutMs, () => request.destroy(new Error('no answer in time')))
    request.on('error', () => end(null, null))
    request.on('response', answer => {
      const named = answer.headers['x-served-track']
      const track = typeof named === 'string' ? named : null
      answer.resume()
      answer.on('error', () => end(null, track))
      answer.on('end', () => end(answer.statusCode ?? null, track))
    })
    request.end(planned.body ?? undefined)
  })
}
