import {
  type Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as openRequest,
  type ServerResponse,
} from 'node:http'
import { pipeline } from 'node:stream'
import { renderProblem } from '../http/problem.ts'

export interface Upstream {
  readonly hostname: string
  readonly port: number
  readonly agent: Agent
}

export interface ForwardOptions {
  readonly upstream: Upstream
  /** Sent to the upstream on top of the user's own headers. */
  readonly requestHeaders: OutgoingHttpHeaders
  /** Sent to the user on top of the upstream's headers. */
  readonly responseHeaders: (fromUpstream: IncomingHttpHeaders | null) => OutgoingHttpHeaders
  /** Without a sign of life from the upstream for this long the user gets 504. */
  readonly timeoutMs: number
  /** Called once, with the status as the user saw it. */
  readonly onEnd: (status: number) => void
}

/** What nginx notes when the user left before the answer; nobody was answered, and the upstream is not to blame. */
const USER_LEFT = 499
const UNREACHABLE = 502

/** Headers that speak of one connection and must not travel on to the next. */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]

class UpstreamTimeout extends Error {}

/**
 * Passes one request on and its answer back, both as streams.
 *
 * 1. `onEnd` is called exactly once, however it ends.
 * 2. An upstream that cannot be reached or breaks off is 502 to the user, a silent one 504.
 * 3. An answer that has begun and then falls silent is broken off, since its status is sent; it counts as 504 too.
 * 4. A user who leaves takes the upstream request along.
 */
export function forward(incoming: IncomingMessage, outgoing: ServerResponse, options: ForwardOptions): void {
  const end = once(options.onEnd)
  const upstreamRequest = openUpstream(incoming, options)
  // Not the time-out of the socket: a request that waits for a free one has none yet.
  const timer = setTimeout(() => upstreamRequest.destroy(new UpstreamTimeout()), options.timeoutMs)
  upstreamRequest.on('error', error => fail(incoming, outgoing, error, options, end))
  upstreamRequest.on('response', answer => {
    clearTimeout(timer)
    upstreamRequest.setTimeout(options.timeoutMs, () => upstreamRequest.destroy(new UpstreamTimeout()))
    passBack(answer, outgoing, options, end)
  })
  outgoing.on('close', () => {
    clearTimeout(timer)
    if (outgoing.writableFinished) return
    end(USER_LEFT)
    upstreamRequest.destroy()
  })
  pipeline(incoming, upstreamRequest, () => {})
}

function openUpstream(incoming: IncomingMessage, { upstream, requestHeaders }: ForwardOptions): ClientRequest {
  const { hostname, port, agent } = upstream
  const headers = { ...endToEnd(incoming.headers), ...framingOf(incoming.headers), ...requestHeaders }
  return openRequest({ hostname, port, agent, method: incoming.method, path: incoming.url, headers })
}

/**
 * A body that came in chunks goes on in chunks, whatever the method: without a length or chunks its bytes would be read
 * as the next request of that connection.
 */
function framingOf(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return headers['transfer-encoding'] === undefined ? {} : { 'transfer-encoding': 'chunked' }
}

function passBack(
  answer: IncomingMessage,
  outgoing: ServerResponse,
  { responseHeaders }: ForwardOptions,
  end: (status: number) => void,
): void {
  const status = answer.statusCode ?? UNREACHABLE
  outgoing.writeHead(status, { ...endToEnd(answer.headers), ...responseHeaders(answer.headers) })
  answer.on('error', () => end(UNREACHABLE))
  pipeline(answer, outgoing, error => end(error ? USER_LEFT : status))
}

/** The upstream request broke off before or within its answer. It also does when the user has left. */
function fail(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  error: Error,
  { responseHeaders }: ForwardOptions,
  end: (status: number) => void,
): void {
  if (incoming.errored || outgoing.destroyed) {
    end(USER_LEFT)
    return
  }
  const problem = error instanceof UpstreamTimeout ? late : unreachable
  end(problem.status)
  if (outgoing.headersSent) {
    outgoing.destroy()
    return
  }
  outgoing.writeHead(problem.status, { ...responseHeaders(null), 'content-type': 'application/problem+json' })
  outgoing.end(renderProblem(problem))
}

const late = { status: 504, code: 'upstream-late', title: 'The service did not answer in time' } as const
const unreachable = {
  status: UNREACHABLE,
  code: 'upstream-unreachable',
  title: 'The service could not be reached',
} as const

function endToEnd(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const named = (headers.connection ?? '').split(',').map(name => name.trim().toLowerCase())
  const kept: OutgoingHttpHeaders = { ...headers }
  for (const name of [...HOP_BY_HOP, ...named]) delete kept[name]
  return kept
}

function once(call: (status: number) => void): (status: number) => void {
  let isCalled = false
  return status => {
    if (isCalled) return
    isCalled = true
    call(status)
  }
}
