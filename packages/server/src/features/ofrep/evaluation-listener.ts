/**
 * `POST /ofrep/v1/evaluate/flags/{key}` and `POST /ofrep/v1/evaluate/flags`: evaluation by the server, for every
 * OpenFeature provider of the protocol.
 *
 *  1. They are asked for every page and every request of others' services, so they are answered beneath the framework,
 *     with a key check, bounds and figures of their own.
 *  2. A context is at most 256 KB, and so many bodies are read at once; beyond, providers hear 400 or 429.
 *  3. A tag stands for what is served and the context together, so 304 means that every value is as it was.
 *  4. What is known is not waited for: a key that was verified, an environment that was read.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Application } from '../../application.ts'
import { allowPages } from '../../http/allow-pages.ts'
import { type Caller, type KeyKind, requireKind, scopeFor } from '../../http/caller.ts'
import { type DirectListener, sendProblem, sendText } from '../../http/direct-answer.ts'
import { isKnownTag } from '../../http/etag.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { checkLocalRequest } from '../../http/local-request.ts'
import type { ServedEnvironment } from '../../serving/served-environment.ts'
import { AllFlagsAnswers, allFlagsJson, tagOf } from './all-flags-answer.ts'
import { allFlagsPath, contextBytesMax, contextIn, placesIn, type Target, targetOf } from './evaluation-request.ts'
import { type EventTickets, eventIdOf } from './event-ticket.ts'
import { answerableFlag, ofrepAnswer } from './ofrep-answer.ts'
import { ofrepProtocol } from './ofrep-protocol.ts'
import { pageHeaders, plainHeaders, sendRefusal } from './ofrep-refusal.ts'
import { readBody } from './read-body.ts'

const bodiesMax = 1_000
const oneFlagRoute = `${allFlagsPath}/{key}`
const callerKinds: readonly KeyKind[] = ['sdk-client', 'sdk-server', 'admin']

export function createEvaluationListener(app: Application, isLocal: boolean, tickets: EventTickets): DirectListener {
  const answers = new AllFlagsAnswers(tickets)
  let bodies = 0

  function authenticate({ headers, socket }: IncomingMessage): Caller | Promise<Caller> {
    const { authorization, 'x-api-key': key, host, origin } = headers
    const given = authorization ?? (typeof key === 'string' ? `Bearer ${key}` : null)
    if (isLocal && given === null) checkLocalRequest(host ?? null, origin ?? null)
    return app.authenticator.authenticate(given, socket)
  }

  async function read(incoming: IncomingMessage): Promise<string | null> {
    if (bodies >= bodiesMax) throw tooBusy()
    bodies++
    try {
      return await readBody(incoming, contextBytesMax)
    } finally {
      bodies--
    }
  }

  function environmentOf(caller: Caller, incoming: IncomingMessage, { query }: Target) {
    const scope = scopeFor(caller, placesIn(incoming, query) ?? {})
    const known = app.environments.known(scope)
    return known?.isRead ? known : app.environments.of(scope)
  }

  /** Returns the status that was told. */
  async function answer(incoming: IncomingMessage, outgoing: ServerResponse, target: Target): Promise<number> {
    const authenticated = authenticate(incoming)
    const caller = authenticated instanceof Promise ? await authenticated : authenticated
    requireKind(caller, callerKinds)
    const body = await read(incoming)
    const context = contextIn(body)
    if (body === null || typeof context === 'string')
      return sendRefusal(outgoing, typeof context === 'string' ? context : 'INVALID_CONTEXT', target.key)
    const found = environmentOf(caller, incoming, target)
    const environment = found instanceof Promise ? await found : found
    const headers = incoming.headers.origin === undefined ? plainHeaders : pageHeaders
    if (target.key !== null) {
      const flag = environment.flags.find(target.key)
      if (flag === undefined) return sendRefusal(outgoing, 'FLAG_NOT_FOUND', target.key)
      const { status, json } = ofrepAnswer(answerableFlag(flag), context)
      sendText(outgoing, status, headers, json)
      return status
    }
    if (target.query !== null) await catchUp(environment, target.query)
    const parts = answers.partsOf(environment)
    const etag = tagOf(parts, body)
    if (isKnownTag(incoming.headers['if-none-match'], etag)) return sendUnchanged(outgoing, etag)
    sendText(outgoing, 200, { ...headers, etag }, allFlagsJson(parts, context))
    return 200
  }

  async function answerAndObserve(incoming: IncomingMessage, outgoing: ServerResponse, target: Target): Promise<void> {
    const startedAt = performance.now()
    let status: number
    try {
      status = await answer(incoming, outgoing, target)
    } catch (error) {
      status = await sendProblem(outgoing, error, { protocol: ofrepProtocol, log: app.log })
    }
    const route = target.key === null ? allFlagsPath : oneFlagRoute
    app.metrics.requestSeconds.observe({ method: 'POST', route, status }, (performance.now() - startedAt) / 1_000)
  }

  return (incoming, outgoing) => {
    const target = targetOf(incoming)
    if (target === null) return false
    answerAndObserve(incoming, outgoing, target).catch(error => {
      app.log.error({ err: error }, 'cannot answer')
      outgoing.destroy()
    })
    return true
  }
}

function sendUnchanged(outgoing: ServerResponse, etag: string): number {
  outgoing.writeHead(304, { ...allowPages, etag })
  outgoing.end()
  return 304
}

function tooBusy(): HttpProblem {
  return new HttpProblem(
    'too-many-requests',
    `Cannot evaluate at the moment: found ${bodiesMax} requests being read, expected fewer. Try again in a second.`,
    {},
    { 'retry-after': '1' },
  )
}

/** What another instance has told of may not have been read here yet. */
async function catchUp(environment: ServedEnvironment, query: URLSearchParams): Promise<void> {
  const told = query.get('flagConfigEtag')
  if (told !== null && told !== eventIdOf(environment)) await environment.refresh()
}
