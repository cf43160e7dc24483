import type { IncomingMessage } from 'node:http'
import { HttpProblem } from '../../http/http-problem.ts'

/** A body of at most so many bytes; null when there are more. Read from the socket as it comes. */
export function readBody(incoming: IncomingMessage, bytesMax: number): Promise<string | null> {
  const announced = Number(incoming.headers['content-length'] ?? 0)
  if (announced > bytesMax) return Promise.resolve(null)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    incoming.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > bytesMax) {
        incoming.removeAllListeners('data')
        incoming.pause()
        resolve(null)
      } else chunks.push(chunk)
    })
    // Nearly all bodies come in one piece.
    incoming.on('end', () => resolve((chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString('utf8')))
    incoming.on('error', () =>
      reject(new HttpProblem('malformed', 'Cannot read the request: found it cut off, expected all of it.')),
    )
  })
}
