/** Tags of what is served, for `ETag` and `If-None-Match`, and the ids of events that stand for the same. */
import { hash } from 'node:crypto'

/** Short, and other for every other text; nothing is kept secret or proven by it. */
export const digestOf = (text: string): string => hash('sha1', text, 'base64url')

export const etagOf = (text: string): string => `"${digestOf(text)}"`

/** `If-None-Match` is a list of tags, some of them weak, or `*`. */
export function isKnownTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some(tag => {
    const one = tag.trim()
    return one === '*' || one.replace(/^W\//, '') === etag
  })
}

/** The id of a stream's newest event: it lets a client that comes back see whether it missed anything. */
export const eventIdOf = ({ etag }: { readonly etag: string }): string => etag.replaceAll('"', '')
