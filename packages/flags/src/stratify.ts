/**
 * Thresholds for a sample with quotas: 15 % of a segment, of which half from 東京, 30 % new users …
 *
 * The quotas of several attributes are independent marginals, so a stratum is a combination of values and its quota the
 * product of theirs. Each stratum's threshold is `min(1, λ × quota / population)`, with λ such that the strata
 * together are the share asked for.
 *
 * 1. A stratum that is too small for its quota is taken whole, and the others fill up in proportion to their quotas.
 * 2. No threshold falls when the share rises (λ rises with it), so growing a sample takes nobody out.
 * 3. A stratum with quota 0 stays out, also when that leaves the sample short; `share` says what is reached.
 */
import type { Stratum } from './flag-definition.ts'

/** Attribute -> value -> its part, adding up to 1 per attribute. */
export type Parts = Readonly<Record<string, Readonly<Record<string, number>>>>

export interface SampleDesign {
  /** Share of the segment, 0 to 1. */
  readonly share: number
  /** What the sample shall consist of. */
  readonly quotas: Parts
  /** What the segment consists of; the same attributes and values as `quotas`. */
  readonly population: Parts
  /** The value that stands for every value not named: その他. */
  readonly rest?: string
}

export interface Stratification {
  /** For `FlagCohort.mix`: the named values before the rest. */
  readonly strata: readonly Stratum[]
  /** Share of the segment that is reached; less than asked for when strata with quotas run out of people. */
  readonly share: number
  /** What the sample consists of in the end. */
  readonly parts: Parts
}

interface Cell {
  readonly values: Readonly<Record<string, string>>
  readonly quota: number
  readonly population: number
}

const strataMax = 1_000

export function stratify({ share, quotas, population, rest }: SampleDesign): Stratification {
  const cells = cellsOf(quotas, population)
  const lambda = lambdaFor(share, cells)
  const thresholds = cells.map(cell => thresholdOfCell(cell, lambda))
  const reached = cells.reduce((total, cell, index) => total + cell.population * thresholds[index]!, 0)
  const strata = cells.map(({ values }, index) => ({ where: whereOf(values, rest), share: thresholds[index]! }))
  return {
    strata: strata.toSorted((one, other) => Object.keys(other.where).length - Object.keys(one.where).length),
    share: reached,
    parts: partsOf(quotas, cells, thresholds, reached),
  }
}

function cellsOf(quotas: Parts, population: Parts): Cell[] {
  let cells: Cell[] = [{ values: {}, quota: 1, population: 1 }]
  for (const [attribute, parts] of Object.entries(quotas)) {
    const values = Object.entries(parts)
    if (cells.length * values.length > strataMax) {
      throw new RangeError(`Cannot stratify by "${attribute}": found more than ${strataMax} combinations of values`)
    }
    cells = cells.flatMap(cell =>
      values.map(([value, quota]) => ({
        values: { ...cell.values, [attribute]: value },
        quota: cell.quota * quota,
        population: cell.population * (population[attribute]?.[value] ?? 0),
      })),
    )
  }
  return cells
}

/** Takes the strata that fill up first out of the sum, one by one, until the others can share what is left. */
function lambdaFor(share: number, cells: readonly Cell[]): number {
  const filling = cells.filter(({ quota }) => quota > 0).sort((one, other) => fullAt(one) - fullAt(other))
  let shareLeft = share
  let quotaLeft = filling.reduce((total, { quota }) => total + quota, 0)
  for (const cell of filling) {
    if (shareLeft < fullAt(cell) * quotaLeft) return shareLeft / quotaLeft
    shareLeft -= cell.population
    quotaLeft -= cell.quota
  }
  return Number.POSITIVE_INFINITY
}

const fullAt = ({ quota, population }: Cell): number => population / quota

function thresholdOfCell(cell: Cell, lambda: number): number {
  if (cell.quota === 0) return 0
  return lambda >= fullAt(cell) ? 1 : lambda / fullAt(cell)
}

/** The rest is whoever matches none of the strata before, so it sets no condition. */
function whereOf(values: Readonly<Record<string, string>>, rest: string | undefined): Stratum['where'] {
  const named = Object.entries(values).filter(([, value]) => value !== rest)
  return Object.fromEntries(named.map(([attribute, value]) => [attribute, [value]]))
}

function partsOf(quotas: Parts, cells: readonly Cell[], thresholds: readonly number[], reached: number): Parts {
  const partOf = (attribute: string, value: string): number => {
    const within = cells.map(({ values, population }, index) =>
      values[attribute] === value ? population * thresholds[index]! : 0,
    )
    return reached === 0 ? 0 : within.reduce((total, part) => total + part, 0) / reached
  }
  return Object.fromEntries(
    Object.entries(quotas).map(([attribute, values]) => [
      attribute,
      Object.fromEntries(Object.keys(values).map(value => [value, partOf(attribute, value)])),
    ]),
  )
}
