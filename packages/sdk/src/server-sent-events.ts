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
  /** Pieces of the line whose end has not come; joined once, as a full set comes in thousands. */
  let begun: string[] = []
  /** A CR at the end of a piece waits: the LF that belongs to it may come in the next. */
  let held = ''
  /** Of all that waits for the end of its event. */
  let pendingLength = 0
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

  /** The lines that the piece completes. */
  function linesWith(piece: string): readonly string[] {
    const text = held + (isFirst ? piece.replace(/^\ufeff/, '') : piece)
    isFirst = isFirst && piece === ''
    held = text.endsWith('\r') ? '\r' : ''
    const lines = text.slice(0, text.length - held.length).split(/\r\n|\n|\r/)
    const last = lines.pop() ?? ''
    if (lines.length > 0) {
      lines[0] = begun.join('') + lines[0]
      begun = []
    }
    begun.push(last)
    return lines
  }

  function push(piece: string): ServerSentEvent[] {
    const events: ServerSentEvent[] = []
    pendingLength += piece.length
    for (const line of linesWith(piece)) {
      if (line !== '') {
        readField(line)
        continue
      }
      const event = finishEvent()
      if (event !== null) events.push(event)
      pendingLength = 0
    }
    if (pendingLength > pendingLengthMax)
      throw new Error(
        `Cannot read the event stream: found an event of more than ${pendingLengthMax} characters without an end`,
      )
    return events
  }

  return { push }
}
