export { defaultStart } from './default-start.ts'
export { type DrawOptions, drawTrace } from './draw.ts'
export { checkExpectations } from './expectation.ts'
export type { Failure } from './failure-text.ts'
export { type MutateResult, mutatePlanNumber, type NumberPlace } from './mutate-plan.ts'
export { drawScript } from './random-script.ts'
export { type BrokenLaw, runWorld, runWorlds, type WorldsReport } from './run-worlds.ts'
export { readScript } from './scenario-script.ts'
export type { CrashPoint, Happening, Script, ScriptItem } from './script.ts'
export { createSeededRandom, type SeededRandom } from './seeded-random.ts'
export { type SimulateOptions, type SimulateResult, simulate } from './simulate.ts'
export {
  createCompiler,
  type ScenarioResult,
  selectScenarios,
  type TestPlansOptions,
  testPlans,
  testScenario,
} from './test-plans.ts'
export type { Outcome, Trace, TraceEvent } from './trace.ts'
export { type MutationOptions, type MutationResult, tryMutation } from './try-mutation.ts'
export { findGoodValues, type GoodValues, type GoodValuesResult } from './world/good-values.ts'
