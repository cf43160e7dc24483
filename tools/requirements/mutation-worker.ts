// One of the threads that change numbers: it holds the folders and answers one task after the other.
import { parentPort, workerData } from 'node:worker_threads'
import type { PlanFolder } from './plan-folders.ts'
import { type ChangedNumber, type NoticedBy, PlanMutations, type ScenarioState } from './plan-mutations.ts'
import type { PlanNumber } from './plan-numbers.ts'

export type MutationTask =
  /** Which scenarios pass at all? Answers ScenarioState[]. */
  | { readonly kind: 'scenarios'; readonly folder: string }
  /** Is this number live? Answers Probe. */
  | {
      readonly kind: 'probe'
      readonly folder: string
      readonly states: readonly ScenarioState[]
      readonly number: PlanNumber
      readonly hint: NoticedBy
      readonly atMost: number
    }
  /** Does anything notice when all of these change at once? Answers boolean. */
  | {
      readonly kind: 'together'
      readonly folder: string
      readonly states: readonly ScenarioState[]
      readonly numbers: readonly ChangedNumber[]
    }

const folders = new Map((workerData as readonly PlanFolder[]).map(folder => [folder.name, folder]))
const known = new Map<string, PlanMutations>()

function mutationsOf(name: string): PlanMutations {
  const mutations = known.get(name) ?? new PlanMutations(folders.get(name) ?? { name, files: [] })
  known.set(name, mutations)
  return mutations
}

async function perform(task: MutationTask): Promise<unknown> {
  const mutations = mutationsOf(task.folder)
  if (task.kind === 'scenarios') return await mutations.testScenarios()
  mutations.takeStates(task.states)
  return task.kind === 'probe'
    ? await mutations.probe(task.number, task.hint, task.atMost)
    : await mutations.notices(task.numbers)
}

parentPort?.on('message', (task: MutationTask) => {
  perform(task).then(
    result => parentPort?.postMessage({ result }),
    (error: unknown) => parentPort?.postMessage({ error: error instanceof Error ? error.stack : String(error) }),
  )
})
