/**
 * Which users were given which variants of experiments, and what they did, until it is taken.
 *
 * 1. A user's exposure to a variant is told once for as long as it is remembered: the newest `rememberedMax` to twice as
 *    many. Telling it again would do no harm; remembering everybody would.
 * 2. Nothing here throws: what does not fit is counted in `dropped`.
 */
export interface ExposureEvent {
  readonly kind: 'exposure'
  readonly flag: string
  readonly variant: string
  readonly user: string
  readonly at: number
}

export interface OutcomeEvent {
  readonly kind: 'outcome'
  readonly event: string
  readonly user: string
  readonly at: number
  readonly value: number
}

export type UserEvent = ExposureEvent | OutcomeEvent

/** Some ten megabytes of names at most. */
const rememberedMax = 50_000
/** Far more than a service has new users between two reports. */
const waitingMax = 20_000
/** What the server takes. */
const userLengthMax = 2_048
const nameLengthMax = 200
const valueMax = 1e15

export class UserEvents {
  #waiting: UserEvent[] = []
  #recent = new Set<string>()
  #before = new Set<string>()
  #dropped = 0

  get dropped(): number {
    return this.#dropped
  }

  expose(flag: string, variant: string, user: unknown, at: number): void {
    if (!isUser(user)) return
    const key = `${flag}\0${variant}\0${user}`
    if (this.#recent.has(key)) return
    const isKnown = this.#before.has(key)
    this.#remember(key)
    if (!isKnown) this.#add({ kind: 'exposure', flag, variant, user, at })
  }

  note(event: string, user: unknown, value: number, at: number): void {
    if (isUser(user) && isName(event) && Math.abs(value) <= valueMax)
      this.#add({ kind: 'outcome', event, user, at, value })
    else this.#dropped++
  }

  take(): readonly UserEvent[] {
    const taken = this.#waiting
    this.#waiting = []
    return taken
  }

  #add(event: UserEvent): void {
    if (this.#waiting.length < waitingMax) this.#waiting.push(event)
    else this.#dropped++
  }

  /** Two generations: the older one goes as a whole, so that nothing has to be ordered by its last use. */
  #remember(key: string): void {
    if (this.#recent.size >= rememberedMax) {
      this.#before = this.#recent
      this.#recent = new Set()
    }
    this.#recent.add(key)
  }
}

/** As the server takes them: exposures first, because an outcome counts for exposures that are known. */
export function userEventsBody(events: readonly UserEvent[]): { exposures: object[]; outcomes: object[] } {
  const exposures: object[] = []
  const outcomes: object[] = []
  for (const { kind, ...event } of events) (kind === 'exposure' ? exposures : outcomes).push(event)
  return { exposures, outcomes }
}

const isUser = (user: unknown): user is string =>
  typeof user === 'string' && user !== '' && user.length <= userLengthMax

const isName = (name: unknown): boolean => typeof name === 'string' && name !== '' && name.length <= nameLengthMax
