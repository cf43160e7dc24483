import type { EvaluationContext, TrackingEventDetails } from '@openfeature/core'
import type { ClientOptions } from '../client-options.ts'
import type { DankaiClient } from '../dankai-client.ts'
import { ProviderLife, type ProviderOptions, type ProviderVoice } from './provider-life.ts'
import { trackEvent } from './resolve-flag.ts'

/** What the providers for servers and for browsers share; OpenFeature wants promises of the one and values of the other. */
export abstract class LocalProvider {
  readonly metadata = { name: 'dankai' } as const
  readonly #life: ProviderLife

  /** A client that is given is closed with the provider. */
  constructor(given: DankaiClient | ClientOptions, options: ProviderOptions, voice: ProviderVoice) {
    this.#life = new ProviderLife(given, options, voice)
  }

  get client(): DankaiClient {
    return this.#life.client
  }

  initialize(): Promise<void> {
    return this.#life.initialize()
  }

  onClose(): Promise<void> {
    return this.#life.close()
  }

  track(event: string, context: EvaluationContext, details: TrackingEventDetails): void {
    trackEvent(this.client, event, context, details)
  }
}
