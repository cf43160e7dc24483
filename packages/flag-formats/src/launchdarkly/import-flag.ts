/**
 * A flag of LaunchDarkly as one of ours, with LaunchDarkly's buckets, so that the same users are chosen.
 *
 * 1. What cannot be carried over is named. When it decides who is served what, the flag comes switched off, as serving
 *    the rest would show a change to people it was kept from.
 * 2. The fallthrough becomes the exposure where that says the same, so that a release can move it.
 */
import {
  checkFlag,
  defineFlag,
  type FlagDefinition,
  type FlagExposure,
  type FlagRule,
  type FlagTarget,
  type JsonValue,
  type Serve,
  weightTotal,
} from '@dankai/flags'
import type { NotCarried } from '../flag-import.ts'
import { refusalIn } from '../sound-part.ts'
import { attributeOf } from './attribute-reference.ts'
import { CannotCarry, comparesTypes, conditionsOf } from './import-clause.ts'
import { SegmentImport } from './import-segments.ts'
import type {
  LaunchDarklyFlag,
  LaunchDarklyRollout,
  LaunchDarklySegment,
  VariationOrRollout,
} from './launchdarkly-flag.ts'
import { variantNames } from './variant-names.ts'

export type GivenFlag = Partial<LaunchDarklyFlag>
export type GivenSegments = Readonly<Record<string, Partial<LaunchDarklySegment>>>

const noVariant = 'none'

export class FlagImporter {
  readonly notCarried: NotCarried[] = []
  readonly #key: string
  readonly #given: GivenFlag
  readonly #names: readonly string[]
  readonly #segments: SegmentImport
  #isIncomplete = false

  constructor(key: string, given: GivenFlag, segments: GivenSegments) {
    this.#key = key
    this.#given = given
    this.#names = variantNames(given.variations ?? [])
    this.#segments = new SegmentImport(segments)
  }

  import(others: Readonly<Record<string, GivenFlag>>): FlagDefinition {
    const { salt = '', fallthrough = {}, on = false } = this.#given
    const { variants, offVariant } = this.#variants()
    const prerequisites = this.#prerequisites(others)
    const rules = this.#rules()
    const rest = this.#rest(fallthrough, offVariant)
    const targets = this.#targets()
    this.#noteWhatIsKeptElsewhere()
    const flag = defineFlag({
      key: this.#key,
      version: this.#given.version ?? 0,
      kind: this.#isExperiment() ? 'experiment' : 'release',
      algorithm: 'launchdarkly',
      seed: `${this.#key}.${salt}`,
      variants,
      offVariant,
      ...rest,
      prerequisites,
      targets,
      rules,
      segments: this.#segments.taken,
    })
    return { ...flag, on: on && !this.#isIncomplete }
  }

  #variants(): { readonly variants: Readonly<Record<string, JsonValue>>; readonly offVariant: string } {
    const { variations = [], offVariation } = this.#given
    const variants: Record<string, JsonValue> = Object.fromEntries(
      this.#names.map((name, index) => [name, variations[index] ?? null]),
    )
    const offVariant = typeof offVariation === 'number' ? this.#names[offVariation] : undefined
    if (offVariant !== undefined) return { variants, offVariant }
    this.#note('offVariation', 'off, a client serves its own default there; here it is served null')
    return { variants: { ...variants, [noVariant]: null }, offVariant: noVariant }
  }

