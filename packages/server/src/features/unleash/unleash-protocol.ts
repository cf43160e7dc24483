import { allowPages } from '../../http/allow-pages.ts'
import type { HttpProblem } from '../../http/http-problem.ts'
import type { Protocol } from '../../http/protocol.ts'

/** Unleash's names for what went wrong. */
const names: Readonly<Record<number, string>> = {
  400: 'BadDataError',
  401: 'AuthenticationRequired',
  403: 'NoAccessError',
  404: 'NotFoundError',
  413: 'ContentTooLargeError',
  415: 'UnsupportedMediaTypeError',
  422: 'BadDataError',
  429: 'TooManyRequestsError',
}

export const unleashProtocol: Protocol = {
  prefix: '/unleash/',
  problem({ status, message, headers }: HttpProblem, requestId) {
    const body = { id: requestId, name: names[status] ?? 'InternalError', message, details: [{ message }] }
    return new Response(JSON.stringify(body), {
      status,
      headers: { 'content-type': 'application/json; charset=utf-8', ...allowPages, ...headers },
    })
  },
  isQuiet: () => true,
}
