import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import type { Hono } from 'hono'

export interface Listening {
  readonly port: number
  close(): Promise<void>
}

/** Longer than the gateway keeps an idle connection, so that it is never the server that closes under a request. */
const KEEP_ALIVE_MS = 30_000
const REQUEST_MS = 15_000
/** While closing, a client that keeps its connection after the last answer holds the end back no longer than this. */
const IDLE_SWEEP_MS = 50

export function listenWith(
  app: Pick<Hono, 'fetch'>,
  { port, hostname }: { readonly port: number; readonly hostname: string },
): Promise<Listening> {
  const server = createAdaptorServer({ fetch: app.fetch }) as Server
  server.keepAliveTimeout = KEEP_ALIVE_MS
  server.requestTimeout = REQUEST_MS
  return listen(server, { port, hostname })
}

export function listen(
  server: Server,
  { port, hostname }: { readonly port: number; readonly hostname: string },
): Promise<Listening> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, hostname, () => {
      server.off('error', reject)
      const address = server.address()
      let closed: Promise<void> | null = null
      resolve({
        port: typeof address === 'object' && address ? address.port : port,
        close: () => {
          closed ??= closeServer(server)
          return closed
        },
      })
    })
  })
}

/** Requests under way are answered first; a connection is closed as soon as it has nothing to answer. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS)
    server.close(error => {
      clearInterval(sweep)
      if (error) reject(error)
      else resolve()
    })
  })
}
