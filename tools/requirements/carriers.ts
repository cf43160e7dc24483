import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../test-files.ts'

/**
 * What may answer for a requirement: a test that names its id, a line of a plan file with the id in its comment, or a
 * line of docs/reference/coverage.md that says why it is not software and where it is still recorded.
 */
export interface Carriers {
  readonly tests: ReadonlySet<string>
  readonly recorded: ReadonlySet<string>
  readonly planLines: readonly PlanLine[]
}

export interface PlanLine {
  readonly file: string
  /** 1-based. */
  readonly line: number
  readonly ids: readonly string[]
  /** Columns, 1-based, of the numbers that the line states as values. */
  readonly numbers: readonly number[]
}

const idPattern = /\b[A-Z]-\d{3}\b/g

export function readCarriers(): Carriers {
  const read = (file: string): string => readFileSync(join(root, file), 'utf8')
  const tests = globSync('{packages,services,tools,bench}/**/*.test.ts', { cwd: root, exclude: ['**/node_modules/**'] })
  const plans = globSync('plans/**/*.yaml', { cwd: root }).sort()
  return {
    tests: new Set(tests.flatMap(file => idsIn(read(file)))),
    recorded: new Set(
      read('docs/reference/coverage.md')
        .split('\n')
        .filter(line => /^\|? *[A-Z]-\d{3}/.test(line))
        .flatMap(idsIn),
    ),
    planLines: plans.flatMap(file =>
      read(file)
        .split('\n')
        .flatMap((text, index) => planLine(file, text, index + 1)),
    ),
  }
}

/** Ids of a text; "P-036..P-039" and "P-036…P-039" stand for all between. */
export function idsIn(text: string): readonly string[] {
  const ranges = [...text.matchAll(/\b([A-Z])-(\d{3})(?:\.\.|…)\1-(\d{3})\b/g)].flatMap(
    ([, group = '', from = '0', to = '0']) =>
      Array.from(
        { length: Math.max(0, Number(to) - Number(from) + 1) },
        (_, index) => `${group}-${String(Number(from) + index).padStart(3, '0')}`,
      ),
  )
  return [...new Set([...ranges, ...(text.match(idPattern) ?? [])])]
}

function planLine(file: string, text: string, line: number): readonly PlanLine[] {
  const comment = text.search(/(^|\s)#\s/)
  if (comment === -1) return []
  const ids = idsIn(text.slice(comment))
  return ids.length === 0 ? [] : [{ file, line, ids, numbers: numbersIn(text.slice(0, comment)) }]
}

/**
 * Numbers that are values: amounts with a unit, counts, dates and times. Digits inside names, paths, addresses and quoted
 * prose are not, because changing them is not a change of the plan's numbers.
 */
export function numbersIn(text: string): readonly number[] {
  const withoutProse = text
    .replace(
      /\b(name|title|confirm|run|sql|http|notify|reason|policy|purpose|does|who|at|file|send|to|by): *("[^"]*"|[^,}\]]+)/g,
      match => ' '.repeat(match.length),
    )
    .replace(/"[^"]*[^\x20-\x7e][^"]*"/g, match => ' '.repeat(match.length))
  return [...withoutProse.matchAll(/(?<![\w./:$#-])\d+(?:\.\d+)?(?=(?:%|pt|ms|[smhdwx]|USD)?(?![\w./:-]))/g)].map(
    match => match.index + 1,
  )
}
