import { readFileSync } from 'node:fs'

/** One requirement of the five documents. `document` is the number of the first document that states it. */
export interface Requirement {
  readonly id: string
  readonly group: string
  readonly document: string
  readonly text: string
}

/** Every requirement, in order. The list stands in the project, so the report works in any clone. */
export function readRequirements(): readonly Requirement[] {
  const [, ...lines] = readFileSync(new URL('./rows.tsv', import.meta.url), 'utf8')
    .trim()
    .split('\n')
  return lines.map(line => {
    const [id = '', document = '', text = ''] = line.split('\t')
    return { id, group: id.slice(0, 1), document, text }
  })
}
