import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What may answer for a requirement: a test that names its id, a line of a plan, helper or scenario file with the id in
 * its comment, or a line of docs/reference/coverage.md that says why it is not software and where it is recorded.
 */
export interface Carriers {
  readonly tests: ReadonlySet<string>
  readonly recorded: ReadonlySet<string>
  readonly planLines: readonly PlanLine[]
}

/** A line that says something and carries ids in its comment. */
export interface PlanLine {
  /** Relative to the root. */
  readonly file: string
  /** 1-based. */
  readonly line: number
  readonly ids: readonly string[]
}

const idPattern = /\b[A-Z]-\d{3}\b/g

export function readCarriers(root: string): Carriers {
  const read = (file: string): string => readFileSync(join(root, file), 'utf8')
  const tests = globSync('{packages,services,tools,bench}/**/*.test.ts', { cwd: root, exclude: ['**/node_modules/**'] })
  const plans = globSync('plans/**/*.yaml', { cwd: root }).sort()
  const records = globSync('docs/reference/coverage.md', { cwd: root })
  return {
    tests: new Set(tests.filter(isNotOwn).flatMap(file => idsIn(read(file)))),
    recorded: new Set(records.flatMap(file => read(file).split('\n').flatMap(recordedIn))),
    planLines: plans.flatMap(file => planLinesIn(file, read(file))),
  }
}

/** The tests of this report name ids as examples. */
function isNotOwn(file: string): boolean {
  return !file.startsWith('tools/requirements/')
}

/** A row of the table begins with its id; an id inside a reason answers for nothing. */
function recordedIn(line: string): readonly string[] {
  const [, id] = /^\| *([A-Z]-\d{3}) *\|/.exec(line) ?? []
  return id === undefined ? [] : [id]
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

/** A line that is a comment and nothing else carries nothing, whatever ids it names. */
export function planLinesIn(file: string, text: string): readonly PlanLine[] {
  return text.split('\n').flatMap((line, index) => {
    const comment = line.search(/\s#\s/)
    if (comment === -1 || line.slice(0, comment).trim() === '') return []
    const ids = idsIn(line.slice(comment))
    return ids.length === 0 ? [] : [{ file, line: index + 1, ids }]
  })
}
