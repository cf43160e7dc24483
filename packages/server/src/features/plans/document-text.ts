import type { PlanDocument } from '@dankai/plan'

export interface SourceFile {
  readonly file: string
  readonly text: string
}

/** A document as the store keeps it: by itself, whatever file it came in. */
export interface DocumentText {
  readonly kind: string
  readonly name: string
  readonly text: string
}

/**
 * The text of each document. `---` at the start of a line always separates YAML documents, also inside block scalars,
 * so cutting by lines is exact; a document is the piece in which its first key stands.
 */
export function textsOfDocuments(documents: readonly PlanDocument[], files: readonly SourceFile[]): DocumentText[] {
  const pieces = new Map(files.map(({ file, text }) => [file, cutPieces(text)]))
  return documents.flatMap(({ file, kind, name, root }) => {
    const piece = pieces.get(file)?.find(({ from, to }) => root.place.line >= from && root.place.line <= to)
    return piece === undefined ? [] : [{ kind, name, text: piece.text }]
  })
}

interface Piece {
  readonly from: number
  readonly to: number
  readonly text: string
}

function cutPieces(text: string): Piece[] {
  const lines = text.replace(/^\uFEFF/, '').split('\n')
  const starts = lines.flatMap((line, index) => (/^---(\s|$)/.test(line) ? [index] : []))
  const bounds = [0, ...starts, lines.length]
  return bounds.slice(0, -1).map((from, index) => {
    const to = bounds[index + 1]!
    const body = lines.slice(from, to).join('\n')
    return { from: from + 1, to, text: `${body.replace(/^---[^\S\n]*\n/, '').trimEnd()}\n` }
  })
}
