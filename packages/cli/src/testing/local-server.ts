import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer as createTcpServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, createServer, type DankaiServer } from '@dankai/server'

export interface LocalServer {
  readonly server: DankaiServer
  readonly url: string
  close(): Promise<void>
}

/** The real server with its own PostgreSQL, or one that is there, on a free loopback port, gone after the tests. */
export async function startLocalServer(databaseUrl: string | null = null): Promise<LocalServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'dankai-cli-'))
  const settings = {
    host: '127.0.0.1',
    port: 0,
    dataDir,
    databaseUrl,
    adminKey: null,
    secretKey: null,
    logLevel: 'silent',
  } as const
  const server = await createServer(settings, createLogger('silent'))
  return {
    server,
    url: server.url,
    async close() {
      await server.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

export interface Relay {
  readonly url: string
  /** Breaks every connection that is open, as a network does. */
  cut(): void
  close(): Promise<void>
}

/** A TCP relay in front of a server, so that a test can break its connections. */
export async function startRelay(serverUrl: string): Promise<Relay> {
  const { port, hostname } = new URL(serverUrl)
  const sockets = new Set<Socket>()
  const relay = createTcpServer(inside => {
    const outside = connect(Number(port), hostname)
    for (const socket of [inside, outside]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        inside.destroy()
        outside.destroy()
      })
    }
    inside.pipe(outside).pipe(inside)
  })
  await new Promise<void>(resolve => relay.listen(0, '127.0.0.1', resolve))
  const address = relay.address()
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    cut,
    close: () =>
      new Promise(resolve => {
        relay.close(() => resolve())
        cut()
      }),
  }
}
