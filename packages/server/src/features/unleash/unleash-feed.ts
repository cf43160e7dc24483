/**
 * What one environment serves to Unleash's server clients, which evaluate by themselves.
 *
 *  1. A flag that they cannot follow is not there, and the log says so once.
 *  2. Segments are told before the features that name them and removed after: in one message, which a client applies
 *     whole.
 *  3. A feature is written once a change of it, and a change is encoded once for all clients.
 *  4. A client that comes back hears exactly what it missed, as long as that is known here. Another instance, or this one
 *     after its start, may have told something else under the same number, so each marks its numbers as its own; whoever
 *     names any other event hears everything.
 */
import { randomUUID } from 'node:crypto'
import {
  type ExportedFeature,
  type ExportResult,
  exportUnleash,
  exportUnleashFlag,
  type UnleashFeature,
} from '@dankai/flag-formats'
import type { FlagDefinition } from '@dankai/flags'
import { etagOf } from '../../http/etag.ts'
import type { Refusals } from '../../serving/refusals.ts'
import type { ServedEnvironment } from '../../serving/served-environment.ts'
import { eventFrame } from '../../streaming/event-frame.ts'

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

/** A client that was away for longer is served faster by everything. */
const toldMax = 1_000
/** A release of a hundred flags with long lists of users is a tenth of this. */
const toldBytesMax = 4 * 1_048_576

interface ToldChange {
  readonly id: number
  readonly frame: Buffer
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
  readonly #mark = randomUUID().slice(0, 8)
  /** Rises with every change for these clients. */
  #eventId = 0
  /** The last changes, oldest first. */
  #told: ToldChange[] = []
  #toldBytes = 0

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
    this.#body = { json, etag: etagOf(json) }
    return this.#body
  }

  /** Those whose name begins so, as clients may ask. */
  bodyOf(namePrefix: string): string {
    this.#read()
    const features = [...this.#served.features].flatMap(([name, text]) => (name.startsWith(namePrefix) ? [text] : []))
    return `{"version":2,"features":[${features.join(',')}],"segments":[${[...this.#served.segments.values()].join(',')}]}`
  }

  /** What a stream begins with: what was missed since that event, or everything; null when nothing was. */
  framesAfter(lastEventId: string | null): Buffer | null {
    this.#read()
    const [mark, number = ''] = lastEventId?.split('-') ?? []
    const id = mark === this.#mark && /^\d{1,15}$/.test(number) ? Number(number) : -1
    const oldest = this.#told[0]?.id ?? this.#eventId + 1
    return id < oldest - 1 || id > this.#eventId ? this.#hydrationFrame() : this.#changesAfter(id)
  }

  /** What changed since the last call; null when nothing did for these clients. */
  takeChange(): Buffer | null {
    const before = this.#eventId
    this.#read()
    return this.#changesAfter(before)
  }

  #changesAfter(id: number): Buffer | null {
    const frames = this.#told.filter(change => change.id > id).map(({ frame }) => frame)
    return frames.length > 1 ? Buffer.concat(frames) : (frames[0] ?? null)
  }

  #hydrationFrame(): Buffer {
    this.#hydration ??= this.#frameOf('unleash-connected', [
      `{"type":"hydration","eventId":${this.#eventId},${this.#contents()}}`,
    ])
    return this.#hydration
  }

  #contents(): string {
    const { features, segments } = this.#served
    return `"features":[${[...features.values()].join(',')}],"segments":[${[...segments.values()].join(',')}]`
  }

  #read(): void {
    const { etag } = this.#environment
    if (etag === this.#servedAs) return
    const isFirst = this.#servedAs === ''
    const before = this.#served
    this.#servedAs = etag
    const { features, segments, refused } = exportUnleash(this.#environment.definitions(), exportOnce)
    this.#served = {
      features: new Map(features.map(feature => [feature.name, textOf(feature)])),
      segments: new Map(segments.map(segment => [segment.id, JSON.stringify(segment)])),
    }
    this.#refusals.note(this.#environment.scope, refused)
    const events = this.#eventsSince(before, this.#eventId + 1)
    if (events.length === 0) return
    this.#body = null
    this.#hydration = null
    this.#eventId++
    if (!isFirst) this.#remember(this.#frameOf('unleash-updated', events))
  }

  /** Frames of one's own are told again as they are. */
  #remember(frame: Buffer): void {
    this.#told.push({ id: this.#eventId, frame })
    this.#toldBytes += frame.length
    while (this.#told.length > toldMax || (this.#toldBytes > toldBytesMax && this.#told.length > 1))
      this.#toldBytes -= this.#told.shift()?.frame.length ?? 0
  }

  #frameOf(name: string, events: readonly string[]): Buffer {
    return eventFrame({ name, id: `${this.#mark}-${this.#eventId}`, data: `{"events":[${events.join(',')}]}` })
  }

  #eventsSince(before: Served, id: number): readonly string[] {
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
