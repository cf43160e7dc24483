/**
 * Reads the event stream format (WHATWG HTML, "server-sent events") from pieces of text as they arrive.
 *
 * A line may end in LF, CR or CRLF, also with the pieces cut between the two; comments and `retry` are ignored.
 */
export interface ServerSentEvent {
  readonly type: string
  /** The last id seen; null before the first. */
  readonly id: string | null
  readonly data: string
}

export interface EventParser {
  /** The events that the piece completes. Throws when one grows beyond the limit. */
  push(piece: string): ServerSentEvent[]
}

/** A full set of some ten thousand flags; a stream that sends more without an empty line is none of ours. */
const pendingLengthMax = 32 * 1024 * 1024

export function createEventParser(): EventParser {
  let rest = ''
  let isFirst = true
  let type = ''
  let id: string | null = null
  let data: string[] = []

  function finishEvent(): ServerSentEvent | null {
    const event = data.length === 0 ? null : { type: type === '' ? 'message' : type, id, data: data.join('\n') }
    type = ''
    data = []
    return event
  }

  function readField(line: string): void {
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'event') type = value
    else if (field === 'data') data.push(value)
    else if (field === 'id' && !value.includes('\0')) id = value
  }

  function push(piece: string): ServerSentEvent[] {
    const text = isFirst ? piece.replace(/^\ufeff/, '') : rest + piece
    isFirst = isFirst && piece === ''
    const { lines, remainder } = splitLines(text)
    rest = remainder
    if (rest.length > pendingLengthMax) throw new Error('Cannot read the event stream: found an event without an end')
    const events: ServerSentEvent[] = []
    for (const line of lines) {
      const event = line === '' ? finishEvent() : null
      if (event !== null) events.push(event)
      if (line !== '') readField(line)
    }
    return events
  }

  return { push }
}

/** A CR at the end stays in the remainder, because the LF that belongs to it may come in the next piece. */
function splitLines(text: string): { lines: string[]; remainder: string } {
  const held = text.endsWith('\r') ? '\r' : ''
  const lines = text.slice(0, text.length - held.length).split(/\r\n|\n|\r/)
  const last = lines.pop() ?? ''
  return { lines, remainder: last + held }
}
