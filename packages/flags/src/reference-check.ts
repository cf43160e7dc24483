/**
 * Things that ask for others: which of them have no answer, and which ask for too much?
 *
 * What asks for itself, by whatever way round, has no answer. And without any circle ten things that each ask ten times
 * for the next come to ten thousand million. Both are found before anything is asked.
 */
export type References = ReadonlyMap<string, readonly string[]>

export interface ReferenceFindings {
  /** In a circle, or on a way from one circle to another. */
  readonly circular: ReadonlySet<string>
  /** Asking comes to more than was allowed: 1 for itself, and what each it asks for comes to. */
  readonly costly: ReadonlySet<string>
}

/** A name that is not among the references asks for nothing. */
export function checkReferences(references: References, costMax: number): ReferenceFindings {
  const askedBy = reversed(references)
  const left = new Set(references.keys())
  const settled = strip(left, references, askedBy)
  const askingCircles = strip(left, askedBy, references).toReversed()
  return { circular: left, costly: costlyAmong([...settled, ...askingCircles], references, costMax) }
}

function reversed(references: References): References {
  const askedBy = new Map<string, string[]>([...references.keys()].map(name => [name, []]))
  for (const [name, asked] of references) for (const other of new Set(asked)) askedBy.get(other)?.push(name)
  return askedBy
}

/** Takes out, one after another, those with no edge to any that is left; gives them in that order. */
function strip(left: Set<string>, edges: References, backEdges: References): string[] {
  const counts = new Map([...left].map(name => [name, countIn(left, edges.get(name))]))
  const taken = [...left].filter(name => counts.get(name) === 0)
  for (const name of taken) {
    left.delete(name)
    for (const other of new Set(backEdges.get(name))) {
      if (!left.has(other)) continue
      const count = counts.get(other)! - 1
      counts.set(other, count)
      if (count === 0) taken.push(other)
    }
  }
  return taken
}

const countIn = (left: ReadonlySet<string>, names: readonly string[] = []): number =>
  [...new Set(names)].filter(name => left.has(name)).length

/** Those that have no answer, or are too costly, are answered at once when others ask for them, as is who asks nobody. */
function costlyAmong(ordered: readonly string[], references: References, costMax: number): ReadonlySet<string> {
  const costs = new Map<string, number>()
  const costly = new Set<string>()
  for (const name of ordered) {
    const cost = (references.get(name) ?? []).reduce((sum, other) => sum + (costs.get(other) ?? 1), 1)
    if (cost > costMax) costly.add(name)
    costs.set(name, cost > costMax ? 1 : cost)
  }
  return costly
}
