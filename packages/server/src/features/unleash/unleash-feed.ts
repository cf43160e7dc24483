/**
 * What one environment serves to Unleash's server clients, which evaluate by themselves.
 *
 *  1. A flag that they cannot follow is not there, and the log says so once.
 *  2. Segments are told before the features that name them and removed after: in one message, which a client applies
 *     whole.
 *  3. A feature is written once a change of it, and a change is encoded once for all clients.
 */
import { createHash } from 'node:crypto'
import {
  type ExportedFeature,
  type ExportResult,
  exportUnleash,
  exportUnleashFlag,
  type UnleashFeature,
} from '@dankai/flag-formats'
import type { FlagDefinition } from '@dankai/flags'
import type { Refusals } from '../../serving/refusals.ts'
import type { ServedEnvironment } from '../../serving/served-environment.ts'
import { eventFrame } from '../stream/event-frame.ts'

const exported = new WeakMap<FlagDefinition, ExportResult<ExportedFeature>>()

function exportOnce(flag: FlagDefinition): ExportResult<ExportedFeature> {
  const known = exported.get(flag)
  if (known !== undefined) return known
  const made = exportUnleashFlag(flag)
  exported.set(flag, made)
  return made
}

/** Key or id -> JSON. */
interface Served {
  readonly features: ReadonlyMap<string, string>
  readonly segments: ReadonlyMap<number, string>
}

const texts = new WeakMap<UnleashFeature, string>()

function textOf(feature: UnleashFeature): string {
  const known = texts.get(feature)
  if (known !== undefined) return known
  const text = JSON.stringify(feature)
  texts.set(feature, text)
  return text
}

export class UnleashFeed {
  readonly #environment: ServedEnvironment
  readonly #refusals: Refusals
  #servedAs = ''
  #served: Served = { features: new Map(), segments: new Map() }
  #body: { readonly json: string; readonly etag: string } | null = null
  #hydration: Buffer | null = null
  /** Rises with everything that is told. */
  #eventId = 0

  constructor(environment: ServedEnvironment, refusals: Refusals) {
    this.#environment = environment
    this.#refusals = refusals
    this.#read()
  }

  /** The answer to `GET /api/client/features`. */
  get body(): { readonly json: string; readonly etag: string } {
    this.#read()
    if (this.#body !== null) return this.#body
    const json = `{"version":2,${this.#contents()},"query":{}}`
    const etag = `"${createHash('sha256').update(json).digest('base64url').slice(0, 22)}"`
    this.#body = { json, etag }
    return this.#body
  }

  /** Those whose name begins so, as clients may ask. */
  bodyOf(namePrefix: string): string {
    this.#read()
    const features = [...this.#served.features].flatMap(([name, text]) => (name.startsWith(namePrefix) ? [text] : []))
    return `{"version":2,"features":[${features.join(',')}],"segments":[${[...this.#served.segments.values()].join(',')}]}`
  }

  /** What a stream begins with. */
  get hydration(): Buffer {
    this.#read()
    this.#hydration ??= frameOf('unleash-connected', this.#eventId, [
      `{"type":"hydration","eventId":${this.#eventId},${this.#contents()}}`,
    ])
    return this.#hydration
  }

  /** What changed since the last call; null when nothing did for these clients. */
  takeChange(): Buffer | null {
    const before = this.#served
    if (!this.#read()) return null
    const events = this.#eventsSince(before)
    return events.length === 0 ? null : frameOf('unleash-updated', this.#eventId, events)
  }

  #contents(): string {
    const { features, segments } = this.#served
    return `"features":[${[...features.values()].join(',')}],"segments":[${[...segments.values()].join(',')}]`
  }

  /** True when something was read anew. */
  #read(): boolean {
    const { etag } = this.#environment
    if (etag === this.#servedAs) return false
    this.#servedAs = etag
    const { features, segments, refused } = exportUnleash(this.#environment.definitions(), exportOnce)
    this.#served = {
      features: new Map(features.map(feature => [feature.name, textOf(feature)])),
      segments: new Map(segments.map(segment => [segment.id, JSON.stringify(segment)])),
    }
    this.#body = null
    this.#hydration = null
    this.#eventId++
    this.#refusals.note(this.#environment.scope, refused)
    return true
  }

  #eventsSince(before: Served): readonly string[] {
    const id = this.#eventId
    const { features, segments } = this.#served
    return [
      ...newIn(before.segments, segments).map(text => `{"type":"segment-updated","eventId":${id},"segment":${text}}`),
      ...newIn(before.features, features).map(text => `{"type":"feature-updated","eventId":${id},"feature":${text}}`),
      ...goneFrom(before.features, features).map(featureName =>
        JSON.stringify({ type: 'feature-removed', eventId: id, featureName, project: 'default' }),
      ),
      ...goneFrom(before.segments, segments).map(segmentId =>
        JSON.stringify({ type: 'segment-removed', eventId: id, segmentId }),
      ),
    ]
  }
}

function newIn<Key>(before: ReadonlyMap<Key, string>, after: ReadonlyMap<Key, string>): readonly string[] {
  return [...after].flatMap(([key, text]) => (before.get(key) === text ? [] : [text]))
}

function goneFrom<Key>(before: ReadonlyMap<Key, string>, after: ReadonlyMap<Key, string>): readonly Key[] {
  return [...before.keys()].filter(key => !after.has(key))
}

const frameOf = (name: string, id: number, events: readonly string[]): Buffer =>
  eventFrame({ name, id, data: `{"events":[${events.join(',')}]}` })
