/**
 * Clients that hear values and not rules, so each is evaluated for itself.
 *
 *  1. A change is evaluated in slices, between which the process does everything else: a lowering never waits for the
 *     values of thousands.
 *  2. A client is told what is served when its turn comes, so of several changes it hears the newest state alone.
 *  3. A version that changes nothing of the view is told to nobody.
 */
import type { ServedView } from '../../serving/served-view.ts'

/** A tenth of what a change has to reach everybody. */
const sliceMs = 5

type Tell = () => void

export class ValueFollowers {
  readonly #sliceMs: number
  readonly #followers = new Map<ServedView, Set<Tell>>()
  readonly #unsubscribes: (() => void)[] = []
  /** In the order in which they are told. */
  readonly #waiting = new Set<Tell>()
  #turn: NodeJS.Immediate | null = null

  constructor(givenSliceMs = sliceMs) {
    this.#sliceMs = givenSliceMs
  }

  /** Tells in turn after each change, until the returned function is called. */
  follow(view: ServedView, tell: Tell): () => void {
    const followers = this.#followersOf(view)
    followers.add(tell)
    return () => {
      followers.delete(tell)
      this.#waiting.delete(tell)
    }
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribes.splice(0)) unsubscribe()
    if (this.#turn !== null) clearImmediate(this.#turn)
    this.#waiting.clear()
  }

  #followersOf(view: ServedView): Set<Tell> {
    const known = this.#followers.get(view)
    if (known !== undefined) return known
    const followers = new Set<Tell>()
    this.#followers.set(view, followers)
    const unsubscribe = view.subscribe(({ kind }) => kind !== 'passed' && this.#tellSoon(followers))
    this.#unsubscribes.push(unsubscribe)
    return followers
  }

  #tellSoon(followers: ReadonlySet<Tell>): void {
    for (const tell of followers) this.#waiting.add(tell)
    if (this.#waiting.size > 0) this.#turn ??= setImmediate(() => this.#tellSlice())
  }

  #tellSlice(): void {
    const endsAt = performance.now() + this.#sliceMs
    for (const tell of this.#waiting) {
      this.#waiting.delete(tell)
      tell()
      if (performance.now() >= endsAt) break
    }
    this.#turn = this.#waiting.size === 0 ? null : setImmediate(() => this.#tellSlice())
  }
}
