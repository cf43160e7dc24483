import {
  type CompiledPlan,
  compilePlan,
  type PlanDocuments,
  parsePlanDocuments,
  readScenarioFiles,
  renderProblem,
  type Scenario,
} from '@dankai/plan'
import {
  createSeededRandom,
  drawScript,
  drawTrace,
  findGoodValues,
  type Script,
  simulate,
  type Trace,
  testScenario,
} from '@dankai/simulation'
import { type Context, print } from '../context.ts'
import { CommandEnd, exitCode } from '../exit-code.ts'
import { givenFiles, readPlanFiles } from '../plan-files.ts'

export interface SimulateCommandOptions {
  readonly plan?: string
  readonly scenario?: string
  readonly strategy?: string
  readonly seed?: number
  readonly full?: boolean
}

/**
 * `dankai simulate PATH…`: one release on a virtual clock, drawn for people or printed as data. Without a scenario all
 * goes well; with `--seed` a world of troubles is drawn, the same for the same seed.
 */
export async function simulatePlan(
  context: Context,
  paths: readonly string[],
  options: SimulateCommandOptions,
): Promise<void> {
  const documents = parsePlanDocuments(readPlanFiles(context.terminal, paths))
  const name = choosePlan(documents, givenFiles(context.terminal, paths), options.plan)
  const scenario = options.scenario === undefined ? null : chooseScenario(documents, name, options.scenario)
  const plan = compile(context, documents, name, scenario, options.strategy)
  const fidelity = options.full === true ? 'full' : 'events'
  if (scenario === null) {
    const trace = await runFreely(plan, options.seed ?? null, fidelity)
    return show(context, trace, null, [])
  }
  const result = await testScenario({ ok: true, plan }, name, scenario, { fidelity })
  const failures = result.failures.map(failure => failure.message)
  if (result.trace === null)
    throw new CommandEnd(exitCode.no, failures.join('\n'), { plan: name, scenario: scenario.name, failures })
  show(context, result.trace, scenario.name, failures)
  if (failures.length > 0) throw new CommandEnd(exitCode.no, context.json ? '' : failures.join('\n'))
}

function choosePlan(documents: PlanDocuments, given: ReadonlySet<string>, wanted: string | undefined): string {
  const plans = documents.documents
    .filter(document => document.kind === 'ReleasePlan' && given.has(document.file))
    .map(document => document.name)
  if (wanted !== undefined) return wanted
  const [only] = plans
  if (only !== undefined && plans.length === 1) return only
  throw new CommandEnd(
    exitCode.usage,
    `Cannot choose a plan: found ${plans.length === 0 ? 'none' : plans.join(', ')}, expected one. Give --plan NAME.`,
  )
}

/** By its whole name, else by a part of it that fits only one. */
function chooseScenario(documents: PlanDocuments, plan: string, wanted: string): Scenario {
  const scenarios = readScenarioFiles(documents.documents)
    .filter(file => file.plan === plan)
    .flatMap(file => file.scenarios)
  const exact = scenarios.filter(scenario => scenario.name === wanted)
  const found = exact.length > 0 ? exact : scenarios.filter(scenario => scenario.name.includes(wanted))
  const [only] = found
  if (only !== undefined && found.length === 1) return only
  const names = (found.length > 0 ? found : scenarios).slice(0, 20).map(scenario => `"${scenario.name}"`)
  throw new CommandEnd(
    exitCode.usage,
    `Cannot choose scenario "${wanted}" of "${plan}": found ${names.join(', ') || 'no scenario'}, expected one of that name. Give its whole name.`,
  )
}

function compile(
  context: Context,
  documents: PlanDocuments,
  plan: string,
  scenario: Scenario | null,
  strategy: string | undefined,
): CompiledPlan {
  const chosen = strategy ?? scenario?.strategy ?? null
  const releaseType = scenario?.releaseType ?? null
  const result = compilePlan(documents, {
    plan,
    ...(chosen === null ? {} : { strategy: chosen }),
    ...(releaseType === null ? {} : { releaseType }),
  })
  if (result.ok) return result.plan
  throw new CommandEnd(
    exitCode.no,
    result.problems.map(problem => renderProblem(problem, context.language)).join('\n'),
    result,
  )
}

async function runFreely(plan: CompiledPlan, seed: number | null, fidelity: 'events' | 'full'): Promise<Trace> {
  const result = await simulate({
    plan,
    script: seed === null ? [] : scriptOf(plan, seed),
    seed: seed ?? 1,
    fidelity,
    start: null,
    labels: [],
    lastsMs: null,
    lookedAt: [],
  })
  if (!result.ok) throw new CommandEnd(exitCode.no, result.message)
  return result.trace
}

function scriptOf(plan: CompiledPlan, seed: number): Script {
  const good = findGoodValues(plan)
  if (!good.ok) throw new CommandEnd(exitCode.no, good.message)
  return drawScript(plan, good.values, createSeededRandom(seed))
}

function show(context: Context, trace: Trace, heading: string | null, failures: readonly string[]): void {
  const data = {
    plan: trace.plan.name,
    scenario: heading,
    seed: trace.seed,
    outcome: trace.outcome,
    start: new Date(trace.start).toISOString(),
    end: new Date(trace.end).toISOString(),
    passed: failures.length === 0,
    failures,
    events: trace.events.map(event => ({
      seq: event.seq,
      at: new Date(event.at).toISOString(),
      when: event.relative,
      ...event.body,
    })),
    exposures: trace.exposures.map(({ at, exposure }) => ({ at: new Date(at).toISOString(), ...exposure })),
    effects: trace.effects,
  }
  const { columns, hasColour } = context.terminal
  print(context, data, () => [
    drawTrace(trace, { language: context.language, width: columns, color: hasColour, heading }),
  ])
}
