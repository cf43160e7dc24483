import type { Condition, FlagSegment } from '@dankai/flags'
import { conditionProblem } from '../sound-part.ts'
import { CannotCarry, conditionsOf } from './import-clause.ts'
import type { LaunchDarklySegment } from './launchdarkly-flag.ts'

type Given = Partial<LaunchDarklySegment> & {
  readonly unbounded?: boolean
  readonly includedContexts?: readonly { readonly contextKind?: string; readonly values?: readonly string[] }[]
  readonly excludedContexts?: readonly { readonly contextKind?: string; readonly values?: readonly string[] }[]
}

/** The segments that one flag names, and those that these name; a flag is complete in itself. */
export class SegmentImport {
  readonly taken: Record<string, FlagSegment> = {}
  readonly #given: Readonly<Record<string, Given>>
  /** Why a segment could not be carried: each rule that names it is told so, not only the first. */
  readonly #refused = new Map<string, string>()

  constructor(given: Readonly<Record<string, Given>>) {
    this.#given = given
  }

  readonly take = (key: string): string => {
    const refusal = this.#refused.get(key)
    if (refusal !== undefined) throw new CannotCarry(refusal)
    if (Object.hasOwn(this.taken, key)) return key
    const segment = Object.hasOwn(this.#given, key) ? this.#given[key] : undefined
    // Nobody belongs to a segment that is not there; it stands empty, so that the flag stays sound.
    this.taken[key] = { include: {} }
    try {
      if (segment !== undefined && segment.deleted !== true) this.taken[key] = this.#segmentOf(key, segment)
    } catch (problem) {
      if (problem instanceof CannotCarry) this.#refused.set(key, problem.message)
      throw problem
    }
    return key
  }

  #segmentOf(key: string, segment: Given): FlagSegment {
    if (segment.unbounded === true) throw new CannotCarry(`segment "${key}" is kept outside of the export (unbounded)`)
    const listed = [...(segment.includedContexts ?? []), ...(segment.excludedContexts ?? [])]
    const other = listed.find(({ contextKind = 'user', values = [] }) => contextKind !== 'user' && values.length > 0)
    if (other !== undefined) throw new CannotCarry(`segment "${key}" lists contexts of kind "${other.contextKind}"`)
    return {
      include: {},
      keys: [...(segment.included ?? []), ...keysIn(segment.includedContexts)],
      excludedKeys: [...(segment.excluded ?? []), ...keysIn(segment.excludedContexts)],
      rules: (segment.rules ?? []).map(rule => {
        if (typeof rule.weight === 'number')
          throw new CannotCarry(`segment "${key}" has a share of those who match a rule`)
        if (rule.clauses.length === 0) throw new CannotCarry(`segment "${key}" has a rule that matches everybody`)
        const conditions = rule.clauses.flatMap(clause => conditionsOf(clause, this.take))
        this.#check(key, conditions)
        return conditions
      }),
    }
  }

  /** A segment that is refused here would take the whole flag with it, where only its rules are lost. */
  #check(key: string, conditions: readonly Condition[]): void {
    for (const condition of conditions) {
      const problem = conditionProblem(condition, this.taken)
      if (problem !== null) throw new CannotCarry(`segment "${key}": ${problem}`)
    }
  }
}

const keysIn = (contexts: Given['includedContexts']): readonly string[] =>
  (contexts ?? []).flatMap(({ values }) => values ?? [])
