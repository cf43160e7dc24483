import { EventEmitter } from 'node:events'
import { Unleash } from 'unleash-client'
import type { UnleashFeature, UnleashSegment } from '../unleash/unleash-format.ts'

/** The official client with its own evaluation, given features directly instead of over HTTP. */
export function openUnleashClient() {
  let features = new Map<string, UnleashFeature>()
  let segments = new Map<number, UnleashSegment>()
  const repository = Object.assign(new EventEmitter(), {
    getToggle: (name: string) => features.get(name),
    getToggles: () => [...features.values()],
    getTogglesWithSegmentData: () => [...features.values()],
    getSegment: (id: number) => segments.get(id),
    start: async () => {},
    stop() {},
    setMode: async () => {},
    getMode: () => 'polling' as const,
  })
  const unleash = new Unleash({
    appName: 'flag-formats-test',
    url: 'http://127.0.0.1:9/api/',
    repository: repository as never,
    disableMetrics: true,
    skipInstanceCountWarning: true,
  })
  repository.emit('ready')
  return {
    unleash,
    give(body: { readonly features: readonly UnleashFeature[]; readonly segments: readonly UnleashSegment[] }) {
      features = new Map(body.features.map(feature => [feature.name, feature]))
      segments = new Map(body.segments.map(segment => [segment.id, segment]))
    },
    close: () => unleash.destroy(),
  }
}
