import type { FolderFindings, Hints, MutationCache } from './mutation-cache.ts'
import { MutationPool } from './mutation-pool.ts'
import type { PlanFolder } from './plan-folders.ts'
import type { ChangedNumber, Liveness, NoticedBy, Probe, ScenarioState } from './plan-mutations.ts'
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

/** Scenarios tried for one number by itself; those that speak of it are among the first. */
const probedAtMost = 12

async function findInPool(
  pool: MutationPool,
  folders: readonly PlanFolder[],
  numbersOf: (folder: PlanFolder) => readonly PlanNumber[],
  { cache, onProgress }: MutationOptions,
): Promise<ReadonlyMap<string, FolderFindings>> {
  const all = folders.reduce((sum, folder) => sum + numbersOf(folder).length, 0)
  let done = 0
  const found = await Promise.all(
    folders.map(async folder => {
      const findings = await new FolderMutations(pool, folder, cache).find(numbersOf(folder), () => {
        done += 1
        onProgress(done, all)
      })
      // Kept as soon as a folder is done: whoever interrupts the report does not begin anew.
      cache?.write(folder, findings)
      return [folder.name, findings] as const
    }),
  )
  return new Map(found)
}

/**
 * One folder. Each number is probed with the scenarios nearest to it. What none of these noticed, or nothing the last
 * time, is probably dead, and all of it is changed together and run against every scenario: when nothing notices even
 * then, all of it is dead. Else it is halved until a number stands alone and is tried against every scenario by itself.
 */
class FolderMutations {
  readonly #pool: MutationPool
  readonly #folder: PlanFolder
  readonly #cache: MutationCache | null
  readonly #found: Record<string, Liveness> = {}
  #states: readonly ScenarioState[] = []

  constructor(pool: MutationPool, folder: PlanFolder, cache: MutationCache | null) {
    this.#pool = pool
    this.#folder = folder
    this.#cache = cache
  }

  async find(numbers: readonly PlanNumber[], onDone: () => void): Promise<FolderFindings> {
    this.#states = (await this.#pool.run({ kind: 'scenarios', folder: this.#folder.name })) as readonly ScenarioState[]
    const open = await Promise.all(
      numbers.map(async number => {
        const left = this.#deadLastTime(number) ?? (await this.#probe(number, probedAtMost))
        onDone()
        return left
      }),
    )
    await this.#settle(open.filter(left => left !== null))
    return { scenarios: this.#states, numbers: this.#found }
  }

  #deadLastTime(number: PlanNumber): ChangedNumber | null {
    const direction = (['up', 'down'] as const)[this.#hint(number).indexOf(null)]
    if (direction === undefined) return null
    this.#found[keyOf(number)] = { live: false, noticed: [null] }
    return { number, direction }
  }

  #hint(number: PlanNumber): NoticedBy {
    return this.#cache?.hint(hintKey(this.#folder, number)) ?? []
  }

  async #probe(number: PlanNumber, atMost: number): Promise<ChangedNumber | null> {
    const hint = this.#hint(number)
    const task = { kind: 'probe', folder: this.#folder.name, states: this.#states, number, hint, atMost } as const
    const { live, noticed, open } = (await this.#pool.run(task)) as Probe
    this.#found[keyOf(number)] = { live, noticed }
    return open
  }

  async #settle(open: readonly ChangedNumber[]): Promise<void> {
    if (open.length === 0) return
    const [only] = open
    if (only !== undefined && open.length === 1) {
      await this.#probe(only.number, Number.POSITIVE_INFINITY)
      return
    }
    const task = { kind: 'together', folder: this.#folder.name, states: this.#states, numbers: open } as const
    if (!(await this.#pool.run(task))) return
    const middle = Math.ceil(open.length / 2)
    await Promise.all([this.#settle(open.slice(0, middle)), this.#settle(open.slice(middle))])
  }
}

export function keyOf({ file, line, column }: Pick<PlanNumber, 'file' | 'line' | 'column'>): string {
  return `${file}:${line}:${column}`
}

/** By what the line says, so that a hint survives lines that come and go above it. */
function hintKey(folder: PlanFolder, { file, line, column, path }: PlanNumber): string {
  const text = folder.files.find(each => each.path === file)?.text.split('\n')[line - 1] ?? ''
  return `${file} ${path} ${text.slice(0, column)}`
}

/** What was found, to be tried first the next time. */
export function hintsOf(
  folders: readonly PlanFolder[],
  numbersOf: (folder: PlanFolder) => readonly PlanNumber[],
  { numbers }: MutationFindings,
): Hints {
  return new Map(
    folders.flatMap(folder =>
      numbersOf(folder).map(number => [hintKey(folder, number), numbers.get(keyOf(number))?.noticed ?? []] as const),
    ),
  )
}

function join(all: readonly FolderFindings[]): MutationFindings {
  return {
    numbers: new Map(all.flatMap(({ numbers }) => Object.entries(numbers))),
    scenarios: all.flatMap(({ scenarios }) => scenarios),
  }
}
