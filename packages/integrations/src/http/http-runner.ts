/**
 * `http: "METHOD url"` steps, through named connections only.
 *
 * `NAME/path` goes to the connection NAME; a whole URL goes to the first connection, by name, that allows its host.
 * Host and method must be on the connection's lists whichever way it was named. The receiver gets the command's id as
 * Idempotency-Key, so that one which knows the header can tell a repeated call.
 */
import type { ClaimedCommand, EffectRunner } from '@dankai/engine'
import { cutOutput, numbersIn } from '../command-output.ts'
import { ambiguous, type ConnectionOf, type Connections, failed, type RunResult, scopeOf } from '../connection.ts'
import { callOutside, type OutsideAnswer } from './outside-call.ts'

type HttpConnection = ConnectionOf<'http'>
export type HttpTarget = { readonly connection: HttpConnection; readonly url: URL }

export function createHttpRunner(connections: Connections): EffectRunner {
  return {
    kinds: ['http'],
    async run(claimed) {
      const { effect } = claimed.command
      if (effect.kind !== 'http') return failed(`Cannot run a ${effect.kind} command as a call`)
      const found = await connections.all(scopeOf(claimed), 'http')
      const target = chooseHttpTarget(effect.method, effect.url, found)
      return 'problem' in target ? failed(target.problem) : call(claimed, effect.method, target)
    },
  }
}

export function chooseHttpTarget(
  method: string,
  url: string,
  connections: readonly HttpConnection[],
): HttpTarget | { readonly problem: string } {
  const target = URL.canParse(url) ? byHost(new URL(url), connections) : byName(url, connections)
  if ('problem' in target) return target
  const { allowedHosts, allowedMethods } = target.connection.settings
  const about = `Cannot call "${method} ${url}" through connection "${target.connection.name}"`
  if (!allowsHost(allowedHosts, target.url))
    return { problem: `${about}: found host "${target.url.host}", expected one of ${allowedHosts.join(', ')}` }
  if (!allowedMethods.includes(method))
    return { problem: `${about}: found method ${method}, expected one of ${allowedMethods.join(', ')}` }
  return target
}

function byHost(url: URL, connections: readonly HttpConnection[]): HttpTarget | { readonly problem: string } {
  const connection = connections
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .find(candidate => allowsHost(candidate.settings.allowedHosts, url))
  if (connection !== undefined && isWeb(url)) return { connection, url }
  return {
    problem: `Cannot call "${url.origin}": found no connection that allows host "${url.host}", expected one. An admin can make it: PUT /v1/connections/NAME`,
  }
}

function byName(path: string, connections: readonly HttpConnection[]): HttpTarget | { readonly problem: string } {
  const [name = ''] = path.split(/[/?#]/)
  const connection = connections.find(candidate => candidate.name === name)
  if (connection === undefined)
    return {
      problem: `Cannot call "${path}": found no connection "${name}", expected one of kind http. An admin can make it: PUT /v1/connections/${name}`,
    }
  const base = connection.settings.baseUrl.replace(/\/+$/, '')
  return { connection, url: new URL(base + path.slice(name.length)) }
}

const isWeb = (url: URL): boolean => url.protocol === 'http:' || url.protocol === 'https:'

const allowsHost = (allowed: readonly string[], url: URL): boolean =>
  allowed.includes(url.host) || allowed.includes(url.hostname)

async function call(claimed: ClaimedCommand, method: string, { connection, url }: HttpTarget): Promise<RunResult> {
  const { settings, secrets } = connection
  const answer = await callOutside({
    url,
    method,
    headers: { 'idempotency-key': claimed.id, ...secrets },
    body: null,
    allowPrivate: settings.allowPrivate,
    timeoutMs: Math.min(settings.timeoutMs, claimed.command.timeoutMs),
  })
  return resultOf(method, answer)
}

function resultOf(method: string, answer: OutsideAnswer): RunResult {
  if (answer.kind === 'refused') return failed(answer.reason)
  // Reading changes nothing, so a lost answer to a read is a plain failure and may be tried again.
  if (answer.kind === 'unanswered')
    return method === 'GET' || method === 'HEAD' ? failed(answer.reason) : ambiguous(answer.reason)
  const text = cutOutput(answer.body)
  const output = { text, status: answer.status, rows: null, fields: numbersIn(text) }
  if (answer.status >= 200 && answer.status < 300) return { outcome: 'succeeded', detail: null, output }
  return failed(`found status ${answer.status}, expected 2xx`, output)
}
