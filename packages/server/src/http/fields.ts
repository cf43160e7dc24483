/** Reading JSON that may have any shape. */
export type Fields = Readonly<Record<string, unknown>>

export const isFields = (found: unknown): found is Fields =>
  typeof found === 'object' && found !== null && !Array.isArray(found)

export const fieldsOf = (found: unknown): Fields => (isFields(found) ? found : {})

export const listOf = (found: unknown): readonly unknown[] => (Array.isArray(found) ? found : [])
