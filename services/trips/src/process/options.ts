import { z } from 'zod'

/** Shapes of command-line options that more than one process takes. */

export const port = z.coerce.number().int().min(0).max(65_535)

export const httpUrl = z.url({ protocol: /^https?$/ }).transform(text => new URL(text))

const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost'])

export const loopbackUrl = httpUrl
  .refine(url => LOOPBACK.has(url.hostname), 'expected an address of this machine, for example http://127.0.0.1:0')
  .transform(url => ({ hostname: url.hostname, port: Number(url.port) }))

export const parsedJson = z.string().transform((text, context) => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    context.addIssue({ code: 'custom', message: 'expected JSON' })
    return z.NEVER
  }
})
