/**
 * What an environment serves to flagd's in-process clients, as text that is made once a change.
 *
 *  1. A flag that they cannot follow is not there, and the log says so once.
 *  2. A definition that did not change is not written again.
 */
import { type ExportResult, exportFlagd, flagdSchema } from '@dankai/flag-formats'
import type { FlagDefinition } from '@dankai/flags'
import { etagOf, eventIdOf } from '../../http/etag.ts'
import type { Refusals } from '../../serving/refusals.ts'
import type { ServedEnvironment } from '../../serving/served-environment.ts'
import { eventFrame } from '../../streaming/event-frame.ts'

export interface FlagdText {
  readonly body: string
  readonly etag: string
  /** The whole file, as one event. */
  readonly frame: Buffer
}

const written = new WeakMap<FlagDefinition, ExportResult<string>>()

function write(flag: FlagDefinition): ExportResult<string> {
  const known = written.get(flag)
  if (known !== undefined) return known
  const exported = exportFlagd(flag)
  const text: ExportResult<string> = exported.ok ? { ok: true, value: JSON.stringify(exported.value) } : exported
  written.set(flag, text)
  return text
}

export class FlagdFiles {
  readonly #refusals: Refusals
  readonly #texts = new WeakMap<ServedEnvironment, { readonly of: string; readonly text: FlagdText }>()

  constructor(refusals: Refusals) {
    this.#refusals = refusals
  }

  of(environment: ServedEnvironment): FlagdText {
    const known = this.#texts.get(environment)
    if (known?.of === environment.etag) return known.text
    const text = this.#write(environment)
    this.#texts.set(environment, { of: environment.etag, text })
    return text
  }

  #write(environment: ServedEnvironment): FlagdText {
    const refused: { flag: string; why: string }[] = []
    const flags: string[] = []
    for (const flag of environment.definitions()) {
      const text = write(flag)
      if (text.ok) flags.push(`${JSON.stringify(flag.key)}:${text.value}`)
      else refused.push({ flag: flag.key, why: text.why })
    }
    this.#refusals.note(environment.scope, refused)
    const { project, environment: name } = environment.scope
    const metadata = JSON.stringify({ flagSetId: `${project}/${name}`, version: environment.version })
    const body = `{"$schema":"${flagdSchema}","flags":{${flags.join(',')}},"metadata":${metadata}}`
    const frame = eventFrame({ name: 'flags', id: eventIdOf(environment), data: body })
    return { body, etag: etagOf(body), frame }
  }
}
