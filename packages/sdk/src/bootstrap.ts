/** Flags to answer with until the control plane is heard: given, or read from wherever they are kept. */
import type { FlagDefinition } from '@dankai/flags'
import type { Fetch } from './transport/fetch-transport.ts'

export interface Bootstrap {
  readonly version?: number
  readonly flags: readonly FlagDefinition[]
}

export interface FetchBootstrapOptions {
  /** For `GET /v1/bootstrap` of a control plane; a file on a content network needs none. */
  readonly key?: string
  readonly fetch?: Fetch
  readonly withinMs?: number
}

const fetchWithinMs = 5_000

/** From an address: `https://dankai.example.com/v1/bootstrap`, or a copy of what that answers. */
export async function fetchBootstrap(url: string, options: FetchBootstrapOptions = {}): Promise<Bootstrap> {
  const { key, fetch = globalThis.fetch, withinMs = fetchWithinMs } = options
  const response = await fetch(url, {
    headers: { Accept: 'application/json', ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }) },
    signal: AbortSignal.timeout(withinMs),
  })
  if (!response.ok)
    throw new Error(`Cannot read bootstrap flags from "${url}": found status ${response.status}, expected 200.`)
  return parseBootstrap(await response.text(), url)
}

export function parseBootstrap(text: string, source: string): Bootstrap {
  const found = parseJson(text)
  if (!isBootstrap(found))
    throw new Error(
      `Cannot read bootstrap flags from "${source}": found something else, expected JSON { version, flags: [{ key, … }] }.`,
    )
  const { version, flags } = found
  return { ...(version === undefined ? {} : { version }), flags }
}

/** Pages hand over what a server wrote into them, of whatever shape. */
export function isBootstrap(found: unknown): found is Bootstrap {
  if (typeof found !== 'object' || found === null) return false
  const { version, flags } = found as { version?: unknown; flags?: unknown }
  const isSound = Array.isArray(flags) && flags.every(flag => typeof flag?.key === 'string')
  return isSound && (version === undefined || version === null || Number.isSafeInteger(version))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