  #prerequisites(others: Readonly<Record<string, GivenFlag>>): FlagDefinition['prerequisites'] {
    return (this.#given.prerequisites ?? []).map(({ key, variation }) => {
      const other = Object.hasOwn(others, key) ? others[key] : undefined
      const variant = variantNames(other?.variations ?? [])[variation]
      const what = `prerequisites.${key}`
      const isServedWhenOff = other !== undefined && other.offVariation === variation
      if (isServedWhenOff && other.on !== true)
        this.#miss(what, `it asks for what "${key}" serves while off; there, nobody has it until "${key}" is on`)
      else if (isServedWhenOff)
        this.#note(what, 'there, a flag that is off fulfils no prerequisite; here it does by its variant')
      return { flag: key, variants: variant === undefined ? [] : [variant] }
    })
  }

  #targets(): readonly FlagTarget[] {
    const { targets = [], contextTargets = [] } = this.#given
    for (const [index, { contextKind = 'user', values = [] }] of contextTargets.entries())
      if (contextKind !== 'user' && values.length > 0)
        this.#miss(`contextTargets[${index}]`, `it names contexts of kind "${contextKind}", not users`)
    const order = contextTargets.filter(({ contextKind = 'user' }) => contextKind === 'user')
    const ordered =
      order.length === 0
        ? targets
        : order.flatMap(({ variation }) => targets.filter(one => one.variation === variation).slice(0, 1))
    return ordered.flatMap(({ variation, values }, index) => {
      const variant = this.#names[variation]
      if (variant === undefined) this.#miss(`targets[${index}]`, `there is no variation ${variation}`)
      return variant === undefined ? [] : [{ variant, keys: values }]
    })
  }

  #rules(): readonly FlagRule[] {
    const ids = new Set<string>()
    return (this.#given.rules ?? []).flatMap((rule, index): readonly FlagRule[] => {
      const id = rule.id === undefined || rule.id === '' || ids.has(rule.id) ? `rule-${index + 1}` : rule.id
      ids.add(id)
      return this.#carry(`rules[${index}]`, () => {
        const clauses = rule.clauses ?? []
        if (clauses.some(comparesTypes))
          this.#note(`rules[${index}]`, 'here a number or boolean equals the text that reads alike')
        const when = clauses.flatMap(clause => conditionsOf(clause, this.#segments.take))
        const carried: FlagRule = { id, when, share: 1, by: null, seed: null, serve: this.#serve(rule) }
        this.#check(carried)
        return [carried]
      })
    })
  }

  /** Regular expressions, versions and lengths that are not accepted here would make the whole flag unsound. */
  #check(rule: FlagRule): void {
    const names = [...this.#names, noVariant]
    const [first = noVariant] = names
    const variants = Object.fromEntries(names.map(name => [name, null]))
    const segments = this.#segments.taken
    const flag = defineFlag({ key: this.#key, variants, offVariant: first, onVariant: first, rules: [rule], segments })
    const [problem] = checkFlag(flag)
    if (problem !== undefined) throw new CannotCarry(refusalIn(problem))
  }

  #rest(given: VariationOrRollout, offVariant: string): Pick<FlagDefinition, 'onVariant' | 'exposure' | 'otherwise'> {
    const onVariant = this.#names.find(name => name !== offVariant) ?? offVariant
    const off = { variant: offVariant }
    const [otherwise = off] = this.#carry('fallthrough', () => [this.#serve(given)])
    if ('variant' in otherwise && otherwise.variant !== offVariant)
      return { onVariant: otherwise.variant, exposure: exposed(1), otherwise: off }
    const share = 'split' in otherwise ? shareOf(otherwise, offVariant) : null
    return share === null ? { onVariant, exposure: exposed(0), otherwise } : { ...share, otherwise: off }
  }

  #serve({ variation, rollout }: VariationOrRollout): Serve {
    if (typeof variation === 'number') return { variant: this.#name(variation) }
    if (rollout === undefined || rollout === null || (rollout.variations ?? []).length === 0)
      throw new CannotCarry('it serves nothing')
    const { contextKind = 'user', kind, bucketBy, seed } = rollout
    if (contextKind !== 'user') throw new CannotCarry(`it deals contexts of kind "${contextKind}", not users`)
    const experiment = kind === 'experiment'
    const by = experiment || !bucketBy ? 'targetingKey' : attributeOf(bucketBy, rollout.contextKind)
    if (by === null) throw new CannotCarry(`its attribute "${bucketBy}" cannot be named here`)
    return {
      split: this.#parts(rollout),
      by: by === 'targetingKey' ? null : by,
      seed: seed ? String(seed) : null,
      experiment,
    }
  }

  /** Weights may come to less or more than all there: whoever is left has the last part. */
  #parts({ variations }: LaunchDarklyRollout): Extract<Serve, { split: unknown }>['split'] {
    let end = 0
    return variations.map(({ variation, weight, untracked = false }, index) => {
      const start = end
      end = index === variations.length - 1 ? weightTotal : Math.min(weightTotal, start + weight)
      return { variant: this.#name(variation), weight: end - start, ...(untracked ? { tracked: false } : {}) }
    })
  }

  #name(variation: number): string {
    const name = this.#names[variation]
    if (name === undefined) throw new CannotCarry(`there is no variation ${variation}`)
    return name
  }

  #carry<Carried>(what: string, carry: () => readonly Carried[]): readonly Carried[] {
    try {
      return carry()
    } catch (error) {
      if (!(error instanceof CannotCarry)) throw error
      this.#miss(what, error.message)
      return []
    }
  }

  #miss(what: string, why: string): void {
    this.#isIncomplete = true
    this.#note(what, `${why}; the flag comes switched off`)
  }

  #note(what: string, why: string): void {
    this.notCarried.push({ flag: this.#key, what, why })
  }

  #isExperiment(): boolean {
    const { fallthrough, rules = [] } = this.#given
    return [fallthrough, ...rules].some(one => one?.rollout?.kind === 'experiment')
  }

  #noteWhatIsKeptElsewhere(): void {
    const { debugEventsUntilDate, trackEventsFallthrough, trackEvents, rules = [] } = this.#given
    const given = this.#given as Readonly<Record<string, unknown>>
    if (debugEventsUntilDate) this.#note('debugEventsUntilDate', 'there are no events for debugging here')
    if (
      trackEventsFallthrough === true ||
      (trackEvents === true && !this.#isExperiment()) ||
      rules.some(rule => rule.trackEvents)
    )
      this.#note('trackEvents', 'single evaluations are not recorded here; experiments record whom they assign')
    for (const name of ['migration', 'samplingRatio', 'excludeFromSummaries'])
      if (given[name]) this.#note(name, 'there is no such setting here')
  }
}

const exposed = (share: number): FlagExposure => ({ share, cohorts: [], shadow: false })

/** A split into those who have a variant and, behind them, those who have the off variant is a share. */
function shareOf(
  serve: Extract<Serve, { split: unknown }>,
  offVariant: string,
): Pick<FlagDefinition, 'onVariant' | 'exposure'> | null {
  const { split, by, seed, experiment } = serve
  const [first, second] = split
  const isShare =
    split.length === 2 && second?.variant === offVariant && first !== undefined && first.variant !== offVariant
  if (!isShare || by !== null || seed !== null || experiment) return null
  return { onVariant: first.variant, exposure: exposed(first.weight / weightTotal) }
}
