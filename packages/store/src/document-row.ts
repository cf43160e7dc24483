import { createHash } from 'node:crypto'

/** What both stores derive from a document in the same way. */

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

export function documentCursor({ kind, name }: { readonly kind: string; readonly name: string }): string {
  return JSON.stringify([kind, name])
}

export function parseDocumentCursor(cursor: string | null | undefined): readonly [kind: string, name: string] {
  try {
    const [kind, name] = JSON.parse(cursor ?? '') as [unknown, unknown]
    return typeof kind === 'string' && typeof name === 'string' ? [kind, name] : ['', '']
  } catch {
    return ['', '']
  }
}
