/**
 * `POST /ofrep/v1/evaluate/flags/{key}` and `POST /ofrep/v1/evaluate/flags`: evaluation by the server, for every
 * OpenFeature provider of the protocol.
 *
 *  1. They are asked for every page and every request of others' services, so they are answered beneath the framework,
 *     with a key check, bounds and figures of their own.
 *  2. A context is at most 256 KB, and so many bodies are read at once; beyond, providers hear 400 or 429.
 *  3. A tag stands for what is served and the context together, so 304 means that every value is as it was.
 *  4. Each answer is counted. One about one flag of an experiment is an exposure of its user; a reading of all flags is
 *     none, because who reads all of them uses few.
 *  5. What is known is not waited for: a key that was verified, an environment that was read.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { KeyKind } from '@dankai/store'
import type { Application } from '../../application.ts'
import { allowPages } from '../../http/allow-pages.ts'
import { audienceOf, type Caller, readScope, requireKind } from '../../http/caller.ts'
import { type DirectListener, sendProblem, sendText } from '../../http/direct-answer.ts'
import { eventIdOf, isKnownTag } from '../../http/etag.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { checkLocalRequest } from '../../http/local-request.ts'
import type { ServedView } from '../../serving/served-view.ts'
import { AllFlagsAnswers, tagOf } from './all-flags-answer.ts'
import { allFlagsPath, askedIn, contextIn, isRefused, type Target, targetOf } from './evaluation-request.ts'
import type { EventTickets } from './event-ticket.ts'
import { answerTo, type GivenAnswer, GivenAnswers, isExposure } from './given-answers.ts'
import { ofrepProtocol } from './ofrep-protocol.ts'
import {
  contextBytesMax,
  contextTooLarge,
  flagNotFound,
  pageHeaders,
  plainHeaders,
  sendRefusal,
} from './ofrep-refusal.ts'
import { readBody } from './read-body.ts'

const bodiesMax = 1_000
const oneFlagRoute = `${allFlagsPath}/{key}`
const callerKinds: readonly KeyKind[] = ['sdk-client', 'sdk-server', 'admin']

export function createEvaluationListener(app: Application, isLocal: boolean, tickets: EventTickets): DirectListener {
  const given = new GivenAnswers()
  app.evaluations.countFrom(() => given.tell(app.evaluations, app.now()))
  const answers = new AllFlagsAnswers(tickets, given)
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

  function viewFor(caller: Caller, incoming: IncomingMessage, { query }: Target) {
    const scope = readScope(askedIn(incoming, query), caller)
    const known = app.environments.known(scope)
    const audience = audienceOf(caller)
    return known?.isRead ? known.viewFor(audience) : app.environments.viewFor(audience, scope)
  }

  function observeUse(answer: GivenAnswer, user: unknown): void {
    given.countAlone(answer)
    const { of, served } = answer
    if (served !== null && isExposure(answer))
      app.servedExposures.expose(of.scope, of.flag.definition.key, served, user)
  }

  /** Returns the status that was told. */
  async function answer(incoming: IncomingMessage, outgoing: ServerResponse, target: Target): Promise<number> {
    const authenticated = authenticate(incoming)
    const caller = authenticated instanceof Promise ? await authenticated : authenticated
    requireKind(caller, callerKinds)
    const body = await read(incoming)
    if (body === null) return sendRefusal(outgoing, contextTooLarge, target.key)
    const context = contextIn(body)
    if (isRefused(context)) return sendRefusal(outgoing, context, target.key)
    const found = viewFor(caller, incoming, target)
    const view = found instanceof Promise ? await found : found
    const headers = incoming.headers.origin === undefined ? plainHeaders : pageHeaders
    if (target.key !== null) {
      const flag = view.flags.find(target.key)
      if (flag === undefined) return sendRefusal(outgoing, flagNotFound(target.key), target.key)
      const one = answerTo(given.flagOf(view.scope, flag), context)
      sendText(outgoing, one.status, headers, one.json)
      observeUse(one, context.targetingKey)
      return one.status
    }
    if (target.query !== null) await catchUp(view, target.query)
    const parts = answers.partsOf(view, caller.keyId)
    const etag = tagOf(parts, body)
    if (isKnownTag(incoming.headers['if-none-match'], etag)) {
      sendUnchanged(outgoing, etag)
      answers.count(parts, context)
      return 304
    }
    sendText(outgoing, 200, { ...headers, etag }, answers.json(parts, context))
    return 200
  }

  async function answerAndObserve(incoming: IncomingMessage, outgoing: ServerResponse, target: Target): Promise<void> {
    const startedAt = performance.now()
    let status: number
    try {
      status = await answer(incoming, outgoing, target)
    } catch (error) {
      status = await sendProblem(outgoing, error, { protocol: ofrepProtocol, log: app.log, incoming })
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

function sendUnchanged(outgoing: ServerResponse, etag: string): void {
  outgoing.writeHead(304, { ...allowPages, etag })
  outgoing.end()
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
async function catchUp(view: ServedView, query: URLSearchParams): Promise<void> {
  const told = query.get('flagConfigEtag')
  if (told !== null && told !== eventIdOf(view)) await view.refresh()
}
