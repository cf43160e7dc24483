import { transport } from '#transport'
import type { Bootstrap } from './bootstrap.ts'
import { type Clock, systemClock } from './clock.ts'
import { createFetchTransport, type Fetch } from './transport/fetch-transport.ts'
import type { Transport } from './transport/transport.ts'

export interface ClientOptions {
  /** Where the control plane is: `https://dankai.example.com`. */
  readonly url: string
  /** An SDK key; it belongs to one project and environment. */
  readonly key: string
  /** Who is asking, for people: `trips-7f9c`. Shown beside acknowledgements. */
  readonly name: string
  /** The service that samples belong to; `name` when not given. */
  readonly service?: string
  /** Only for keys that may read several environments. */
  readonly environment?: string
  /** For every request. Without it, Node's own HTTP client makes them, and elsewhere the global `fetch`. */
  readonly fetch?: Fetch
  readonly clock?: Clock
  /** A number from 0 to 1; spreads reconnections. */
  readonly random?: () => number
  /** Silence after which the client calls itself stale. Three missed pings by default. */
  readonly staleAfterMs?: number
  /** What stale flags do: keep the last known answer (default), or serve their off variant. */
  readonly onStale?: 'keep' | 'off'
  readonly flushEveryMs?: number
  /** Length of the buckets that samples are summed up in, 1,000 to 10,000. */
  readonly bucketMs?: number
  /** Flags to answer with until the control plane is heard. */
  readonly bootstrap?: Bootstrap | (() => Promise<Bootstrap>)
  /** Tells which users were given which variants of experiments, and what they did. True by default. */
  readonly reportsUsers?: boolean
  /** Tells once a minute how often each variant of each flag was served. True by default. */
  readonly reportsEvaluations?: boolean
  readonly onError?: (error: Error) => void
}

export interface Settings extends Omit<ClientOptions, 'environment' | 'bootstrap' | 'onError' | 'fetch'> {
  readonly url: string
  readonly service: string
  readonly transport: Transport
  readonly clock: Clock
  readonly random: () => number
  readonly staleAfterMs: number
  readonly onStale: 'keep' | 'off'
  readonly flushEveryMs: number
  readonly bucketMs: number
  readonly reportsUsers: boolean
  readonly reportsEvaluations: boolean
}

/** Throws for what can only be a mistake in the program; the key is never part of a message. */
export function settingsOf(options: ClientOptions): Settings {
  checkText('url', options.url, /^https?:\/\/[^\s?#]+$/, 'http:// or https:// without query', options.url)
  checkText('key', options.key, /^[\x21-\x7e]+$/, 'printable ASCII without spaces', '***')
  checkText('name', options.name, /^[^\r\n]{1,200}$/, '1 to 200 characters on one line', options.name)
  const settings = {
    service: options.name,
    transport: options.fetch === undefined ? transport : createFetchTransport(options.fetch),
    clock: systemClock,
    random: Math.random,
    staleAfterMs: 10_000,
    onStale: 'keep' as const,
    flushEveryMs: 1_000,
    bucketMs: 1_000,
    reportsUsers: true,
    reportsEvaluations: true,
    ...definedOf(options),
    url: options.url.replace(/\/+$/, ''),
  }
  checkRange('staleAfterMs', settings.staleAfterMs, 1_000, 3_600_000)
  checkRange('flushEveryMs', settings.flushEveryMs, 100, 60_000)
  checkRange('bucketMs', settings.bucketMs, 1_000, 10_000)
  return settings
}

function checkText(name: string, found: unknown, pattern: RegExp, expected: string, shown: unknown): void {
  if (typeof found === 'string' && pattern.test(found)) return
  throw new TypeError(`Cannot create Dankai client: found ${name} ${JSON.stringify(shown)}, expected ${expected}`)
}

function checkRange(name: string, found: number, least: number, most: number): void {
  if (found >= least && found <= most) return
  throw new RangeError(`Cannot create Dankai client: found ${name} ${found}, expected ${least} to ${most}`)
}

/** Options given as undefined, as code that reads the environment likes to do, mean the default. */
function definedOf(options: ClientOptions): ClientOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as unknown as ClientOptions
}
