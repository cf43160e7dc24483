/** What a process needs of a metrics client; the Dankai client is one. */
export interface MetricSink {
  count(series: string, labels: Readonly<Record<string, string>>, n: number): void
  duration(series: string, labels: Readonly<Record<string, string>>, ms: number): void
}
