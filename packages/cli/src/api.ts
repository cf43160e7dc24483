import type { Problem, ReleaseDetail, ReleaseSummary } from '@dankai/contract'
import { CommandEnd, exitCode } from './exit-code.ts'
import { readServerSentEvents } from './server-sent-events.ts'
import type { Terminal } from './terminal.ts'

/** A call that takes longer than this is as good as none: a person waits in front of it. */
const callTimeoutMs = 15_000

/** The server's HTTP API as this command uses it: DANKAI_URL and DANKAI_API_KEY, every call with a time-out. */
export class Api {
  readonly #url: string
  readonly #key: string | null

  constructor(terminal: Terminal) {
    this.#url = (terminal.environment['DANKAI_URL'] ?? 'http://localhost:4600').replace(/\/$/, '')
    this.#key = terminal.environment['DANKAI_API_KEY'] ?? null
  }

  get<T>(path: string): Promise<T> {
    return this.#call('GET', path, null)
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.#call('POST', path, body)
  }

  /** A release by its id, or the live (else the newest) release of a plan by its name. */
  async release(name: string): Promise<ReleaseDetail> {
    if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(name)) return await this.get(`/v1/releases/${name}`)
    const ofPlan = `plan=${encodeURIComponent(name)}`
    const live = await this.get<{ items: ReleaseSummary[] }>(`/v1/releases?${ofPlan}&live=true&limit=2`)
    const found =
      live.items.length > 0 ? live : await this.get<{ items: ReleaseSummary[] }>(`/v1/releases?${ofPlan}&limit=1`)
    const [first, second] = found.items
    if (first === undefined) {
      throw new CommandEnd(
        exitCode.no,
        `Cannot find release "${name}": found no release of that plan or id, expected one. See all with "dankai status".`,
      )
    }
    if (second !== undefined) {
      throw new CommandEnd(
        exitCode.usage,
        `Cannot choose a release of "${name}": found ${first.id} and ${second.id}, expected one live release. Give its id.`,
      )
    }
    return await this.get(`/v1/releases/${first.id}`)
  }

  /** Events of a live stream until the server or the caller ends it. */
  async *stream(path: string, signal: AbortSignal): AsyncGenerator<{ event: string; data: string }> {
    const response = await this.#fetch('GET', path, null, signal, { Accept: 'text/event-stream' })
    if (response.body !== null) yield* readServerSentEvents(response.body)
  }

  async #call<T>(method: string, path: string, body: unknown): Promise<T> {
    const response = await this.#fetch(method, path, body, AbortSignal.timeout(callTimeoutMs), {})
    return (response.status === 204 ? null : await response.json()) as T
  }

  async #fetch(
    method: string,
    path: string,
    body: unknown,
    signal: AbortSignal,
    headers: Record<string, string>,
  ): Promise<Response> {
    const response = await this.#send(method, path, body, signal, headers)
    if (response.ok) return response
    const problem = (await response.json().catch(() => null)) as Problem | null
    const message =
      problem?.detail ??
      `Cannot ${method} "${path}": found status ${response.status}, expected success. Is DANKAI_URL a Dankai server?`
    throw new CommandEnd(response.status >= 500 ? exitCode.unreachable : exitCode.no, message, problem)
  }

  async #send(
    method: string,
    path: string,
    body: unknown,
    signal: AbortSignal,
    headers: Record<string, string>,
  ): Promise<Response> {
    try {
      return await fetch(this.#url + path, {
        method,
        signal,
        redirect: 'error',
        headers: {
          ...headers,
          ...(this.#key === null ? {} : { Authorization: `Bearer ${this.#key}` }),
          ...(body === null ? {} : { 'Content-Type': 'application/json' }),
        },
        ...(body === null ? {} : { body: JSON.stringify(body) }),
      })
    } catch (cause) {
      const found =
        cause instanceof Error ? ((cause.cause as { code?: string } | undefined)?.code ?? cause.name) : 'an error'
      throw new CommandEnd(
        exitCode.unreachable,
        `Cannot reach "${this.#url}": found ${found}, expected a Dankai server. Start one with "dankai serve", or set DANKAI_URL.`,
      )
    }
  }
}
