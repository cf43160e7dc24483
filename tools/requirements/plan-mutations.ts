import {
  type CompiledPlan,
  compilePlan,
  type PlanDocuments,
  parsePlanDocuments,
  readScenarioFiles,
  type Scenario,
} from '@dankai/plan'
import { mutatePlanNumber, testScenario } from '@dankai/simulation'
import { orderScenarios } from './mutation-order.ts'
import type { PlanFolder } from './plan-folders.ts'
import type { PlanNumber } from './plan-numbers.ts'

/**
 * Does a number of a plan count? It is changed by one in its last digit, up and down, and the scenarios of its folder are
 * run until one fails. A changed plan that the language refuses counts too: then the number is bound by its own rule (the
 * order of phases, quotas that add up). A number is live only when both changes are noticed.
 */
export interface Liveness {
  readonly live: boolean
  readonly noticed: NoticedBy
}

/** Up, then down: the scenario that failed, "refused", or null when nothing noticed; what follows null was not tried. */
export type NoticedBy = readonly (string | null)[]

export interface Probe extends Liveness {
  /** The change that the scenarios tried so far did not notice, when there are more of them; else null. */
  readonly open: ChangedNumber | null
}

export interface ChangedNumber {
  readonly number: PlanNumber
  readonly direction: 'up' | 'down'
}

export interface ScenarioState {
  readonly file: string
  /** 1-based line of its first key. */
  readonly line: number
  readonly name: string
  /** What went wrong in the plan as it is; null when it passes. */
  readonly failure: string | null
}

type Compiled = { readonly ok: true; readonly plan: CompiledPlan } | { readonly ok: false; readonly message: string }

interface Selected {
  readonly plan: string
  readonly scenario: Scenario
  readonly text: string
}

export class PlanMutations {
  /** Without the scenarios: those are read once, and a changed number never stands in them. */
  readonly #planFiles: PlanFolder['files']
  readonly #selected: readonly Selected[]
  readonly #compiled: Compiler
  #passing: readonly Selected[] = []

  constructor(folder: PlanFolder) {
    const documents = parsePlanDocuments(folder.files)
    const planFiles = new Set(documents.documents.flatMap(({ kind, file }) => (kind === 'Scenarios' ? [] : [file])))
    this.#planFiles = folder.files.filter(({ path }) => planFiles.has(path))
    this.#selected = selectScenarios(folder, documents)
    this.#compiled = new Compiler(parsePlanDocuments(this.#planFiles))
  }

  /** Runs every scenario on the plan as it is. One that fails already notices nothing afterwards. */
  async testScenarios(): Promise<readonly ScenarioState[]> {
    const states: ScenarioState[] = []
    const passing: Selected[] = []
    for (const selected of this.#selected) {
      const { plan, scenario } = selected
      const failure = await failureOf(this.#compiled.compile(plan, scenario), selected)
      if (failure === null) passing.push(selected)
      states.push({ file: scenario.place.file, line: scenario.place.line, name: scenario.name, failure })
    }
    this.#passing = passing
    return states
  }

  /** Takes the states that another run of the same files found. */
  takeStates(states: readonly ScenarioState[]): void {
    const failing = new Set(states.filter(({ failure }) => failure !== null).map(({ file, line }) => `${file}:${line}`))
    this.#passing = this.#selected.filter(
      ({ scenario }) => !failing.has(`${scenario.place.file}:${scenario.place.line}`),
    )
  }

