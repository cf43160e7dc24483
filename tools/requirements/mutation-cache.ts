import { createHash } from 'node:crypto'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../test-files.ts'
import type { PlanFolder } from './plan-folders.ts'
import type { Liveness, NoticedBy, ScenarioState } from './plan-mutations.ts'

/** What was found about one folder; numbers by `file:line:column`. */
export interface FolderFindings {
  readonly scenarios: readonly ScenarioState[]
  readonly numbers: Readonly<Record<string, Liveness>>
}

/**
 * Findings are kept as long as nothing that could change them has changed: the folder's files, and every source that a
 * simulation runs. Hints outlive that: which scenario noticed a line the last time only says what to try first.
 */
export interface MutationCache {
  read(folder: PlanFolder): FolderFindings | null
  write(folder: PlanFolder, findings: FolderFindings): void
  /** What noticed a number the last time; null for one that is new. */
  hint(key: string): NoticedBy | null
}

/** By what the line of a number says. */
export type Hints = ReadonlyMap<string, NoticedBy>

/** Committed, so that a first run in a new clone tries the right scenario first. */
const committedHints = join(root, 'tools', 'requirements', 'hints.tsv')

const simulated = 'packages/{plan,core,analysis,engine,simulation,store,insight}/src/**/*.ts'

export function createMutationCache(path: string): MutationCache {
  const sources = hashFiles(root, [simulated, 'tools/requirements/{plan,mutation}-*.ts'])
  const fileOf = (folder: PlanFolder): string => join(path, `${folder.name}-${hashFolder(folder, sources)}.json`)
  const hints = readHints(committedHints)
  return {
    read: folder => readJson<FolderFindings>(fileOf(folder)),
    write(folder, findings) {
      mkdirSync(path, { recursive: true })
      writeFileSync(fileOf(folder), JSON.stringify(findings))
    },
    hint: key => hints.get(key) ?? null,
  }
}

/** One number a line, in order, so that a change of a plan changes few lines. */
export function commitHints(hints: Hints): void {
  const lines = [...hints].map(([key, noticed]) => [key, ...noticed.map(by => by ?? nothing)].join('\t'))
  writeFileSync(committedHints, `${lines.sort().join('\n')}\n`)
}

/** Stands for "nothing noticed it": no scenario is called so. */
const nothing = '-'

function readHints(file: string): Hints {
  const lines = globSync(file).flatMap(each => readFileSync(each, 'utf8').trimEnd().split('\n'))
  return new Map(
    lines.map(line => {
      const [key = '', ...noticed] = line.split('\t')
      return [key, noticed.map(by => (by === nothing ? null : by))]
    }),
  )
}

function hashFiles(folder: string, patterns: readonly string[]): string {
  const files = patterns
    .flatMap(pattern => globSync(pattern, { cwd: folder }))
    .filter(file => !/\.(test|tmp)\.ts$/.test(file))
  const hash = createHash('sha256')
  for (const file of files.sort()) hash.update(file).update(readFileSync(join(folder, file)))
  return hash.digest('hex')
}

function hashFolder(folder: PlanFolder, sources: string): string {
  const hash = createHash('sha256').update(sources)
  for (const { path, text } of folder.files) hash.update(path).update(text)
  return hash.digest('hex').slice(0, 16)
}

function readJson<Value>(file: string): Value | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Value
  } catch {
    // Not there yet, or cut off while it was written: it is found again.
    return null
  }
}
