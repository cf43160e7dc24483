/**
 * By Node's own HTTP client. A service pays for every change, every acknowledgement and every batch of samples: through
 * `fetch` each costs twice the processor time, and six times that of the garbage collector.
 */
import { type ClientRequest, type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { finished } from 'node:stream/promises'
import type { EventSourceAnswer, Transport } from './transport.ts'

export const transport: Transport = {
  async connectEvents(url, headers, signal) {
    const response = await answerTo(openRequest(url, { headers, signal }).end())
    // A connection that is cut before anybody reads it is found by the one who reads.
    response.on('error', () => {})
    return {
      ...headOf(response),
      contentType: response.headers['content-type'] ?? null,
      read: onPiece => readPieces(response, onPiece),
      discard: async () => void response.destroy(),
    }
  },
  async post(url, headers, body, signal) {
    const response = await answerTo(openRequest(url, { method: 'POST', headers, signal }).end(body))
    let text = ''
    await readPieces(response, piece => {
      text += piece
      return true
    })
    return { ...headOf(response), text }
  },
}

function openRequest(url: string, options: RequestOptions): ClientRequest {
  return (url.startsWith('https:') ? requestHttps : requestHttp)(url, options)
}

function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve)
    // Also after the answer: then whoever reads it hears of it, and nobody waits here.
    request.on('error', reject)
  })
}

function headOf({ statusCode, headers }: IncomingMessage): Pick<EventSourceAnswer, 'status' | 'retryAfter'> {
  return { status: statusCode ?? 0, retryAfter: headers['retry-after'] ?? null }
}

async function readPieces(response: IncomingMessage, onPiece: (piece: string) => boolean): Promise<void> {
  let hasEnough = false
  response.setEncoding('utf8')
  response.on('data', (piece: string) => {
    try {
      hasEnough = !onPiece(piece)
      if (hasEnough) response.destroy()
    } catch (error) {
      response.destroy(error as Error)
    }
  })
  await finished(response).catch(error => {
    if (!hasEnough) throw error
  })
}
