import type { Carriers, PlanLine } from './carriers.ts'
import { keyOf, type MutationFindings } from './mutations.ts'
import type { PlanNumber } from './plan-numbers.ts'
import type { Requirement } from './rows.ts'

/** What answers for one requirement, or why nothing does. */
export interface RowCoverage {
  readonly requirement: Requirement
  readonly by: 'test' | 'plan' | 'record' | 'missing'
  /** For a missing row: what is wrong with the line that names it; null when nothing names it. */
  readonly why: string | null
}

export interface CoverageInput {
  readonly requirements: readonly Requirement[]
  readonly carriers: Carriers
  readonly numbers: readonly PlanNumber[]
  readonly findings: MutationFindings
}

/**
 * A row is covered by a test that names it; else by plan lines, when every line that carries it is good: all its numbers
 * are live, or, in a scenario file, its scenario passes; else by the record of what is not software.
 */
export function assessCoverage(input: CoverageInput): readonly RowCoverage[] {
  const lines = linesById(input.carriers.planLines)
  const problems = new Map(input.carriers.planLines.map(line => [line, problemOf(line, input)]))
  return input.requirements.map(requirement => {
    if (input.carriers.tests.has(requirement.id)) return { requirement, by: 'test', why: null }
    const own = lines.get(requirement.id) ?? []
    const problem = own.map(line => problems.get(line) ?? null).find(found => found !== null) ?? null
    if (own.length > 0 && problem === null) return { requirement, by: 'plan', why: null }
    if (input.carriers.recorded.has(requirement.id)) return { requirement, by: 'record', why: null }
    return { requirement, by: 'missing', why: problem }
  })
}

function linesById(lines: readonly PlanLine[]): ReadonlyMap<string, readonly PlanLine[]> {
  const byId = new Map<string, PlanLine[]>()
  for (const line of lines) for (const id of line.ids) byId.set(id, [...(byId.get(id) ?? []), line])
  return byId
}

function problemOf(line: PlanLine, { numbers, findings }: CoverageInput): string | null {
  const at = `${line.file}:${line.line}`
  const scenario = findings.scenarios.findLast(({ file, line: first }) => file === line.file && first <= line.line)
  if (scenario !== undefined) return scenario.failure === null ? null : `${at}: scenario "${scenario.name}" fails`
  const dead = numbers.find(
    number =>
      number.file === line.file && number.line === line.line && findings.numbers.get(keyOf(number))?.live !== true,
  )
  return dead === undefined ? null : `${at}: no scenario notices when ${dead.text} of ${dead.path} changes`
}

export interface GroupCoverage {
  readonly group: string
  readonly covered: number
  readonly all: number
  readonly missing: readonly string[]
}

export function countByGroup(rows: readonly RowCoverage[]): readonly GroupCoverage[] {
  return [...Map.groupBy(rows, ({ requirement }) => requirement.group)].map(([group, own]) => {
    const missing = own.filter(({ by }) => by === 'missing').map(({ requirement }) => requirement.id)
    return { group, covered: own.length - missing.length, all: own.length, missing }
  })
}
