export interface ServerSentEvent {
  readonly event: string
  /** null when the event has none. */
  readonly id: string | null
  readonly data: string
}

/** The largest event of a log is 16 kB; a stream that sends a megabyte without an empty line is none of ours. */
const pendingLengthMax = 1_048_576

/** Reads `text/event-stream` (HTML Living Standard, 9.2.6) as Dankai writes it: LF or CRLF, comments left out. */
export function createEventParser(): (chunk: Uint8Array) => readonly ServerSentEvent[] {
  const decoder = new TextDecoder()
  let rest = ''
  return chunk => {
    rest += decoder.decode(chunk, { stream: true })
    const blocks = rest.split(/\r?\n\r?\n/)
    rest = blocks.pop() ?? ''
    if (rest.length > pendingLengthMax) throw new Error('an event without an end')
    return blocks.map(parseBlock).filter(event => event !== null)
  }
}

function parseBlock(block: string): ServerSentEvent | null {
  let event = 'message'
  let id: string | null = null
  const data: string[] = []
  for (const line of block.split(/\r?\n/)) {
    const [, field = '', value = ''] = /^([^:]+): ?(.*)$/.exec(line) ?? []
    if (field === 'event') event = value
    if (field === 'id') id = value
    if (field === 'data') data.push(value)
  }
  return data.length === 0 ? null : { event, id, data: data.join('\n') }
}
