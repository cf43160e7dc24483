import { connect, createServer, type Socket } from 'node:net'

export interface Relay {
  readonly url: string
  /** What went both ways since the last cut. */
  readonly heard: string
  /** Breaks every connection that is open; new ones wait. */
  cut(): void
  /** Lets the waiting ones and those that come later through to that server. */
  goOn(serverUrl: string): void
  close(): Promise<void>
}

/** A TCP relay in front of a server, so that a test can break its connections and choose when they are made again. */
export async function openRelay(serverUrl: string): Promise<Relay> {
  const sockets = new Set<Socket>()
  const waiting = new Set<Socket>()
  let target: URL | null = new URL(serverUrl)
  let heard = ''
  const keep = (socket: Socket, ...others: readonly Socket[]): void => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', chunk => (heard += chunk.toString('utf8')))
    socket.on('close', () => {
      sockets.delete(socket)
      waiting.delete(socket)
      for (const other of others) other.destroy()
    })
  }
  const letThrough = (inside: Socket, { port, hostname }: URL): void => {
    const outside = connect(Number(port), hostname)
    keep(inside, outside)
    keep(outside, inside)
    inside.pipe(outside).pipe(inside)
  }
  const listener = createServer({ pauseOnConnect: true }, inside => {
    if (target !== null) return letThrough(inside, target)
    inside.on('error', () => {})
    waiting.add(inside)
  })
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  const address = listener.address()
  const destroyAll = (): void => {
    for (const socket of [...sockets, ...waiting]) socket.destroy()
  }
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    get heard() {
      return heard
    },
    cut() {
      target = null
      destroyAll()
      heard = ''
    },
    goOn(url) {
      target = new URL(url)
      for (const inside of waiting) letThrough(inside, target)
      waiting.clear()
    },
    close: () =>
      new Promise(resolve => {
        listener.close(() => resolve())
        destroyAll()
      }),
  }
}
