import {
  type CompiledPlan,
  compilePlan,
  type Note,
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
import { answeredNo, CommandEnd, exitCode, misused } from '../command-end.ts'
import { type Context, print } from '../context.ts'
import { type LoadedPlans, loadPlans, printProblems, problemData } from '../loaded-plans.ts'
import { asSaid } from '../localized.ts'

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
  const loaded = loadPlans(context.terminal, paths, { judgeScenarios: false })
  if (loaded.problems.length > 0) throw notCompiled(context, loaded)
  const name = choosePlan(loaded, options.plan)
  if (options.strategy !== undefined) checkStrategy(loaded, name, options.strategy)
  const scenario = options.scenario === undefined ? null : chooseScenario(loaded, name, options.scenario)
  const { plan, notes } = compile(context, loaded, name, scenario, options.strategy)
  const fidelity = options.full === true ? 'full' : 'events'
  if (scenario === null) {
    show(context, await runFreely(plan, options.seed ?? null, fidelity), { heading: null, failures: [], notes })
    return
  }
  const result = await testScenario({ ok: true, plan }, name, scenario, { fidelity })
  const failures = result.failures.map(failure => failure.message)
  if (result.trace === null)
    print(context, { plan: name, scenario: scenario.name, passed: false, failures }, () => failures)
  else show(context, result.trace, { heading: scenario.name, failures, notes })
  if (failures.length > 0) throw answeredNo()
}

function choosePlan({ plans }: LoadedPlans, wanted: string | undefined): string {
  const names = plans.map(({ name }) => name)
  const [only] = wanted === undefined ? names : names.filter(name => name === wanted)
  if (only !== undefined && (wanted !== undefined || names.length === 1)) return only
  const found = names.length === 0 ? 'none' : names.join(', ')
  throw misused(
    {
      cannot: wanted === undefined ? 'choose a plan' : `choose plan "${wanted}"`,
      found,
      expected: wanted === undefined ? 'one' : 'it among them',
      next: names.length === 0 ? 'Give the file of a plan.' : 'Give --plan NAME.',
    },
    {
      cannot: wanted === undefined ? '計画を選べません' : `計画 "${wanted}" を選べません`,
      found: names.length === 0 ? '1 つもありません' : `${found} があります`,
      expected: wanted === undefined ? '1 つ' : 'その中のどれか',
      next: names.length === 0 ? '計画のファイルを指定してください。' : '--plan NAME で指定してください。',
    },
  )
}

function checkStrategy({ plans }: LoadedPlans, plan: string, wanted: string): void {
  const strategies = plans.find(({ name }) => name === plan)?.strategies ?? []
  if (strategies.includes(wanted)) return
  const found = strategies.join(', ')
  throw misused(
    {
      cannot: `choose strategy "${wanted}" of "${plan}"`,
      found: found || 'no strategies',
      expected: 'it among them',
      next: found === '' ? 'Leave --strategy out.' : 'Give one of these.',
    },
    {
      cannot: `"${plan}" の戦略 "${wanted}" を選べません`,
      found: found === '' ? '戦略はありません' : `${found} があります`,
      expected: 'その中のどれか',
      next: found === '' ? '--strategy を省いてください。' : 'どれかを指定してください。',
    },
  )
}

/** By its whole name, else by a part of it that fits only one. */
function chooseScenario({ documents, leftOut }: LoadedPlans, plan: string, wanted: string): Scenario {
  const scenarios = readScenarioFiles(documents)
    .filter(file => file.plan === plan)
    .flatMap(file => file.scenarios)
  const exact = scenarios.filter(scenario => scenario.name === wanted)
  const found = exact.length > 0 ? exact : scenarios.filter(scenario => scenario.name.includes(wanted))
  const [only] = found
  if (only !== undefined && found.length === 1) return only
  const names = (found.length > 0 ? found : scenarios).slice(0, 20).map(scenario => `"${scenario.name}"`)
  const shown = names.join(', ') || 'no scenario'
  const unusable = leftOut[0]?.place
  const next =
    unusable === undefined
      ? 'Give its whole name.'
      : `${unusable.file}:${unusable.line} has a mistake and was left out.`
  throw misused(
    { cannot: `choose scenario "${wanted}" of "${plan}"`, found: shown, expected: 'one of that name', next },
    {
      cannot: `"${plan}" の筋書き "${wanted}" を選べません`,
      found: names.length === 0 ? '筋書きがありません' : `${shown} があります`,
      expected: 'その名前のもの 1 つ',
      next:
        unusable === undefined
          ? '名前の全体で指定してください。'
          : `${unusable.file}:${unusable.line} に誤りがあり、使いませんでした。`,
    },
  )
}

function compile(
  context: Context,
  loaded: LoadedPlans,
  plan: string,
  scenario: Scenario | null,
  strategy: string | undefined,
): { readonly plan: CompiledPlan; readonly notes: readonly Note[] } {
  const chosen = strategy ?? scenario?.strategy ?? null
  const releaseType = scenario?.releaseType ?? null
  const result = compilePlan(
    { documents: loaded.documents, problems: [] },
    { plan, ...(chosen === null ? {} : { strategy: chosen }), ...(releaseType === null ? {} : { releaseType }) },
  )
  if (result.ok) return result
  throw notCompiled(context, { ...loaded, problems: result.problems })
}

function notCompiled(context: Context, loaded: LoadedPlans): CommandEnd {
  printProblems(context, loaded, { ok: false, problems: loaded.problems.map(problem => problemData(problem, context)) })
  return answeredNo()
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
  if (!result.ok) throw notSimulated(result.message)
  return result.trace
}

function scriptOf(plan: CompiledPlan, seed: number): Script {
  const good = findGoodValues(plan)
  if (!good.ok) throw notSimulated(good.message)
  return drawScript(plan, good.values, createSeededRandom(seed))
}

const notSimulated = (message: string): CommandEnd =>
  new CommandEnd(exitCode.no, { code: 'not-simulated', message: asSaid(message) })

interface Shown {
  readonly heading: string | null
  readonly failures: readonly string[]
  readonly notes: readonly Note[]
}

function show(context: Context, trace: Trace, { heading, failures, notes }: Shown): void {
  const data = {
    plan: trace.plan.name,
    scenario: heading,
    seed: trace.seed,
    outcome: trace.outcome,
    start: new Date(trace.start).toISOString(),
    end: new Date(trace.end).toISOString(),
    passed: failures.length === 0,
    failures,
    notes: notes.map(note => problemData(note, context)),
    events: trace.events.map(event => ({
      seq: event.seq,
      at: new Date(event.at).toISOString(),
      when: event.relative,
      ...event.body,
    })),
    exposures: trace.exposures.map(({ at, exposure }) => ({ at: new Date(at).toISOString(), ...exposure })),
    effects: trace.effects,
  }
  const { language } = context
  const { columns, hasColour } = context.terminal
  const texts = notes.map(note => renderProblem(note, language))
  print(context, data, () => [
    drawTrace(trace, { language, width: columns, color: hasColour, heading, notes: texts }),
    ...failures,
  ])
}
