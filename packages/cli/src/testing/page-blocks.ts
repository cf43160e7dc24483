export interface Block {
  readonly language: string
  /** What stands behind the language: the file that the example is. */
  readonly file: string | null
  readonly text: string
  /** 1-based line of the first line of the text. */
  readonly line: number
}

/** Fenced blocks of a Markdown page, in order. */
export function blocksOf(page: string): readonly Block[] {
  return [...page.matchAll(/^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm)].map(match => ({
    language: match[1] ?? '',
    file: match[2] ?? null,
    text: match[3] ?? '',
    line: page.slice(0, match.index).split('\n').length + 1,
  }))
}

/** Keys of an example put in place of the same keys of a whole plan, as a reader would. */
export function mergeTopKeys(plan: string, example: string): string {
  const parts = partsOf(example)
  const kept = [...partsOf(plan)].filter(([key]) => !parts.has(key))
  return [...kept, ...parts].map(([, text]) => text).join('')
}

function partsOf(yaml: string): ReadonlyMap<string, string> {
  const parts = new Map<string, string>()
  let key = ''
  for (const line of yaml.split(/(?<=\n)/)) {
    key = /^([A-Za-z]\w*):/.exec(line)?.[1] ?? key
    parts.set(key, (parts.get(key) ?? '') + line)
  }
  return parts
}
