/**
 * One server-sent event as it goes on the wire, the framing of HTTP/1.1 chunks included, so that one buffer is encoded
 * once and written to every client as it is.
 */
export function eventFrame(event: {
  readonly name: string
  readonly id?: number | string
  readonly data: string
}): Buffer {
  const id = event.id === undefined ? '' : `id: ${event.id}\n`
  // JSON has no raw line breaks, so one data line is enough.
  const text = Buffer.from(`event: ${event.name}\n${id}data: ${event.data}\n\n`, 'utf8')
  return Buffer.concat([Buffer.from(`${text.length.toString(16)}\r\n`, 'latin1'), text, Buffer.from('\r\n', 'latin1')])
}

/** `spreadMs`: over how long clients spread what they all do at once, such as acknowledging a change. */
export function pingFrame(spreadMs = 0): Buffer {
  return eventFrame({ name: 'ping', data: spreadMs === 0 ? '{}' : JSON.stringify({ spreadMs }) })
}

/** `:` and two line ends, which clients read over: says that the server lives. */
export const commentFrame = Buffer.from('3\r\n:\n\n\r\n', 'latin1')

/** Ends a chunked body. */
export const lastChunk = Buffer.from('0\r\n\r\n', 'latin1')
