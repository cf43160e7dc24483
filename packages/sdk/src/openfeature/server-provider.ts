import {
  type EvaluationContext,
  type JsonValue,
  OpenFeatureEventEmitter,
  type Provider,
  ProviderEvents,
  type ResolutionDetails,
  type TrackingEventDetails,
} from '@openfeature/server-sdk'
import type { ClientOptions } from '../client-options.ts'
import type { DankaiClient } from '../dankai-client.ts'
import { ProviderLife, type ProviderOptions } from './provider-life.ts'
import { resolveFlag, trackEvent } from './resolve-flag.ts'

/** OpenFeature for servers over the streaming client: every evaluation is local. */
export class DankaiServerProvider implements Provider {
  readonly metadata = { name: 'dankai' } as const
  readonly runsOn = 'server'
  readonly events = new OpenFeatureEventEmitter()
  readonly #life: ProviderLife

  /** A client that is given is closed with the provider. */
  constructor(given: DankaiClient | ClientOptions, options: ProviderOptions = {}) {
    const { events } = this
    this.#life = new ProviderLife(given, options, {
      ready: () => events.emit(ProviderEvents.Ready),
      stale: message => events.emit(ProviderEvents.Stale, { message }),
      error: message => events.emit(ProviderEvents.Error, { message }),
      changed: flags => events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged: [...flags] }),
    })
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

  resolveBooleanEvaluation(key: string, fallback: boolean, context: EvaluationContext) {
    return this.#resolve(key, fallback, context)
  }

  resolveStringEvaluation(key: string, fallback: string, context: EvaluationContext) {
    return this.#resolve(key, fallback, context)
  }

  resolveNumberEvaluation(key: string, fallback: number, context: EvaluationContext) {
    return this.#resolve(key, fallback, context)
  }

  resolveObjectEvaluation<Value extends JsonValue>(key: string, fallback: Value, context: EvaluationContext) {
    return this.#resolve(key, fallback, context)
  }

  track(event: string, context: EvaluationContext, details: TrackingEventDetails): void {
    trackEvent(this.client, event, context, details)
  }

  async #resolve<Value extends JsonValue>(
    key: string,
    fallback: Value,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<Value>> {
    return resolveFlag(this.client, key, fallback, context)
  }
}
