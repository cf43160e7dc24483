/** `If-None-Match` is a list of tags, some of them weak, or `*`. */
export function isKnownTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some(tag => {
    const one = tag.trim()
    return one === '*' || one.replace(/^W\//, '') === etag
  })
}
