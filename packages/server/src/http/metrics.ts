import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { StreamFigures } from '../streaming/protocol-streams.ts'

export interface Metrics {
  readonly registry: Registry
  readonly requestSeconds: Histogram<'method' | 'route' | 'status'>
  readonly samplesAccepted: Counter
  readonly samplesRefused: Counter<'code'>
  readonly batchesRepeated: Counter
  readonly commitSeconds: Histogram
  readonly emergencies: Counter<'stored'>
}

/** Figures of this instance; each server has its own registry, so that several fit in one process. */
export function createMetrics(readings: {
  readonly streams: () => readonly StreamFigures[]
  readonly samplesWaiting: () => number
  /** Samples that were stored and count for no decision, by reason. */
  readonly seriesRefused: () => Readonly<Record<string, number>>
}): Metrics {
  const registry = new Registry()
  const registers = [registry]
  new Gauge({
    name: 'dankai_stream_clients',
    help: 'Open streams on this instance, by protocol.',
    labelNames: ['protocol'],
    registers,
    collect() {
      for (const { protocol, open } of readings.streams()) this.set({ protocol }, open)
    },
  })
  new Gauge({
    name: 'dankai_stream_clients_dropped',
    help: 'Streams dropped because their clients did not read, by protocol.',
    labelNames: ['protocol'],
    registers,
    collect() {
      for (const { protocol, dropped } of readings.streams()) this.set({ protocol }, dropped)
    },
  })
  gauge(registry, 'dankai_samples_waiting', 'Samples that wait to be written.', readings.samplesWaiting)
  new Gauge({
    name: 'dankai_series_refused',
    help: 'Samples that count for no decision (late, too many series …), by reason.',
    labelNames: ['reason'],
    registers,
    collect() {
      for (const [reason, count] of Object.entries(readings.seriesRefused())) this.set({ reason }, count)
    },
  })
  watchEventLoop(registry)
  return {
    registry,
    requestSeconds: new Histogram({
      name: 'dankai_http_request_seconds',
      help: 'Time to answer, by route.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
      registers,
    }),
    samplesAccepted: new Counter({ name: 'dankai_samples_accepted_total', help: 'Samples taken.', registers }),
    samplesRefused: new Counter({
      name: 'dankai_samples_refused_total',
      help: 'Samples refused, by reason.',
      labelNames: ['code'],
      registers,
    }),
    batchesRepeated: new Counter({
      name: 'dankai_sample_batches_repeated_total',
      help: 'Batches that were there already.',
      registers,
    }),
    commitSeconds: new Histogram({
      name: 'dankai_sample_commit_seconds',
      help: 'From receipt of a batch to durable.',
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3],
      registers,
    }),
    emergencies: new Counter({
      name: 'dankai_emergencies_total',
      help: 'Emergency stops and liftings, by where they were kept.',
      labelNames: ['stored'],
      registers,
    }),
  }
}

/** As often as a delay is looked for; a shorter one is not seen. */
const loopResolutionMs = 20
const loopQuantiles = [0.5, 0.99, 1] as const

/**
 * How much later than they could things happen in this process, a lowering among them: what it computes at a stretch and
 * what it waits for a processor. Measured outside of JavaScript, by a timer that holds no process.
 */
function watchEventLoop(registry: Registry): void {
  const delays = monitorEventLoopDelay({ resolution: loopResolutionMs })
  delays.enable()
  new Gauge({
    name: 'dankai_event_loop_delay_seconds',
    help: 'How late the event loop was since this was last asked, by quantile; 1 is the longest delay.',
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      for (const quantile of loopQuantiles) {
        const ms = delays.count === 0 ? 0 : delays.percentile(quantile * 100) / 1e6 - loopResolutionMs
        this.set({ quantile: String(quantile) }, Math.max(0, ms) / 1_000)
      }
      delays.reset()
    },
  })
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read())
    },
  })
}
