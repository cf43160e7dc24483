import {
  type ClientEvaluation,
  type ClientOptions,
  createDankaiClient,
  type DankaiClient,
  type EvaluationContext,
} from '@dankai/sdk'

/** A screen shows its defaults rather than wait longer. */
const readyWithinMs = 5_000

/**
 * The flag service of the documents' app, for a page or an app that runs TypeScript: the same calls with the same
 * answers before it is initialised. The key is one of kind sdk-client, which may be seen by users.
 */
export class FeatureFlagService {
  static readonly newBookingFlow = 'new-booking-flow'
  static readonly aiTripSuggestions = 'ai-trip-suggestions'
  static readonly darkModeEnabled = 'dark-mode-enabled'
  static readonly #instances = new Map<string, FeatureFlagService>()

  /** One for each server and key, however often it is asked for. */
  static instance(options: ClientOptions): FeatureFlagService {
    const place = placeOf(options)
    const known = FeatureFlagService.#instances.get(place) ?? new FeatureFlagService(options)
    FeatureFlagService.#instances.set(place, known)
    return known
  }

  readonly #options: ClientOptions
  readonly #listeners = new Set<{ flag: string; last: string; callback: (found: ClientEvaluation) => void }>()
  #client: DankaiClient | null = null
  #context: EvaluationContext = {}

  private constructor(options: ClientOptions) {
    this.#options = options
  }

  /** Resolves when the flags are there; rejects after a few seconds, and is up to date later all the same. */
  async initialize(userId: string, { email }: { readonly email?: string } = {}): Promise<void> {
    this.#context = contextOf(userId, { email: email ?? '' })
    this.#client ??= this.#open()
    await this.#client.ready(readyWithinMs)
  }

  isEnabled(flag: string, { defaultValue = false }: { readonly defaultValue?: boolean } = {}): boolean {
    return this.#client?.isEnabled(flag, this.#context, defaultValue) ?? defaultValue
  }

  getStringVariation(flag: string, defaultValue: string): string {
    return this.#client?.evaluate(flag, this.#context, defaultValue).value ?? defaultValue
  }

  /** Calls back when the flag serves this user something else. */
  addFlagChangeListener(flag: string, callback: (found: ClientEvaluation) => void): void {
    this.#listeners.add({ flag, last: this.#served(flag), callback })
  }

  async identify(
    userId: string,
    { attributes = {} }: { readonly attributes?: Readonly<Record<string, unknown>> } = {},
  ) {
    this.#context = contextOf(userId, attributes)
    this.#tell()
  }

  async dispose(): Promise<void> {
    const client = this.#client
    this.#client = null
    FeatureFlagService.#instances.delete(placeOf(this.#options))
    await client?.close()
  }

  #open(): DankaiClient {
    const client = createDankaiClient(this.#options)
    client.on('change', () => this.#tell())
    return client
  }

  #served(flag: string): string {
    return JSON.stringify(this.#client?.evaluate(flag, this.#context, null).value ?? null)
  }

  #tell(): void {
    for (const listener of this.#listeners) {
      const served = this.#served(listener.flag)
      if (served === listener.last || this.#client === null) continue
      listener.last = served
      listener.callback(this.#client.evaluate(listener.flag, this.#context, null))
    }
  }
}

const placeOf = ({ url, key }: ClientOptions): string => `${url} ${key}`

/** A context of kind user, with what the surroundings say of themselves, as automatic attributes do. */
function contextOf(userId: string, attributes: Readonly<Record<string, unknown>>): EvaluationContext {
  const { language = '', userAgent = '' } = globalThis.navigator ?? {}
  return { device: { language, userAgent }, ...attributes, kind: 'user', targetingKey: userId }
}

/** What the booking screen shows. */
export function bookingScreenOf(flags: FeatureFlagService): 'NewBookingFlowWidget' | 'LegacyBookingFlowWidget' {
  return flags.isEnabled(FeatureFlagService.newBookingFlow) ? 'NewBookingFlowWidget' : 'LegacyBookingFlowWidget'
}
