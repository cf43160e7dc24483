/**
 * Conditions put together with "all", "any" and "not", over whatever a format's single conditions are.
 *
 * Negation is kept at the leaves, so that a format needs to know only how a single condition is turned round.
 */
export type Expression<Leaf> =
  | { readonly kind: 'all'; readonly of: readonly Expression<Leaf>[] }
  | { readonly kind: 'any'; readonly of: readonly Expression<Leaf>[] }
  | { readonly kind: 'leaf'; readonly leaf: Leaf; readonly negated: boolean }

export interface Literal<Leaf> {
  readonly leaf: Leaf
  readonly negated: boolean
}

export const always: Expression<never> = { kind: 'all', of: [] }
export const never: Expression<never> = { kind: 'any', of: [] }

export const isAlways = (expression: Expression<unknown>): boolean =>
  expression.kind === 'all' && expression.of.length === 0
export const isNever = (expression: Expression<unknown>): boolean =>
  expression.kind === 'any' && expression.of.length === 0

export function leaf<Leaf>(found: Leaf, negated = false): Expression<Leaf> {
  return { kind: 'leaf', leaf: found, negated }
}

export function all<Leaf>(parts: readonly Expression<Leaf>[]): Expression<Leaf> {
  const of = parts.flatMap(part => (part.kind === 'all' ? part.of : [part]))
  if (of.some(isNever)) return never
  return of.length === 1 ? of[0]! : { kind: 'all', of }
}

export function any<Leaf>(parts: readonly Expression<Leaf>[]): Expression<Leaf> {
  const of = parts.flatMap(part => (part.kind === 'any' ? part.of : [part]))
  if (of.some(isAlways)) return always
  return of.length === 1 ? of[0]! : { kind: 'any', of }
}

export function not<Leaf>(expression: Expression<Leaf>): Expression<Leaf> {
  switch (expression.kind) {
    case 'all':
      return any(expression.of.map(not))
    case 'any':
      return all(expression.of.map(not))
    case 'leaf':
      return { ...expression, negated: !expression.negated }
  }
}

/** Any one of these lists, all of which must hold; null when there would be more than `most` of them. */
export function alternativesOf<Leaf>(
  expression: Expression<Leaf>,
  most: number,
): readonly (readonly Literal<Leaf>[])[] | null {
  switch (expression.kind) {
    case 'leaf':
      return [[{ leaf: expression.leaf, negated: expression.negated }]]
    case 'any': {
      const found: (readonly Literal<Leaf>[])[] = []
      for (const part of expression.of) {
        const more = alternativesOf(part, most)
        if (more === null || found.length + more.length > most) return null
        found.push(...more)
      }
      return found
    }
    case 'all': {
      let found: readonly (readonly Literal<Leaf>[])[] = [[]]
      for (const part of expression.of) {
        const more = alternativesOf(part, most)
        if (more === null || found.length * more.length > most) return null
        found = found.flatMap(one => more.map(other => [...one, ...other]))
      }
      return found
    }
  }
}
