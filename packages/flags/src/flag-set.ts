/**
 * Flags that know each other: what a client evaluates with.
 *
 * 1. A prerequisite always leads to the present definition of its flag, or to none when that was deleted.
 * 2. A flag that asks for itself, by whatever way round, or whose prerequisites come to more than 1,000 evaluations,
 *    serves its off variant with PARSE_ERROR until a change ends that.
 * 3. Flags changed one by one are as if they had been given all at once.
 * 4. What was found stays usable: a flag deleted meanwhile answers as it last stood.
 */
import { brokenFlag, type CompiledFlag, compileFlag } from './compile-flag.ts'
import type { StoredFlagDefinition } from './flag-definition.ts'
import { checkReferences } from './reference-check.ts'

const evaluationsMax = 1_000

export class FlagSet {
  /** By themselves, without regard to others. */
  readonly #compiled = new Map<string, CompiledFlag>()
  readonly #served = new Map<string, CompiledFlag>()
  /** Keys of the flags that have prerequisites: all that linking has to look at. */
  readonly #asking = new Set<string>()
  readonly #askedFor = new Set<string>()

  /** Of two definitions with one key the last counts. */
  constructor(definitions: Iterable<StoredFlagDefinition> = []) {
    for (const definition of definitions) this.#place(definition)
    this.#link()
  }

  find(key: string): CompiledFlag | undefined {
    return this.#served.get(key)
  }

  all(): readonly CompiledFlag[] {
    return [...this.#served.values()]
  }

  /** Puts a flag in, or in the place of the one with its key. */
  put(definition: StoredFlagDefinition): void {
    this.#place(definition)
    this.#linkIfNamed(definition.key)
  }

  delete(key: string): void {
    this.#compiled.delete(key)
    this.#served.delete(key)
    this.#asking.delete(key)
    this.#linkIfNamed(key)
  }

  /** Flags whose answer may change with one of these: those that ask for it, whatever the number of steps between. */
  askingFor(keys: readonly string[]): readonly string[] {
    if (!keys.some(key => this.#askedFor.has(key))) return []
    const references = [...this.#references()]
    const reached = new Set(keys)
    const found = new Set<string>()
    for (let news: readonly string[] = keys; news.length > 0; ) {
      const asked = new Set(news)
      news = references.flatMap(([key, others]) =>
        !reached.has(key) && others.some(other => asked.has(other)) ? [key] : [],
      )
      for (const key of news) {
        reached.add(key)
        found.add(key)
      }
    }
    return [...found]
  }

  #place(definition: StoredFlagDefinition): void {
    const flag = compileFlag(definition)
    const { key } = definition
    this.#compiled.set(key, flag)
    this.#served.set(key, flag)
    if (flag.prerequisites.length > 0) this.#asking.add(key)
    else this.#asking.delete(key)
  }

  /** Most flags neither ask nor are asked for, and change nothing for others. */
  #linkIfNamed(key: string): void {
    if (this.#asking.has(key) || this.#askedFor.has(key)) this.#link()
  }

  #link(): void {
    const references = this.#references()
    const { circular, costly } = checkReferences(references, evaluationsMax)
    this.#askedFor.clear()
    for (const [key, asked] of references) {
      for (const other of asked) this.#askedFor.add(other)
      this.#served.set(key, this.#sound(key, circular, costly))
    }
    for (const key of references.keys()) {
      for (const prerequisite of this.#compiled.get(key)!.prerequisites)
        prerequisite.flag = this.#served.get(prerequisite.key) ?? null
    }
  }

  /** Every flag that asks, also one that is off: a circle is a mistake before it is switched on. */
  #references(): ReadonlyMap<string, readonly string[]> {
    const asked = (key: string): readonly string[] =>
      this.#compiled.get(key)!.prerequisites.map(({ key: other }) => other)
    return new Map([...this.#asking].map(key => [key, asked(key)]))
  }

  #sound(key: string, circular: ReadonlySet<string>, costly: ReadonlySet<string>): CompiledFlag {
    const flag = this.#compiled.get(key)!
    if (!circular.has(key) && !costly.has(key)) return flag
    const found = circular.has(key) ? 'a circle back to this flag' : `more than ${evaluationsMax} evaluations`
    const message = `Cannot evaluate flag "${key}": prerequisites: found ${found}, expected none.`
    return brokenFlag(flag.definition, [{ path: 'prerequisites', message }])
  }
}
