/**
 * The name under which this process owns releases. Commands are claimed under the name of the process itself, which is
 * never given up and beats as long as the process lives; so it is never a name for releases.
 *
 * A claim whose answer was lost may have been written: then this process owns a release it does not hold, and while the
 * name lives nobody would ever look for it. So the name is given up for a new one. Whatever is owned by the old one
 * counts as left by the dead a few seconds later, and is claimed again, by this process or another.
 */
export class OwnerName {
  readonly #instance: string
  #renewals = 0

  constructor(instance: string) {
    this.#instance = instance
  }

  get current(): string {
    return `${this.#instance}~${this.#renewals}`
  }

  /** Names that have to beat: the owner of releases, and that of commands, which is never given up. */
  get living(): readonly string[] {
    return [this.#instance, this.current]
  }

  renew(): void {
    this.#renewals++
  }
}
