import type { ReleaseDetail, ReleaseSummary } from '@dankai/contract'
import { CommandEnd, misused, refused, unreachable } from './command-end.ts'
import { exchange, neverArrived, readJson, unreachableServer } from './http-exchange.ts'
import { readServerAddress, type ServerAddress } from './server-address.ts'
import { createEventParser, type ServerSentEvent } from './server-sent-events.ts'
import type { Terminal } from './terminal.ts'

/** How long an answer is waited for. */
export interface Patience {
  /** A call that takes longer is as good as none: a person waits in front of it. */
  readonly callMs: number
  /** An import writes flag after flag: some ten thousand in this time, and people have a few hundred. */
  readonly importMs: number
}

const usualPatience: Patience = { callMs: 15_000, importMs: 240_000 }
/** A timeline says something every 15 s; three times that is a dead connection. */
const streamSilentMs = 45_000

type Headers = Readonly<Record<string, string>>

export interface Page<Item> {
  readonly items: readonly Item[]
  readonly next: string | number | null
}

export interface Answer<T> {
  readonly url: string
  readonly answer: T | null
  /** null when it answered. */
  readonly problem: CommandEnd | null
}

/** The server's HTTP API as this command uses it: every call with a time-out, every answer looked at before it is used. */
export class Api {
  readonly #terminal: Terminal
  readonly #patience: Patience

  constructor(terminal: Terminal, patience: Patience = usualPatience) {
    this.#terminal = terminal
    this.#patience = patience
  }

  get<T>(path: string): Promise<T> {
    return this.#anyInstance<T>('GET', path, null)
  }

  post<T>(path: string, body: unknown, headers: Headers = {}): Promise<T> {
    return this.#anyInstance<T>('POST', path, body, headers)
  }

  /** For what takes the server as long as there is much of it. */
  postPatiently<T>(path: string, body: unknown): Promise<T> {
    return this.#anyInstance<T>('POST', path, body, {}, this.#patience.importMs)
  }

  put<T>(path: string, body: unknown, headers: Headers = {}): Promise<T> {
    return this.#anyInstance<T>('PUT', path, body, headers)
  }

  delete<T>(path: string, headers: Headers = {}): Promise<T> {
    return this.#anyInstance<T>('DELETE', path, null, headers)
  }

  async page<Item>(path: string): Promise<Page<Item>> {
    const page = await this.get<Page<Item>>(path)
    if (page !== null && typeof page === 'object' && Array.isArray(page.items)) return page
    throw wrongShape(path, 'items')
  }

  /** The same request to every instance at once: a stop must not hang on the one that is away. */
  async everyInstance<T>(path: string, body: unknown): Promise<readonly Answer<T>[]> {
    const address = this.#address()
    return await Promise.all(
      address.urls.map(url =>
        this.#call<T>(url, address, 'POST', path, body).then(
          answer => ({ url, answer, problem: null }),
          (problem: CommandEnd) => ({ url, answer: null, problem }),
        ),
      ),
    )
  }

  /** A release by its id, or the live (else the newest) release of a plan by its name. */
  async release(name: string): Promise<ReleaseDetail> {
    const id = await this.releaseId(name)
    const release = await this.get<ReleaseDetail>(`/v1/releases/${id}`)
    if (typeof release?.status?.stage === 'string' && Array.isArray(release.phases)) return release
    throw wrongShape(`/v1/releases/${id}`, 'status and phases')
  }

  async releaseId(name: string): Promise<string> {
    if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(name)) return name
    const live = await this.#releasesOf(name, { live: 'true', limit: '2' })
    const [first, second] = live.length > 0 ? live : await this.#releasesOf(name, { limit: '1' })
    if (first === undefined) throw unknownRelease(name)
    if (second !== undefined) throw severalReleases(name, [first.id, second.id])
    return first.id
  }

  /** Events of a live stream until the server or the caller ends it; a silent one is dropped. */
  async *stream(path: string, signal: AbortSignal | null = null, attempt = 0): AsyncGenerator<ServerSentEvent> {
    const { urls, key } = this.#address()
    const url = urls[attempt % urls.length] ?? urls[0]
    const ending = new AbortController()
    const timer = setTimeout(() => ending.abort(new Error('silence')), streamSilentMs)
    try {
      const response = await exchange({
        method: 'GET',
        url,
        path,
        key,
        body: null,
        headers: { accept: 'text/event-stream' },
        signal: signal === null ? ending.signal : AbortSignal.any([signal, ending.signal]),
      })
      const reader = response.body?.getReader()
      const parse = createEventParser()
      for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) {
        timer.refresh()
        yield* parse(read.value)
      }
    } catch (cause) {
      throw cause instanceof CommandEnd ? cause : unreachableServer(url, cause)
    } finally {
      clearTimeout(timer)
      ending.abort()
    }
  }

  async #releasesOf(plan: string, query: Readonly<Record<string, string>>): Promise<readonly ReleaseSummary[]> {
    const { items } = await this.page<ReleaseSummary>(`/v1/releases?${new URLSearchParams({ plan, ...query })}`)
    return items
  }

  #address(): ServerAddress {
    return readServerAddress(this.#terminal)
  }

  async #anyInstance<T>(
    method: string,
    path: string,
    body: unknown,
    headers: Headers = {},
    withinMs = this.#patience.callMs,
  ): Promise<T> {
    const address = this.#address()
    for (const url of address.urls.slice(0, -1)) {
      try {
        return await this.#call<T>(url, address, method, path, body, headers, withinMs)
      } catch (end) {
        if (!neverArrived(end)) throw end
      }
    }
    return await this.#call<T>(address.urls.at(-1) ?? address.urls[0], address, method, path, body, headers, withinMs)
  }

  async #call<T>(
    url: string,
    { key }: ServerAddress,
    method: string,
    path: string,
    body: unknown,
    headers: Headers = {},
    withinMs = this.#patience.callMs,
  ): Promise<T> {
    const request = { method, url, path, key, body, headers, signal: AbortSignal.timeout(withinMs) }
    return (await readJson(await exchange(request), request)) as T
  }
}

function wrongShape(path: string, expected: string): CommandEnd {
  return unreachable({
    en: `Cannot read the answer to "${path}": found another shape, expected ${expected}. Use the CLI of the server's version.`,
    ja: `"${path}" への答えを読めません: 違う形でしたが、${expected} が必要です。サーバーと同じ版の CLI を使ってください。`,
  })
}

function unknownRelease(name: string): CommandEnd {
  return refused(
    'not-found',
    {
      cannot: `find release "${name}"`,
      found: 'no release of that plan or id',
      expected: 'one',
      next: 'See all with "dankai status".',
    },
    {
      cannot: `リリース "${name}" が見つかりません`,
      found: 'その名前の計画や id のリリースはありません',
      expected: 'それ',
      next: '"dankai status" で一覧を見てください。',
    },
  )
}

function severalReleases(name: string, ids: readonly string[]): CommandEnd {
  return misused(
    {
      cannot: `choose a release of "${name}"`,
      found: ids.join(' and '),
      expected: 'one live release',
      next: 'Give its id.',
    },
    {
      cannot: `"${name}" のリリースを選べません`,
      found: `${ids.join(' と ')} があります`,
      expected: '進行中のもの 1 つ',
      next: 'id で指定してください。',
    },
  )
}
