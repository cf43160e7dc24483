import type { FlagDefinition } from '@dankai/flags'
import type { ServerSentEvent } from './server-sent-events.ts'

/** What the server says on the stream. */
export type StreamMessage =
  | { readonly kind: 'flags'; readonly version: number; readonly flags: readonly FlagDefinition[] }
  | { readonly kind: 'change'; readonly version: number; readonly flag: FlagDefinition }
  | { readonly kind: 'deletion'; readonly version: number; readonly key: string }
  /** A version that changes nothing this client's key may read. */
  | { readonly kind: 'version'; readonly version: number }
  /** `spreadMs`: over how long clients spread what they all do at once, because there are so many. */
  | { readonly kind: 'ping'; readonly spreadMs: number }
  /** An event of a newer server: it shows that the server lives, and is else ignored. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'broken'; readonly problem: string }

type Fields = Readonly<Record<string, unknown>>

export function parseStreamMessage({ type, data }: ServerSentEvent): StreamMessage {
  if (type === 'ping') return { kind: 'ping', spreadMs: spreadOf(parseObject(data)) }
  if (type !== 'flags' && type !== 'change' && type !== 'version') return { kind: 'unknown' }
  const fields = parseObject(data)
  if (fields === null) return broken(type, 'no JSON object')
  const { version } = fields
  if (typeof version !== 'number' || !Number.isSafeInteger(version)) return broken(type, 'no integer version')
  if (type === 'version') return { kind: 'version', version }
  return type === 'flags' ? parseFlags(version, fields) : parseChange(version, fields)
}

function parseFlags(version: number, { flags }: Fields): StreamMessage {
  if (!Array.isArray(flags) || !flags.every(hasKey)) return broken('flags', 'no list of flags with keys')
  return { kind: 'flags', version, flags }
}

function parseChange(version: number, { flag, deleted }: Fields): StreamMessage {
  if (typeof deleted === 'string') return { kind: 'deletion', version, key: deleted }
  return hasKey(flag) ? { kind: 'change', version, flag } : broken('change', 'neither a flag with a key nor a deletion')
}

function parseObject(text: string): Fields | null {
  try {
    const found: unknown = JSON.parse(text)
    return typeof found === 'object' && found !== null ? (found as Fields) : null
  } catch {
    return null
  }
}

/** Longer would make an acknowledgement look like silence. */
const spreadMaxMs = 4_000

function spreadOf(fields: Fields | null): number {
  const found = fields?.spreadMs
  return typeof found === 'number' && found > 0 ? Math.min(found, spreadMaxMs) : 0
}

/** The rest of a definition is judged when it is compiled: one strange flag must not hide the others. */
function hasKey(flag: unknown): flag is FlagDefinition {
  return typeof flag === 'object' && flag !== null && typeof (flag as Fields).key === 'string'
}

function broken(type: string, found: string): StreamMessage {
  return { kind: 'broken', problem: `Cannot read event "${type}": found ${found}` }
}
