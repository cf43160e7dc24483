/** Clients that open a stream and never read it, as a process that hangs does. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { serveHelper } from '../fleet/helper-process.ts'

export type StalledWork = {
  open(stalled: { url: string; key: string; count: number }): Promise<void>
}

const sockets: Socket[] = []

const work: StalledWork = {
  async open({ url, key, count }) {
    const { hostname, port } = new URL(url)
    for (let index = 0; index < count; index++) {
      const socket = connect({ host: hostname, port: Number(port) }).pause()
      // A server that drops it is right.
      socket.on('error', () => {})
      await once(socket, 'connect')
      const headers = [
        `Host: ${hostname}:${port}`,
        `Authorization: Bearer ${key}`,
        `Dankai-Sdk: ${randomUUID()}; name=stalled`,
      ]
      socket.write(`GET /v1/stream HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`)
      sockets.push(socket)
    }
  },
}

serveHelper(work)
