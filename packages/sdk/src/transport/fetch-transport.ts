/** By `fetch`, for browsers, edge runtimes, and programs that bring their own. */
import type { EventSourceAnswer, Transport } from './transport.ts'

export type Fetch = typeof globalThis.fetch

export function createFetchTransport(fetch: Fetch): Transport {
  return {
    async connectEvents(url, headers, signal) {
      const response = await fetch(url, { headers, redirect: 'error', signal })
      return {
        status: response.status,
        contentType: response.headers.get('content-type'),
        retryAfter: response.headers.get('retry-after'),
        read: onPiece => readPieces(response, onPiece),
        discard: async () => response.body?.cancel(),
      }
    },
    async post(url, headers, body, signal) {
      const response = await fetch(url, { method: 'POST', headers, body, redirect: 'error', signal })
      const text = await response.text()
      return { status: response.status, retryAfter: response.headers.get('retry-after'), text }
    },
  }
}

async function readPieces(response: Response, onPiece: Parameters<EventSourceAnswer['read']>[0]): Promise<void> {
  if (response.body === null) return
  const decoder = new TextDecoder()
  const reader = response.body.getReader()
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read())
      if (!onPiece(decoder.decode(piece.value, { stream: true }))) return
  } finally {
    // Frees the connection when reading stops early; after an error there is nothing left to free.
    await reader.cancel().catch(() => undefined)
  }
}

export const transport = createFetchTransport((...request) => globalThis.fetch(...request))
