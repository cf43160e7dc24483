/**
 * Flags that know each other: what a client evaluates with.
 *
 * 1. A prerequisite always leads to the present definition of its flag, or to none when that was deleted.
 * 2. A flag that asks for itself, by whatever way round, or whose prerequisites come to more than 1,000 evaluations,
 *    serves its off variant with PARSE_ERROR until a change ends that.
 * 3. Flags changed one by one are as if they had been given all at once.
 * 4. What was found stays usable: a flag deleted meanwhile answers as it last stood.
 * 5. A flag is compiled when it is first asked for: of the thousands of an environment a service asks for a few.
 */
import { checkFlag, type FlagProblem } from './check-flag.ts'
import { brokenFlag, type CompiledFlag, compileFlag } from './compile-flag.ts'
import type { StoredFlagDefinition } from './flag-definition.ts'
import { checkReferences } from './reference-check.ts'

const evaluationsMax = 1_000

interface Entry {
  readonly definition: StoredFlagDefinition
  /** Null until it is asked for, or asks for others. */
  alone: CompiledFlag | null
  /** With regard to others; null as long as `alone` is. */
  served: CompiledFlag | null
}

export class FlagSet {
  readonly #entries = new Map<string, Entry>()
  /** Keys of the flags that have prerequisites: all that linking has to look at. */
  readonly #asking = new Set<string>()
  readonly #askedFor = new Set<string>()

  /** Of two definitions with one key the last counts. */
  constructor(definitions: Iterable<StoredFlagDefinition> = []) {
    for (const definition of definitions) this.#place(definition)
    this.#link()
  }

  find(key: string): CompiledFlag | undefined {
    const entry = this.#entries.get(key)
    return entry === undefined ? undefined : (entry.served ?? serveAlone(entry))
  }

  all(): readonly CompiledFlag[] {
    return [...this.#entries.values()].map(entry => entry.served ?? serveAlone(entry))
  }

  /** As they were given. */
  definitions(): readonly StoredFlagDefinition[] {
    return [...this.#entries.values()].map(({ definition }) => definition)
  }

  /** Why a flag serves its off variant to everybody; none of a flag that is not there. */
  problemsOf(key: string): readonly FlagProblem[] {
    const entry = this.#entries.get(key)
    return entry === undefined ? [] : (entry.served?.problems ?? checkFlag(entry.definition))
  }

  /** Puts a flag in, or in the place of the one with its key. */
  put(definition: StoredFlagDefinition): void {
    this.#place(definition)
    this.#linkIfNamed(definition.key)
  }

  delete(key: string): void {
    this.#entries.delete(key)
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
    const { key, prerequisites } = definition
    const entry: Entry = { definition, alone: null, served: null }
    this.#entries.set(key, entry)
    // What has the wrong shape is found when it is compiled, and asks for nothing.
    const asks = Array.isArray(prerequisites) && prerequisites.length > 0 && serveAlone(entry).prerequisites.length > 0
    if (asks) this.#asking.add(key)
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
      this.#entries.get(key)!.served = this.#sound(key, circular, costly)
    }
    for (const key of references.keys()) {
      for (const prerequisite of this.#alone(key).prerequisites) prerequisite.flag = this.find(prerequisite.key) ?? null
    }
  }

  /** Every flag that asks, also one that is off: a circle is a mistake before it is switched on. */
  #references(): ReadonlyMap<string, readonly string[]> {
    const asked = (key: string): readonly string[] => this.#alone(key).prerequisites.map(({ key: other }) => other)
    return new Map([...this.#asking].map(key => [key, asked(key)]))
  }

  #alone(key: string): CompiledFlag {
    return this.#entries.get(key)!.alone!
  }

  #sound(key: string, circular: ReadonlySet<string>, costly: ReadonlySet<string>): CompiledFlag {
    const flag = this.#alone(key)
    if (!circular.has(key) && !costly.has(key)) return flag
    const found = circular.has(key) ? 'a circle back to this flag' : `more than ${evaluationsMax} evaluations`
    const message = `Cannot evaluate flag "${key}": prerequisites: found ${found}, expected none.`
    return brokenFlag(flag.definition, [{ path: 'prerequisites', message }])
  }
}

function serveAlone(entry: Entry): CompiledFlag {
  entry.alone = compileFlag(entry.definition)
  entry.served = entry.alone
  return entry.alone
}
