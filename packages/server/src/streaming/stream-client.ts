/**
 * One open stream, written past the HTTP layer so that a shared buffer is written as it is.
 *
 * A client that does not read makes its socket's buffer grow; past a cap it is dropped, and comes back by itself with
 * the version it has. Others never wait for it.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Audience } from '../http/caller.ts'
import { lastChunk } from './event-frame.ts'

export interface StreamClient {
  readonly sdk: string
  readonly name: string
  readonly kind: Audience
  readonly connectedAt: number
  /** False when the client is gone or was dropped. */
  write(frame: Buffer): boolean
  close(): void
}

/** A megabyte is a hundred full sets of a hundred flags: far more than a client that reads ever leaves waiting. */
export const waitingBytesMax = 1_048_576
/** A client that was told the end and does not read it. */
const closedWithinMs = 5_000

/** `onEnd` is called once, never before this returns. */
export function openStreamClient(
  outgoing: ServerResponse,
  about: Pick<StreamClient, 'sdk' | 'name' | 'kind' | 'connectedAt'>,
  onEnd: (dropped: boolean) => void,
  headers: Readonly<Record<string, string>> = {},
): StreamClient {
  outgoing.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
    'transfer-encoding': 'chunked',
  })
  outgoing.flushHeaders()
  const socket: Socket | null = outgoing.socket
  let open = true
  let largest = 0
  const end = (dropped: boolean): void => {
    if (!open) return
    open = false
    onEnd(dropped)
  }
  socket?.setTimeout(0)
  // One that went while its request was being read has no end to come.
  if (socket === null || socket.destroyed) queueMicrotask(() => end(false))
  else outgoing.once('close', () => end(false))
  return {
    ...about,
    write(frame) {
      if (!open || socket === null || socket.destroyed) return false
      socket.write(frame)
      largest = Math.max(largest, frame.length)
      // What waited before this frame counts, and a full set on its way is no sign of a client that does not read: one
      // of ten thousand flags is several times the cap, and a ping follows it at once.
      if (socket.writableLength - frame.length <= waitingBytesMax + largest) return true
      end(true)
      socket.destroy()
      return false
    },
    close() {
      if (!open || socket === null) return
      end(false)
      socket.end(lastChunk)
      socket.setTimeout(closedWithinMs, () => socket.destroy())
    },
  }
}
