import { type PlanDocument, type PlanFile, parsePlanDocuments, type YamlNode } from '@dankai/plan'

/** A number that is a value of a plan document, and where its first digit stands (both 1-based). */
export interface PlanNumber {
  readonly file: string
  readonly line: number
  readonly column: number
  /** As written, without its unit: "5", "0.5", "04". */
  readonly text: string
  /** What stands right behind it: "%", "m", "pt"; often nothing. */
  readonly unit: string
  /** Where it stands in its document: `phases[1].hold`. Names along the way say which scenarios speak of it. */
  readonly path: string
  /** Words that a scenario about this number uses: names of the phase, rule, metric and flag it belongs to. */
  readonly words: readonly string[]
}

/**
 * Every number the language reads as one: durations, percentages, limits, counts, days, dates, times of day. Digits
 * inside names, sentences, commands and addresses are text, and Template and Scenarios documents hold no plan.
 */
export function readPlanNumbers(files: readonly PlanFile[]): readonly PlanNumber[] {
  return parsePlanDocuments(files)
    .documents.filter(({ kind }) => kind !== 'Template' && kind !== 'Scenarios')
    .flatMap(document => numbersOfDocument(document))
}

function numbersOfDocument({ root, name }: PlanDocument): readonly PlanNumber[] {
  return numbersOfNode(root, '', [name])
}

function numbersOfNode(node: YamlNode, key: string, words: readonly string[]): readonly PlanNumber[] {
  switch (node.kind) {
    case 'text':
      return numbersOfText(node, key, words)
    case 'list':
      return node.items.flatMap(item => numbersOfNode(item, key, words))
    case 'map': {
      const inside = [...words, ...namesOf(node)]
      return [...node.entries.values()].flatMap(entry => numbersOfNode(entry.value, entry.key, [...inside, entry.key]))
    }
  }
}

/** What a map is called, in the words of its author. */
function namesOf(node: Extract<YamlNode, { kind: 'map' }>): readonly string[] {
  return ['name', 'confirm', 'run', 'http', 'approve'].flatMap(key => {
    const value = node.entries.get(key)?.value
    return value?.kind === 'text' ? [value.text] : []
  })
}

function numbersOfText(
  node: Extract<YamlNode, { kind: 'text' }>,
  key: string,
  words: readonly string[],
): readonly PlanNumber[] {
  const form = forms.find(
    ({ keys, pattern }) => (keys === null ? !prose.has(key) : keys.has(key)) && pattern.test(node.text),
  )
  if (form === undefined) return []
  // The place of a quoted value is its quote.
  const before = node.place.column + (node.plain ? 0 : 1)
  const spoken = [...words, ...(node.text.match(/[A-Za-z_]{3,}/g) ?? [])]
  return [...node.text.matchAll(form.number)].map(match => ({
    file: node.place.file,
    line: node.place.line,
    column: before + match.index,
    text: match[0],
    unit: /^(%|pt|ms|[smhdwx]\b)?/.exec(node.text.slice(match.index + match[0].length))?.[0] ?? '',
    path: node.path,
    words: spoken,
  }))
}

interface NumberForm {
  /** Keys it is read under; null = any key whose value is not prose. */
  readonly keys: ReadonlySet<string> | null
  readonly pattern: RegExp
  /** Finds the numbers of such a value. */
  readonly number: RegExp
}

/** Keys whose values are sentences, names, commands or addresses. */
const prose: ReadonlySet<string> = new Set(
  'name title confirm run sql http notify reason policy purpose does who file description owner by at send where phone'.split(
    ' ',
  ),
)
const amount = /\d+(?:\.\d+)?/g
const wordless = /(?<![\w.])\d+(?:\.\d+)?/g

const forms: readonly NumberForm[] = [
  { keys: null, pattern: /^\d+(\.\d+)?(%|ms|[smhdw])?$/, number: amount },
  { keys: null, pattern: /^([A-Za-z]\w* )?(over \w+ )?(<=|>=|<|>|=|differs from) ?\S/, number: wordless },
  { keys: null, pattern: /^\d+(\.\d+)?% of [A-Za-z]/, number: amount },
  { keys: new Set(['then', 'ifNotMet']), pattern: /\b(within|after) \d/, number: wordless },
  { keys: new Set(['evidence']), pattern: /^not harmful\b/, number: wordless },
  { keys: new Set(['baseline']), pattern: /^(same hour|mean of) \d/, number: wordless },
  { keys: new Set(['days']), pattern: /^\d+-\d+$/, number: amount },
  { keys: new Set(['from', 'to']), pattern: /^\d\d-\d\d$/, number: amount },
  { keys: null, pattern: /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d\d:\d\d(-\d\d:\d\d)?$/, number: amount },
]
