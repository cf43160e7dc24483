/** Event streams by `fetch`, for browsers, edge runtimes, and programs that bring their own. */
import type { Fetch } from '../request.ts'
import type { ConnectEvents, EventSourceAnswer } from './event-source.ts'

export function connectByFetch(fetch: Fetch): ConnectEvents {
  return async (url, headers, signal) => {
    const response = await fetch(url, { headers, redirect: 'error', signal })
    const header = (name: string): string | null => response.headers.get(name)
    return {
      status: response.status,
      contentType: header('content-type'),
      retryAfter: header('retry-after'),
      read: onPiece => readPieces(response, onPiece),
      discard: async () => response.body?.cancel(),
    }
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

export const connectEvents = connectByFetch((...request) => globalThis.fetch(...request))
