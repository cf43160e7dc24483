/**
 * A light load: connections that send the next request when the answer to the last one has come. It reads no more of an
 * answer than where it ends, so that the servers and not the load are what is measured.
 */
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'

export interface Load {
  readonly port: number
  /** Of the process that answers. */
  readonly pid: number
  /** Sent in turn. */
  readonly requests: readonly Buffer[]
}

export interface Measured {
  readonly perSecond: number
  readonly cpuMicroseconds: number
}

export async function measureLoad({ port, pid, requests }: Load, connections: number, ms: number): Promise<Measured> {
  let answered = 0
  let next = 0
  let isOver = false
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)))
  const cpuBefore = cpuSecondsOf(pid)
  const startedAt = performance.now()
  const done = sockets.map(
    socket =>
      new Promise<void>((resolve, reject) => {
        const send = (): void => {
          socket.write(requests[next++ % requests.length]!)
        }
        let waiting: Buffer = Buffer.alloc(0)
        socket.on('error', reject)
        socket.on('data', (chunk: Buffer) => {
          waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk])
          let end: number | null
          try {
            end = endOf(waiting)
          } catch (problem) {
            reject(problem)
            return
          }
          if (end === null) return
          waiting = waiting.subarray(end)
          answered++
          if (isOver) resolve()
          else send()
        })
        send()
      }),
  )
  const ended = Promise.all(done)
  await Promise.race([new Promise(resolve => setTimeout(resolve, ms)), ended])
  isOver = true
  const seconds = (performance.now() - startedAt) / 1_000
  const count = answered
  const cpuSeconds = cpuSecondsOf(pid) - cpuBefore
  await ended
  for (const socket of sockets) socket.destroy()
  return { perSecond: count / seconds, cpuMicroseconds: (cpuSeconds * 1e6) / count }
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })
}

/** Where the first answer ends; null when it has not all come. Throws for an answer that is no success. */
function endOf(found: Buffer): number | null {
  const head = found.indexOf('\r\n\r\n')
  if (head < 0) return null
  const text = found.toString('latin1', 0, head)
  if (!/^HTTP\/1\.1 (?:200|304)/.test(text)) throw new Error(`Cannot measure: found ${text.slice(0, 200)}`)
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1]
  if (length !== undefined) {
    const end = head + 4 + Number(length)
    return found.length >= end ? end : null
  }
  if (!/\r\ntransfer-encoding: chunked/i.test(text)) return head + 4
  const last = found.indexOf('0\r\n\r\n', head)
  return last < 0 ? null : last + 5
}

/** User and system time of a process; its clock ticks are hundredths of a second. */
function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

export function requestOf(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: unknown,
): Buffer {
  const text = body === null ? '' : JSON.stringify(body)
  const all = {
    host: '127.0.0.1',
    ...headers,
    ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${text}`)
}
