import { connect, createServer, type Socket } from 'node:net'

/** A TCP door in front of a database that can be shut (nothing gets through, nothing ends) and opened again. */
export interface FlakyDoor {
  readonly url: string
  shut(): void
  open(): void
  close(): Promise<void>
}

export async function startFlakyDoor(databaseUrl: string): Promise<FlakyDoor> {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let isShut = false
  const server = createServer(inside => {
    const outside = connect(Number(target.port), target.hostname)
    for (const [socket, other] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      sockets.add(socket)
      socket.on('data', bytes => {
        // While shut, bytes are lost, as with a network that drops packets; the connection cannot be used again.
        if (!isShut) other.write(bytes)
      })
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String(typeof address === 'object' && address !== null ? address.port : 0)
  const endAll = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: url.href,
    shut() {
      isShut = true
    },
    open() {
      isShut = false
      endAll()
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        endAll()
      }),
  }
}
