/**
 * The plan of one service of the fleet, and what such a service measures: 20 metrics, a rule and a criterion for each,
 * one flag. Every service has a plan, a flag and a service name of its own.
 */
export const ratios = 12
export const latencies = 6
export const gauges = 2
export const metricsOfService = ratios + latencies + gauges

/** How often a service reports; an exporter's usual interval is ten seconds to a minute. */
export const reportEveryMs = 10_000

const ofEach = (count: number, line: (index: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => line(i))

export const serviceName = (index: number): string => `service-${String(index).padStart(5, '0')}`
export const flagName = (index: number): string => `flag-${String(index).padStart(5, '0')}`

/** The first ratio is judged over a minute, which one bad batch crosses; the second over ten seconds, for a service that goes on. */
export function fleetPlanText(index: number): string {
  const name = serviceName(index)
  return [
    'kind: ReleasePlan',
    `name: ${name}`,
    `service: ${name}`,
    `exposure: [{ flag: { name: ${flagName(index)} } }]`,
    'metrics:',
    ...ofEach(ratios, i => `  errors_${i}: { ratio: "requests(route=r${i}, status=5xx) / requests(route=r${i})" }`),
    ...ofEach(latencies, i => `  latency_${i}: { p99: duration(route=r${i}), unit: ms }`),
    ...ofEach(gauges, i => `  lag_${i}: { last: lag(route=r${i}) }`),
    'promoteWhen:',
    ...ofEach(ratios, i => `  - errors_${i} < 1%`),
    ...ofEach(latencies, i => `  - latency_${i} < 500ms`),
    ...ofEach(gauges, i => `  - lag_${i} < 100`),
    'rollbackWhen:',
    ...ofEach(ratios, i => `  - errors_${i} over ${i === 1 ? '10s' : '1m'} > 5%`),
    ...ofEach(latencies, i => `  - latency_${i} over 1m > 5000ms for 30s`),
    ...ofEach(gauges, i => `  - lag_${i} > 1000 for 1m`),
    'phases:',
    '  - { name: canary, expose: 10%, hold: 7d }',
    '  - { name: all, expose: 100%, hold: 7d }',
  ].join('\n')
}

/** What a healthy service reports at a time: the bucket that is open, as the SDK does. */
export function healthyBatch(service: string, now: number): readonly object[] {
  const about = { service, bucketStart: Math.floor(now / reportEveryMs) * reportEveryMs, bucketMs: reportEveryMs }
  return ['canary', 'stable'].flatMap(track => [
    ...ofTracks(ratios, route => ({
      ...about,
      series: 'requests',
      labels: { track, route, status: '200' },
      count: track === 'canary' ? 100 : 900,
    })),
    ...ofTracks(ratios, route => ({ ...about, series: 'requests', labels: { track, route, status: '500' }, count: 0 })),
    ...ofTracks(latencies, route => ({
      ...about,
      series: 'duration',
      labels: { track, route },
      values: latencyValues,
    })),
    ...ofTracks(gauges, route => ({ ...about, series: 'lag', labels: { track, route }, last: 3 })),
  ])
}

/** Enough failed requests at once to take the first ratio over its limit, whatever the minute before was like. */
export function failingBatch(service: string, now: number): readonly object[] {
  const bucketStart = Math.floor(now / reportEveryMs) * reportEveryMs
  const labels = { track: 'canary', route: 'r0', status: '500' }
  return [{ service, series: 'requests', labels, bucketStart, bucketMs: reportEveryMs, count: 1_000 }]
}

function ofTracks(count: number, sample: (route: string) => object): object[] {
  return Array.from({ length: count }, (_, index) => sample(`r${index}`))
}

const latencyValues = [
  [12, 30],
  [20, 40],
  [35, 20],
  [80, 8],
  [160, 2],
] as const