  /** Tries the scenarios that speak of the number, `atMost` so many; `hint` names those that noticed the last time. */
  async probe(number: PlanNumber, hint: NoticedBy, atMost: number): Promise<Probe> {
    const noticed: (string | null)[] = []
    for (const [index, direction] of directionsOf(this.#planFiles, number).entries()) {
      const files = changeNumbers(this.#planFiles, [{ number, direction }])
      const ordered = this.#inOrder(number, hint[index] ?? noticed[0] ?? null)
      const by = await this.#noticedBy(files, ordered.slice(0, atMost))
      noticed.push(by)
      const open = ordered.length > atMost ? { number, direction } : null
      if (by === null) return { live: false, noticed, open }
    }
    return { live: noticed.length > 0, noticed, open: null }
  }

  /** True when some scenario fails with all of these numbers changed at once. */
  async notices(numbers: readonly ChangedNumber[]): Promise<boolean> {
    return (await this.#noticedBy(changeNumbers(this.#planFiles, numbers), this.#passing)) !== null
  }

  async #noticedBy(files: PlanFolder['files'], scenarios: readonly Selected[]): Promise<string | null> {
    const documents = parsePlanDocuments(files)
    if (documents.problems.length > 0) return 'refused'
    const changed = new Compiler(documents)
    for (const selected of scenarios) {
      const { plan, scenario } = selected
      const compiled = changed.compile(plan, scenario)
      if (!compiled.ok) return 'refused'
      if (sameBehaviour(compiled, this.#compiled.compile(plan, scenario))) continue
      if ((await failureOf(compiled, selected)) !== null) return scenario.name
    }
    return null
  }

  #inOrder(number: PlanNumber, hint: string | null): readonly Selected[] {
    const order = orderScenarios(
      number,
      this.#passing.map(({ text }) => text),
    )
    const ordered = order.map(index => this.#passing[index]!)
    const hinted = ordered.filter(({ scenario }) => scenario.name === hint)
    return [...hinted, ...ordered.filter(selected => !hinted.includes(selected))]
  }
}

/** Up and down; one of them where the other leads to the same text (0 and 100 %). */
function directionsOf(files: PlanFolder['files'], number: PlanNumber): readonly ChangedNumber['direction'][] {
  const text = files.find(({ path }) => path === number.file)?.text ?? ''
  const [up, down] = (['up', 'down'] as const).map(direction => mutatePlanNumber(text, number, direction))
  if (!up?.ok || !down?.ok) return []
  return up.text === down.text ? ['up'] : ['up', 'down']
}

/** From the end on: a number that grows by a digit moves what stands behind it. */
function changeNumbers(files: PlanFolder['files'], numbers: readonly ChangedNumber[]): PlanFolder['files'] {
  const last = numbers.toSorted((a, b) => b.number.line - a.number.line || b.number.column - a.number.column)
  return files.map(file => ({
    ...file,
    text: last
      .filter(({ number }) => number.file === file.path)
      .reduce((text, { number, direction }) => {
        const result = mutatePlanNumber(text, number, direction)
        return result.ok ? result.text : text
      }, file.text),
  }))
}

/** Each plan and strategy is compiled once per set of documents. */
class Compiler {
  readonly #documents: PlanDocuments
  readonly #known = new Map<string, Compiled>()

  constructor(documents: PlanDocuments) {
    this.#documents = documents
  }

  compile(plan: string, { strategy, releaseType }: Scenario): Compiled {
    const key = JSON.stringify([plan, strategy, releaseType])
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const result = compilePlan(this.#documents, {
      plan,
      ...(strategy === null ? {} : { strategy }),
      ...(releaseType === null ? {} : { releaseType }),
    })
    const compiled: Compiled = result.ok
      ? { ok: true, plan: result.plan }
      : { ok: false, message: result.problems[0]?.message.en ?? `Cannot compile plan "${plan}".` }
    this.#known.set(key, compiled)
    return compiled
  }
}

const texts = new WeakMap<CompiledPlan, string>()

function textOf(plan: CompiledPlan): string {
  const known = texts.get(plan)
  if (known !== undefined) return known
  const text = JSON.stringify(plan)
  texts.set(plan, text)
  return text
}

/** A plan that compiled to the same thing does what it did. */
function sameBehaviour(changed: Compiled, original: Compiled): boolean {
  return changed.ok && original.ok && textOf(changed.plan) === textOf(original.plan)
}

async function failureOf(compiled: Compiled, { plan, scenario }: Selected): Promise<string | null> {
  const result = await testScenario(compiled, plan, scenario)
  return result.passed ? null : (result.failures[0]?.message ?? 'failed')
}

function selectScenarios(folder: PlanFolder, documents: PlanDocuments): readonly Selected[] {
  return readScenarioFiles(documents.documents).flatMap(file => {
    const lines = (folder.files.find(({ path }) => path === file.file)?.text ?? '').split('\n')
    return file.scenarios.map((scenario, index) => {
      const end = file.scenarios[index + 1]?.place.line ?? lines.length + 1
      return { plan: file.plan, scenario, text: lines.slice(scenario.place.line - 1, end - 1).join('\n') }
    })
  })
}
