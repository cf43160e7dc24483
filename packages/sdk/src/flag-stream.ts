/**
 * Keeps one event stream open for as long as the client lives.
 *
 * connecting -> reading -> waiting -> connecting … ; `close` ends it from anywhere.
 *
 * 1. Whatever ends a connection, another one follows, after back-off; only `close` ends the loop.
 * 2. Silence ends a connection: one that says nothing for `staleAfterMs`, the answer to the request included, is given
 *    up, because a dead peer behind a proxy never closes.
 * 3. Only what comes after a full set shows that a connection works and shortens the next wait: a server that sends the
 *    set and then fails, again and again, is asked ever more rarely.
 * 4. A server that goes is followed by as many new connections as it had clients, each a full set and a handshake: they
 *    spread over twice the time that it asked for.
 * 5. After a gap the next request carries no Last-Event-ID, which asks for the full set.
 */
import { type Backoff, createBackoff } from './backoff.ts'
import type { Clock } from './clock.ts'
import { retryAfterMs } from './request.ts'
import { createEventParser } from './server-sent-events.ts'
import { SilenceWatch } from './silence-watch.ts'
import { parseStreamMessage, type StreamMessage } from './stream-message.ts'
import type { EventSourceAnswer, RequestHeaders, Transport } from './transport/transport.ts'

export interface FlagStreamOptions {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly transport: Transport
  readonly clock: Clock
  readonly random: () => number
  readonly staleAfterMs: number
  /** The time over which the server wants what all its clients do at once to be spread. */
  readonly spreadMs: () => number
  /** The version to go on from; null asks for the full set. */
  readonly lastVersion: () => number | null
  /** `stop` gives up this connection; its text is reported. */
  readonly receive: (message: StreamMessage) => { readonly stop: string } | 'go on'
  readonly report: (error: Error) => void
}

export interface FlagStream {
  /** Resolves when the connection is gone. */
  close(): Promise<void>
}

interface Ending {
  readonly found: string
  readonly cause?: unknown
  readonly retryAfterMs?: number | null
}

export function openFlagStream(options: FlagStreamOptions): FlagStream {
  const backoff = createBackoff({ firstMs: 200, ceilingMs: 10_000, random: options.random })
  const closing = new AbortController()
  const open = keepOpen(options, backoff, closing.signal)
  return {
    close() {
      closing.abort()
      return open
    },
  }
}

async function keepOpen(options: FlagStreamOptions, backoff: Backoff, closing: AbortSignal): Promise<void> {
  while (!closing.aborted) {
    const ending = await readOneConnection(options, backoff, closing)
    if (closing.aborted) return
    const delayMs = backoff.next(ending.retryAfterMs ?? 0, 2 * options.spreadMs())
    const waited = wait(options.clock, delayMs, closing)
    options.report(new Error(`Cannot follow flags: found ${ending.found}. Connecting again`, { cause: ending.cause }))
    await waited
  }
}

async function readOneConnection(options: FlagStreamOptions, backoff: Backoff, closing: AbortSignal): Promise<Ending> {
  const silent = new AbortController()
  const silence = new SilenceWatch(options.clock, options.staleAfterMs, () => silent.abort())
  const signal = AbortSignal.any([closing, silent.signal])
  try {
    const answer = await requestStream(options, signal)
    const refusal = refusalOf(answer, options.clock)
    if (refusal !== null) {
      await answer.discard()
      return refusal
    }
    return await readEvents(answer, options, message => {
      silence.heard()
      if (message.kind === 'change' || message.kind === 'version' || message.kind === 'ping') backoff.reset()
    })
  } catch (cause) {
    return silent.signal.aborted
      ? { found: `nothing for ${options.staleAfterMs} ms` }
      : { found: `no connection (${reasonOf(cause)})`, cause }
  } finally {
    silence.stop()
  }
}

/** What fetch throws says "fetch failed"; the code of the socket's error lies beneath. */
function reasonOf(error: unknown): string {
  const { cause, code, message } = error as { cause?: { code?: unknown }; code?: unknown; message?: unknown }
  return String(code ?? cause?.code ?? message)
}

function requestStream(
  { url, headers, transport, lastVersion }: FlagStreamOptions,
  signal: AbortSignal,
): Promise<EventSourceAnswer> {
  const version = lastVersion()
  const resume: RequestHeaders = version === null ? {} : { 'Last-Event-ID': String(version) }
  return transport.connectEvents(url, { ...headers, Accept: 'text/event-stream', ...resume }, signal)
}

/** Anything but an event stream: an error, or a proxy's page that says 200. */
function refusalOf({ status, contentType, retryAfter }: EventSourceAnswer, clock: Clock): Ending | null {
  const type = contentType ?? 'no content type'
  if (status === 200 && type.startsWith('text/event-stream')) return null
  const known = status === 401 || status === 403 ? ' (is the key one of this environment?)' : ''
  const found = status === 200 ? `${type}, expected text/event-stream` : `status ${status}, expected 200${known}`
  return { found, retryAfterMs: retryAfterMs(retryAfter, clock.now()) }
}

async function readEvents(
  answer: EventSourceAnswer,
  { receive }: FlagStreamOptions,
  accepted: (message: StreamMessage) => void,
): Promise<Ending> {
  const parser = createEventParser()
  let found = 'the end of the stream'
  await answer.read(piece => {
    for (const event of parser.push(piece)) {
      const message = parseStreamMessage(event)
      const outcome = receive(message)
      if (outcome !== 'go on') {
        found = outcome.stop
        return false
      }
      accepted(message)
    }
    return true
  })
  return { found }
}

function wait(clock: Clock, delayMs: number, closing: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => {
      cancel()
      closing.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(delayMs, end)
    closing.addEventListener('abort', end)
  })
}
