import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/**
 * An outside system that knows the Idempotency-Key header: it does what it is told once per key, and counts calls.
 */
export interface Receiver {
  readonly url: string
  readonly host: string
  /** Keys under which something was done, by what was done. */
  readonly effects: ReadonlyMap<string, ReadonlySet<string>>
  /** Calls by key; more than one is a repeat the receiver could tell. */
  readonly calls: ReadonlyMap<string, number>
  /** Calls it takes and never answers, by what they ask for. */
  hangsAt: (what: string) => boolean
  close(): Promise<void>
}

export async function startReceiver(): Promise<Receiver> {
  const effects = new Map<string, Set<string>>()
  const calls = new Map<string, number>()
  const server = createServer(async (request, response) => {
    const body = await text(request).catch(() => '')
    const key = String(request.headers['idempotency-key'] ?? 'no key')
    const what = `${request.method} ${request.url}${titleIn(body)}`
    if (receiver.hangsAt(what)) return
    effects.set(what, (effects.get(what) ?? new Set()).add(key))
    calls.set(key, (calls.get(key) ?? 0) + 1)
    response.end('ok')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const receiver: Receiver = {
    url: `http://${host}`,
    host,
    effects,
    calls,
    hangsAt: () => false,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return receiver
}

/** Messages all go to one address; the title says which release they are of. */
function titleIn(body: string): string {
  if (body === '') return ''
  const { title } = JSON.parse(body) as { title?: string | null }
  return ` ${title ?? ''}`
}
