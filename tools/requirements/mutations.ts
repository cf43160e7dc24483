import type { FolderFindings, MutationCache } from './mutation-cache.ts'
import { MutationPool } from './mutation-pool.ts'
import type { MutationTask } from './mutation-worker.ts'
import type { PlanFolder } from './plan-folders.ts'
import type { Liveness, ScenarioState } from './plan-mutations.ts'
import type { PlanNumber } from './plan-numbers.ts'

export interface MutationFindings {
  /** By `file:line:column`. */
  readonly numbers: ReadonlyMap<string, Liveness>
  readonly scenarios: readonly ScenarioState[]
}

export interface MutationOptions {
  /** null: everything is found anew. */
  readonly cache: MutationCache | null
  readonly workers: number
  readonly onProgress: (done: number, all: number) => void
}

/** Which of these numbers are live, and which scenarios pass at all. */
export async function findLiveNumbers(
  folders: readonly PlanFolder[],
  numbersOf: (folder: PlanFolder) => readonly PlanNumber[],
  options: MutationOptions,
): Promise<MutationFindings> {
  const known = new Map(folders.map(folder => [folder.name, options.cache?.read(folder) ?? null]))
  const missing = folders.filter(folder => isIncomplete(known.get(folder.name) ?? null, numbersOf(folder)))
  if (missing.length > 0) {
    const pool = new MutationPool(missing, options.workers)
    try {
      for (const [name, findings] of await findInPool(pool, missing, numbersOf, options)) known.set(name, findings)
    } finally {
      await pool.close()
    }
  }
  return join([...known.values()].filter(findings => findings !== null))
}

function isIncomplete(findings: FolderFindings | null, numbers: readonly PlanNumber[]): boolean {
  return findings === null || numbers.some(number => findings.numbers[keyOf(number)] === undefined)
}

async function findInPool(
  pool: MutationPool,
  folders: readonly PlanFolder[],
  numbersOf: (folder: PlanFolder) => readonly PlanNumber[],
  { cache, onProgress }: MutationOptions,
): Promise<ReadonlyMap<string, FolderFindings>> {
  const states = new Map<string, readonly ScenarioState[]>()
  await pool.perform(
    folders.map(({ name }) => ({ kind: 'scenarios', folder: name })),
    (index, result) => states.set(folders[index]!.name, result as readonly ScenarioState[]),
  )
  const wanted = folders.flatMap(folder => numbersOf(folder).map(number => ({ folder, number })))
  const tasks = wanted.map(({ folder, number }): MutationTask => {
    const hint = cache?.hint(hintKey(folder, number)) ?? null
    return { kind: 'number', folder: folder.name, number, states: states.get(folder.name) ?? [], hint }
  })
  const found = new Map<string, Record<string, Liveness>>(folders.map(({ name }) => [name, {}]))
  const findingsOf = (name: string): FolderFindings => ({
    scenarios: states.get(name) ?? [],
    numbers: found.get(name) ?? {},
  })
  let done = 0
  await pool.perform(tasks, (index, result) => {
    const { folder, number } = wanted[index]!
    found.get(folder.name)![keyOf(number)] = result as Liveness
    done += 1
    onProgress(done, tasks.length)
    // Kept as soon as a folder is done: whoever interrupts the report does not begin anew.
    if (!isIncomplete(findingsOf(folder.name), numbersOf(folder))) cache?.write(folder, findingsOf(folder.name))
  })
  const findings = new Map(folders.map(({ name }) => [name, findingsOf(name)]))
  cache?.writeHints(hintsOf(wanted, findings))
  return findings
}

export function keyOf({ file, line, column }: Pick<PlanNumber, 'file' | 'line' | 'column'>): string {
  return `${file}:${line}:${column}`
}

/** By what the line says, so that a hint survives lines that come and go above it. */
function hintKey(folder: PlanFolder, { file, line, column, path }: PlanNumber): string {
  const text = folder.files.find(each => each.path === file)?.text.split('\n')[line - 1] ?? ''
  return `${file} ${path} ${text.slice(0, column)}`
}

function hintsOf(
  wanted: readonly { readonly folder: PlanFolder; readonly number: PlanNumber }[],
  findings: ReadonlyMap<string, FolderFindings>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    wanted.flatMap(({ folder, number }) => {
      const by = findings.get(folder.name)?.numbers[keyOf(number)]?.noticed[0] ?? null
      return by === null ? [] : [[hintKey(folder, number), by]]
    }),
  )
}

function join(all: readonly FolderFindings[]): MutationFindings {
  return {
    numbers: new Map(all.flatMap(({ numbers }) => Object.entries(numbers))),
    scenarios: all.flatMap(({ scenarios }) => scenarios),
  }
}
