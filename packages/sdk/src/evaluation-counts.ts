/** How often each variant of each flag was served since it was last taken: what hygiene needs to know who still asks. */
export class EvaluationCounts {
  readonly #counts = new Map<string, Map<string, number>>()

  /** Only flags that are known are counted, so that names a caller makes up take no memory. */
  count(flag: string, variant: string): void {
    let variants = this.#counts.get(flag)
    if (variants === undefined) {
      variants = new Map()
      this.#counts.set(flag, variants)
    }
    variants.set(variant, (variants.get(variant) ?? 0) + 1)
  }

  /** At most so many; what is left is taken the next time. */
  take(most: number): { readonly flag: string; readonly variant: string; readonly count: number }[] {
    const taken = []
    for (const [flag, variants] of this.#counts) {
      for (const [variant, count] of variants) {
        if (taken.length === most) return taken
        taken.push({ flag, variant, count })
        variants.delete(variant)
      }
      this.#counts.delete(flag)
    }
    return taken
  }
}
