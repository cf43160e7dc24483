import { gunzip } from 'node:zlib'
import type { HttpContext } from './api.ts'
import { HttpProblem } from './http-problem.ts'

export function tooLarge(bytesMax: number): HttpProblem {
  const detail = `Cannot read the request: found more than ${bytesMax} bytes, expected at most so many. Send less at once.`
  // The rest of the body is not read, so the connection cannot carry another request.
  return new HttpProblem('too-large', detail, {}, { connection: 'close' })
}

/** What a body holds once unpacked: plain or gzip, and never more than so many bytes, however small it came. */
export async function unpackedBody(c: HttpContext, bytesMax: number): Promise<Uint8Array> {
  const encoding = (c.req.header('content-encoding') ?? 'identity').toLowerCase()
  if (encoding === 'identity') return new Uint8Array(await c.req.arrayBuffer())
  if (encoding !== 'gzip')
    throw new HttpProblem(
      'unsupported-media-type',
      `Cannot read the request: found content-encoding "${encoding.slice(0, 40)}", expected gzip or none.`,
    )
  return unpacked(new Uint8Array(await c.req.arrayBuffer()), bytesMax)
}

function unpacked(body: Uint8Array, bytesMax: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    gunzip(body, { maxOutputLength: bytesMax }, (error, bytes) => {
      if (error === null) resolve(bytes)
      else if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') reject(tooLarge(bytesMax))
      else reject(new HttpProblem('malformed', 'Cannot read the request: found broken data, expected gzip.'))
    })
  })
}
