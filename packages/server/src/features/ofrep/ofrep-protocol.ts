import { allowPages } from '../../http/allow-pages.ts'
import type { HttpProblem } from '../../http/http-problem.ts'
import type { Protocol } from '../../http/protocol.ts'

export type OfrepErrorCode = 'PARSE_ERROR' | 'TARGETING_KEY_MISSING' | 'INVALID_CONTEXT' | 'FLAG_NOT_FOUND' | 'GENERAL'

/** 401, 403, 429 and 500 have `errorDetails` alone; providers read the status. */
export const ofrepProtocol: Protocol = {
  prefix: '/ofrep/',
  problem: ({ status, message, headers }: HttpProblem) =>
    new Response(JSON.stringify({ errorDetails: message }), {
      status,
      headers: { 'content-type': 'application/json; charset=utf-8', ...allowPages, ...headers },
    }),
  isQuiet: () => true,
}
