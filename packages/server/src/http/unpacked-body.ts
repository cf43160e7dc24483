import { gunzip } from 'node:zlib'
import type { HttpContext } from './api.ts'
import { HttpProblem } from './http-problem.ts'

/** What a body holds once unpacked: plain or gzip, and never more than so many bytes, however small it came. */
export async function unpackedBody(c: HttpContext, what: string, bytesMax: number): Promise<Uint8Array> {
  const encoding = (c.req.header('content-encoding') ?? 'identity').toLowerCase()
  const body = new Uint8Array(await c.req.arrayBuffer())
  if (encoding === 'identity') return body
  if (encoding !== 'gzip')
    throw new HttpProblem(
      'unsupported-media-type',
      `Cannot unpack the ${what}: found "${encoding.slice(0, 40)}", expected gzip or nothing.`,
    )
  return new Promise((resolve, reject) => {
    gunzip(body, { maxOutputLength: bytesMax }, (error, unpacked) => {
      if (error === null) resolve(unpacked)
      else if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
        reject(new HttpProblem('too-large', `Cannot unpack the ${what}: found more than ${bytesMax} bytes. Send less.`))
      else reject(new HttpProblem('malformed', `Cannot unpack the ${what}: found broken data, expected gzip.`))
    })
  })
}
