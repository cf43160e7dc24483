// One of the threads that change numbers: it holds the folders and answers one task after the other.
import { parentPort, workerData } from 'node:worker_threads'
import type { PlanFolder } from './plan-folders.ts'
import { PlanMutations, type ScenarioState } from './plan-mutations.ts'
import type { PlanNumber } from './plan-numbers.ts'

export type MutationTask =
  | { readonly kind: 'scenarios'; readonly folder: string }
  | {
      readonly kind: 'number'
      readonly folder: string
      readonly number: PlanNumber
      readonly states: readonly ScenarioState[]
      readonly hint: string | null
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
  mutations.useStates(task.states)
  return await mutations.test(task.number, task.hint)
}

parentPort?.on('message', (task: MutationTask) => {
  perform(task).then(
    result => parentPort?.postMessage({ result }),
    (error: unknown) => parentPort?.postMessage({ error: error instanceof Error ? error.stack : String(error) }),
  )
})
