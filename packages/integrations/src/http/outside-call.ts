/**
 * One outside HTTP call, made so that nothing a plan or a receiver says can lead it elsewhere.
 *
 *  1. The name is resolved once; the socket is opened to an address that was checked, so a second answer of the name
 *     server cannot change the target (DNS rebinding).
 *  2. Redirects are not followed: the answer is the redirect.
 *  3. One clock covers connecting, sending and reading; the body is cut at a size.
 *  4. What is known about sending decides the outcome: not connected = nothing happened; connected but no answer = it
 *     may have happened.
 */
import { lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, request } from 'undici'
import { outputBytesMax } from '../command-output.ts'
import { isPublicAddress } from './public-address.ts'

export interface OutsideCall {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  readonly allowPrivate: boolean
  readonly timeoutMs: number
}

export type OutsideAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly body: Buffer }
  /** Nothing was sent. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Something may have been sent, no answer came. */
  | { readonly kind: 'unanswered'; readonly reason: string }

export async function callOutside(call: OutsideCall): Promise<OutsideAnswer> {
  const host = call.url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0 && !call.allowPrivate && !isPublicAddress(host)) return refusedAddress(host)
  const connection = { opened: false }
  const agent = new Agent({
    connect: { lookup: checkedLookup(call.allowPrivate), timeout: call.timeoutMs },
    connections: 1,
    pipelining: 0,
  })
  agent.on('connect', () => {
    connection.opened = true
  })
  const clock = AbortSignal.timeout(call.timeoutMs)
  try {
    const answer = await request(call.url, {
      dispatcher: agent,
      method: call.method as 'GET',
      headers: { 'user-agent': 'dankai', ...call.headers },
      body: call.body,
      signal: clock,
    })
    return { kind: 'answered', status: answer.statusCode, body: await readUpTo(answer.body, outputBytesMax + 1) }
  } catch (error) {
    const reason = clock.aborted ? `no answer within ${call.timeoutMs} ms` : reasonOf(error)
    return { kind: connection.opened ? 'unanswered' : 'refused', reason }
  } finally {
    await agent.destroy()
  }
}

function checkedLookup(allowPrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { all: true, verbatim: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 0)
      const allowed = addresses.filter(({ address }) => allowPrivate || isPublicAddress(address))
      const first = allowed[0]
      if (first === undefined) return callback(new Error(notPublic(hostname, addresses[0]?.address)), '', 0)
      if (options.all === true) return callback(null, allowed)
      return callback(null, first.address, first.family)
    })
  }
}

function notPublic(host: string, address: string | undefined): string {
  return `Cannot call "${host}": found address ${address ?? 'none'}, expected a public one. An admin can allow private addresses in the connection`
}

const refusedAddress = (host: string): OutsideAnswer => ({ kind: 'refused', reason: notPublic(host, host) })

async function readUpTo(body: AsyncIterable<Buffer>, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= bytesMax) break
  }
  return Buffer.concat(chunks)
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as NodeJS.ErrnoException
  const inner = error instanceof AggregateError ? error.errors.map(reasonOf).join('; ') : error.message
  return inner === '' ? (code ?? error.name) : inner
}
