/** Which part of a service's samples a table holds. */
export interface TableScope {
  /** Label names that somebody asks for, by name of series; null keeps every label. */
  readonly labelsOf: ReadonlyMap<string, LabelNames>
  /** Everything received from here on. */
  readonly completeFrom: number
  readonly keptMs: number
}

export type LabelNames = ReadonlySet<string> | null

export function coversLabels(known: LabelNames | undefined, wanted: LabelNames): boolean {
  if (known === undefined || (wanted === null && known !== null)) return false
  return known === null || wanted === null || [...wanted].every(label => known.has(label))
}

export function joinScopes(wanted: TableScope, known: TableScope | null): TableScope {
  if (known === null) return wanted
  return {
    labelsOf: joinLabels(wanted.labelsOf, known.labelsOf),
    completeFrom: Math.min(wanted.completeFrom, known.completeFrom),
    keptMs: Math.max(wanted.keptMs, known.keptMs),
  }
}

export function joinLabels(
  one: ReadonlyMap<string, LabelNames>,
  other: ReadonlyMap<string, LabelNames>,
): ReadonlyMap<string, LabelNames> {
  const joined = new Map(one)
  for (const [name, labels] of other) {
    const before = joined.get(name)
    joined.set(name, before === undefined ? labels : before && labels && new Set([...before, ...labels]))
  }
  return joined
}
