/** LaunchDarkly's ways: where keys stand, and how errors read. */
import { randomUUID } from 'node:crypto'
import type { HttpProblem } from '../../http/http-problem.ts'
import type { Protocol } from '../../http/protocol.ts'

const prefix = '/launchdarkly/'
/** Ten thousand events with contexts, which is what a client keeps at most. */
export const bodyBytesMax = 8 * 1_048_576

/** LaunchDarkly's codes for the statuses its clients and scripts look at. */
const codes: Readonly<Record<number, string>> = {
  400: 'invalid_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  422: 'unprocessable_entity',
  429: 'rate_limited',
  503: 'service_unavailable',
}

export function launchDarklyError(
  status: number,
  message: string,
  id: string = randomUUID(),
  code: string = codes[status] ?? 'internal_service_error',
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify({ code, message, id }), {
    status,
    headers: { 'content-type': 'application/json', 'access-control-allow-origin': '*', ...headers },
  })
}

/** Paths whose key stands in them: those of LaunchDarkly's clients for browsers. */
const publicPath =
  /^\/launchdarkly\/(?:sdk\/evalx|sdk\/goals|eval|ping|events\/bulk|events\/diagnostic)\/([\x21-\x2e\x30-\x7e]{1,512})(?:\/|$)/

/** Events of old browsers, which load an image that is named after the key. */
const imagePath = /^\/launchdarkly\/a\/([\x21-\x2e\x30-\x7e]{1,512})\.gif$/

const keyInPath = (path: string): string | null => (publicPath.exec(path) ?? imagePath.exec(path))?.[1] ?? null

/** Of which scripts ask, in whose paths are only names that people gave. */
const restPath = /^\/launchdarkly\/api\//
/** Words of their paths; everything else is a key or what is known of a user, encoded, which belongs in no log. */
const pathWords = new Set(
  'a all bulk context contexts diagnostic eval evalx events goals latest-all launchdarkly meval mobile mping msdk ping sdk user users'.split(
    ' ',
  ),
)

const shownPath = (path: string): string =>
  restPath.test(path)
    ? path
    : path
        .split('/')
        .map(part => (part === '' || pathWords.has(part) ? part : '…'))
        .join('/')

/** Asked by every page and telephone, and again with each of its events. */
const quiet = /^\/launchdarkly\/(?:a|bulk|diagnostic|eval|events|meval|mobile|mping|msdk|ping|sdk)\b/

export const launchDarklyProtocol: Protocol = {
  prefix,
  bodyBytesMax,
  problem: ({ status, message, headers }: HttpProblem, requestId, path) => {
    // An unknown client-side ID is an environment that is not there, of which their clients say so in clear words.
    const told = status === 401 && keyInPath(path) !== null ? 404 : status
    return launchDarklyError(told, message, requestId || undefined, undefined, headers)
  },
  keyInPath,
  shownPath,
  isQuiet: path => quiet.test(path),
}
