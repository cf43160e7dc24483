/**
 * What one environment serves to LaunchDarkly's server SDKs, which evaluate by themselves.
 *
 *  1. A flag that they cannot follow is not there, and the log says so once.
 *  2. The version a client hears of a flag rises with everything that changes what it hears, stops included: an SDK takes
 *     only what is newer.
 *  3. Segments are told before the flag that names them, and taken back after it; what cannot be told in such an order is
 *     told as the full set.
 *  4. A change is encoded once, whatever the number of clients.
 *  5. A flag is marked for clients (`clientSide`) as it is here, since servers hand on to pages what is marked.
 */
import { type ExportedFlag, exportLaunchDarkly, launchDarklyClientSide } from '@dankai/flag-formats'
import type { Logger } from '../../http/log.ts'
import type { ServedEnvironment } from '../../serving/served-environment.ts'
import { eventFrame } from '../../streaming/event-frame.ts'
import type { StreamClient } from '../../streaming/stream-client.ts'

/** Room for the changes within one version of a flag: a stop, its end, a prerequisite that cannot be followed. */
const versionScale = 1_024
/** Beyond it the full set is less work for everybody. */
const changesMax = 50

interface Told {
  readonly exported: ExportedFlag
  readonly isForClients: boolean
  /** Without the version, to see whether anything changed. */
  readonly content: string
  readonly version: number
  readonly text: string
  /** Key -> text. */
  readonly segments: ReadonlyMap<string, string>
}

export class LaunchDarklyFeed {
  readonly clients = new Set<StreamClient>()
  readonly environment: ServedEnvironment
  readonly #log: Logger
  readonly #unsubscribe: () => void
  /** Versions never fall, also of flags that are gone and come back. */
  readonly #versions = new Map<string, number>()
  readonly #refused = new Map<string, string>()
  #told = new Map<string, Told>()
  #isOutdated = true
  #data: string | null = null
  #put: Buffer | null = null

  constructor(environment: ServedEnvironment, log: Logger) {
    this.environment = environment
    this.#log = log
    this.#unsubscribe = environment.subscribe(() => this.#hear())
  }

  /** `{"flags":{…},"segments":{…}}` */
  get data(): string {
    this.#refresh()
    if (this.#data !== null) return this.#data
    const flags = [...this.#told].map(([key, { text }]) => `${JSON.stringify(key)}:${text}`)
    const segments = [...this.#told.values()].flatMap(told =>
      [...told.segments].map(([key, text]) => `${JSON.stringify(key)}:${text}`),
    )
    this.#data = `{"flags":{${flags.join(',')}},"segments":{${segments.join(',')}}}`
    return this.#data
  }

  /** What a client hears first. */
  get put(): Buffer {
    this.#refresh()
    this.#put ??= eventFrame({ name: 'put', data: `{"path":"/","data":${this.data}}` })
    return this.#put
  }

  publish(frame: Buffer): void {
    for (const client of this.clients) client.write(frame)
  }

  close(): void {
    this.#unsubscribe()
  }

  #hear(): void {
    this.#isOutdated = true
    if (this.clients.size === 0) return
    const before = this.#told
    this.#refresh()
    const frames = changesBetween(before, this.#told, this.#versions)
    for (const frame of frames ?? [this.put]) this.publish(frame)
  }

  /** Nothing is computed for nobody: a feed without streams waits for the next question. */
  #refresh(): void {
    if (!this.#isOutdated) return
    this.#isOutdated = false
    const { flags, refused } = exportLaunchDarkly(this.environment.definitions())
    const before = this.#told
    this.#told = new Map([...flags].map(([key, exported]) => [key, this.#tell(key, exported, before.get(key))]))
    // The version under which it is taken back is newer than what clients have.
    for (const [key, { version }] of before) if (!flags.has(key)) this.#versions.set(key, version + 1)
    this.#data = null
    this.#put = null
    this.#noteRefused(refused)
  }

  #tell(key: string, exported: ExportedFlag, before: Told | undefined): Told {
    const isForClients = this.environment.stored(key)?.care.client === true
    if (before?.exported === exported && before.isForClients === isForClients) return before
    const flag = { ...exported.flag, ...launchDarklyClientSide(isForClients) }
    const content = JSON.stringify([{ ...flag, version: 0 }, exported.segments.map(withoutVersion)])
    const isNewer = before === undefined || exported.flag.version > before.exported.flag.version
    if (before?.content === content && !isNewer) return { ...before, exported }
    const version = Math.max(exported.flag.version * versionScale, (this.#versions.get(key) ?? -1) + 1)
    this.#versions.set(key, version)
    const text = JSON.stringify({ ...flag, version })
    const segments = new Map(
      exported.segments.map(segment => {
        const same = before?.segments.get(segment.key)
        const isSame = same !== undefined && same === JSON.stringify({ ...segment, version: versionIn(same) })
        return [segment.key, isSame ? same : JSON.stringify({ ...segment, version })]
      }),
    )
    return { exported, isForClients, content, version, text, segments }
  }

  #noteRefused(refused: ReadonlyMap<string, string>): void {
    for (const key of this.#refused.keys()) if (!refused.has(key)) this.#refused.delete(key)
    for (const [flag, why] of refused) {
      if (this.#refused.get(flag) === why) continue
      this.#refused.set(flag, why)
      const { project, environment } = this.environment.scope
      this.#log.warn({ project, environment, flag, why }, 'a flag is not served to LaunchDarkly SDKs')
    }
  }
}

const withoutVersion = (segment: object): object => ({ ...segment, version: 0 })

const versionIn = (segment: string): number => (JSON.parse(segment) as { version: number }).version

/** Null when only the full set tells it in one step. */
function changesBetween(
  before: ReadonlyMap<string, Told>,
  after: ReadonlyMap<string, Told>,
  versions: ReadonlyMap<string, number>,
): readonly Buffer[] | null {
  const frames: Buffer[] = []
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before.get(key), after.get(key)]
    if (was === is || (was !== undefined && was.text === is?.text && was.segments === is.segments)) continue
    const changes = changesOf(key, was, is, versions.get(key) ?? 0)
    if (changes === null || frames.length + changes.length > changesMax) return null
    frames.push(...changes)
  }
  return frames
}

function changesOf(
  key: string,
  was: Told | undefined,
  is: Told | undefined,
  version: number,
): readonly Buffer[] | null {
  const [old, now] = [was?.segments ?? new Map<string, string>(), is?.segments ?? new Map<string, string>()]
  const told = [...now].filter(([segment, text]) => old.get(segment) !== text)
  // Clients would have the flag and another version of its segment for a moment.
  if (told.some(([segment]) => old.has(segment))) return null
  const gone = [...old.keys()].filter(segment => !now.has(segment))
  return [
    ...told.map(([segment, text]) => patch(`/segments/${segment}`, text)),
    is === undefined ? removal(`/flags/${key}`, version) : patch(`/flags/${key}`, is.text),
    ...gone.map(segment => removal(`/segments/${segment}`, version)),
  ]
}

const patch = (path: string, data: string): Buffer =>
  eventFrame({ name: 'patch', data: `{"path":${JSON.stringify(path)},"data":${data}}` })

const removal = (path: string, version: number): Buffer =>
  eventFrame({ name: 'delete', data: JSON.stringify({ path, version }) })
