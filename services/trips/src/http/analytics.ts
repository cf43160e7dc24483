import type { MetricSink } from '../core/metric-sink.ts'
import type { Analytics } from './environment.ts'

/** Counts events by their properties. Who it was is left out: a label per user would be a series per user. */
export function countingAnalytics(sink: MetricSink): Analytics {
  return {
    track: (event, { userId: _, ...properties }) => {
      const labels = Object.entries(properties).map(([name, value]) => [name, String(value)])
      sink.count(event, { service: 'trips', ...Object.fromEntries(labels) }, 1)
    },
  }
}
