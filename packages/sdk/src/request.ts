/** One HTTP request to the control plane: authorised, with a time-out, without redirects. The outcome is a value. */
import type { Clock } from './clock.ts'
import type { Transport } from './transport/transport.ts'

export type RequestOutcome =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly body: unknown
      /** Null when the server did not say. */
      readonly retryAfterMs: number | null
    }
  | { readonly kind: 'unreachable'; readonly cause: unknown }

export type PostJson = (path: string, body: unknown, signal?: AbortSignal) => Promise<RequestOutcome>

export interface PostJsonOptions {
  /** The address of a path of the API. */
  readonly endpoint: (path: string) => string
  readonly headers: Readonly<Record<string, string>>
  readonly transport: Pick<Transport, 'post'>
  readonly clock: Clock
}

/** Long enough for a busy server, and less than a heartbeat, so that one hung request does not swallow the next. */
const requestTimeoutMs = 4_000
/** A server's wish to be left alone is honoured up to here; a typing error in a proxy must not silence a client. */
const retryAfterMaxMs = 60_000

export function createPostJson({ endpoint, headers, transport, clock }: PostJsonOptions): PostJson {
  const all = { ...headers, 'Content-Type': 'application/json' }
  return async (path, body, signal) => {
    const abort = new AbortController()
    const late = (): void => abort.abort(new Error(`found no answer in ${requestTimeoutMs} ms`))
    // `AbortSignal.any` would do the same, and leaves a request's signals to the garbage collector's last pass.
    const giveUp = (): void => abort.abort(signal?.reason)
    if (signal?.aborted) giveUp()
    signal?.addEventListener('abort', giveUp)
    const cancel = clock.after(requestTimeoutMs, late)
    try {
      const answer = await transport.post(endpoint(path), all, JSON.stringify(body), abort.signal)
      const { status, text, retryAfter } = answer
      return {
        kind: 'answered',
        status,
        body: parseJson(text),
        retryAfterMs: retryAfterMs(retryAfter, clock.now()),
      }
    } catch (cause) {
      return { kind: 'unreachable', cause }
    } finally {
      cancel()
      signal?.removeEventListener('abort', giveUp)
    }
  }
}

/** `Retry-After` as seconds or as a date. */
export function retryAfterMs(header: string | null, now: number): number | null {
  if (header === null) return null
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), retryAfterMaxMs)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
