import { faultPoints } from '@dankai/engine'
import type { CompiledPlan, Place, ScriptEntry, ScriptHappening } from '@dankai/plan'
import { type Happening, parseCrashPoint, type Script } from './script.ts'

export type ReadScript =
  | { readonly ok: true; readonly script: Script }
  | { readonly ok: false; readonly message: string }

/** The script of a scenario file as the world takes it; names are checked against the plan when it runs. */
export function readScript(plan: CompiledPlan, entries: readonly ScriptEntry[]): ReadScript {
  const items: Script[number][] = []
  for (const { at, forMs, happenings, place } of entries) {
    for (const written of happenings) {
      const happening = readHappening(plan, written)
      if ('message' in happening) return { ok: false, message: `${placeText(place)}: ${happening.message}` }
      items.push({ at, forMs, happening, place })
    }
  }
  return { ok: true, script: items }
}

export function placeText({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`
}

function readHappening(plan: CompiledPlan, written: ScriptHappening): Happening | { readonly message: string } {
  switch (written.kind) {
    case 'metric':
      return { ...written, value: written.value === 'no data' ? written.value : written.value.number }
    case 'step':
      return { ...written, answers: numbersOf(written.answers) }
    case 'crash': {
      const crash = parseCrashPoint(written.crash, faultPoints)
      if (crash !== null) return { kind: 'crash', crash, restartMs: written.restartMs }
      return {
        message: `Cannot crash at "${written.crash}": found no such instant, expected now, after SetExposure ran, before EVENT, after COMMAND ran, or one of ${faultPoints.join(', ')}. Name the instant.`,
      }
    }
    case 'labels':
      return {
        message: `Cannot set labels of "${plan.name}" while it runs: found ${written.labels.join(', ')}, expected labels at the start. Write them under "labels" of the scenario.`,
      }
    default:
      return written
  }
}

/** Answers of a step are compared as numbers; text and lists in them say nothing to an `expect`. */
function numbersOf(answers: Readonly<Record<string, unknown>> | null): Readonly<Record<string, number>> | null {
  if (answers === null) return null
  const numbers = Object.entries(answers).map(([name, value]) => [name, Number(value)] as const)
  return Object.fromEntries(numbers.filter(([, value]) => Number.isFinite(value)))
}
