import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { FlagDefinition, Sample } from '@dankai/sdk'
import { listen } from '../http/listen.ts'

/**
 * A control plane for tests that speaks the wire of the SDK: flags as a stream, acknowledgements and samples as posts.
 * It keeps no rules of its own; the real SDK on the other side decides.
 */
export interface LocalControlPlane {
  readonly url: string
  readonly samples: readonly Sample[]
  /** Sends the flag and waits until `acknowledgements` clients serve it. */
  setFlag(flag: Partial<FlagDefinition> & Pick<FlagDefinition, 'key'>, acknowledgements?: number): Promise<void>
  /** The sum of a series over all label sets that contain `labels`. */
  sumOf(series: string, labels?: Readonly<Record<string, string>>): number
  /** Waits for reports until the condition holds. */
  untilSamples(holds: () => boolean): Promise<void>
  close(): Promise<void>
}

/** As often as the real one: a client calls itself stale after three missed ones. */
const PING_MS = 3_000

export async function startLocalControlPlane(): Promise<LocalControlPlane> {
  const flags = new Map<string, FlagDefinition>()
  const samples: Sample[] = []
  const streams = new Set<ServerResponse>()
  const events = new EventEmitter()
  let version = 1
  const acknowledged: number[] = []

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.url === '/v1/stream') return openStream(response)
    const body = JSON.parse(await text(request))
    if (request.url === '/v1/samples') samples.push(...body.samples)
    if (request.url === '/v1/acknowledgements') acknowledged.push(body.version)
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ accepted: body.samples?.length ?? 0, refused: [] }))
    events.emit(request.url!)
  }
  const openStream = (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(event('flags', version, { version, flags: [...flags.values()] }))
    streams.add(response.on('close', () => streams.delete(response)))
  }
  const server = createServer((request, response) => void answer(request, response))
  const pings = setInterval(() => {
    for (const stream of streams) stream.write('event: ping\ndata: {}\n\n')
  }, PING_MS)
  const listening = await listen(server, { port: 0, hostname: '127.0.0.1' })
  return {
    url: `http://127.0.0.1:${listening.port}`,
    samples,
    setFlag: async (given, acknowledgements = 0) => {
      version += 1
      const flag = completeFlag(given, version)
      flags.set(flag.key, flag)
      for (const stream of streams) stream.write(event('change', version, { version, flag }))
      while (acknowledged.filter(known => known >= version).length < acknowledgements)
        await once(events, '/v1/acknowledgements')
    },
    sumOf: (series, labels = {}) =>
      samples.filter(sample => isOf(sample, series, labels)).reduce((sum, sample) => sum + (sample.count ?? 0), 0),
    untilSamples: async holds => {
      while (!holds()) await once(events, '/v1/samples')
    },
    close: async () => {
      clearInterval(pings)
      server.closeAllConnections()
      await listening.close()
    },
  }
}

function event(type: string, id: number, data: object): string {
  return `event: ${type}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`
}

function isOf(sample: Sample, series: string, labels: Readonly<Record<string, string>>): boolean {
  return sample.series === series && Object.entries(labels).every(([name, value]) => sample.labels[name] === value)
}

function completeFlag(given: Partial<FlagDefinition> & Pick<FlagDefinition, 'key'>, version: number): FlagDefinition {
  return {
    version,
    kind: 'release',
    on: true,
    killed: false,
    algorithm: 'dankai',
    seed: given.key,
    variants: { on: true, off: false },
    offVariant: 'off',
    onVariant: 'on',
    prerequisites: [],
    targets: [],
    rules: [],
    exposure: { share: 0, cohorts: [], shadow: false },
    otherwise: { variant: 'off' },
    segments: {},
    ...given,
  }
}

/** A share of everybody. */
export function shareOf(share: number): FlagDefinition['exposure'] {
  return { share, cohorts: [], shadow: false }
}
