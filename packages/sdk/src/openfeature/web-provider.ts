import {
  type EvaluationContext,
  type JsonValue,
  OpenFeatureEventEmitter,
  type Provider,
  ProviderEvents,
  type ResolutionDetails,
} from '@openfeature/web-sdk'
import type { ClientOptions } from '../client-options.ts'
import type { DankaiClient } from '../dankai-client.ts'
import { LocalProvider } from './local-provider.ts'
import type { ProviderOptions } from './provider-life.ts'
import { resolveFlag } from './resolve-flag.ts'

/** OpenFeature for browsers over the streaming client: a new context needs no request, because evaluation is local. */
export class DankaiWebProvider extends LocalProvider implements Provider {
  readonly runsOn = 'client'
  readonly events: OpenFeatureEventEmitter

  /** A client that is given is closed with the provider. */
  constructor(given: DankaiClient | ClientOptions, options: ProviderOptions = {}) {
    const events = new OpenFeatureEventEmitter()
    super(given, options, {
      ready: () => events.emit(ProviderEvents.Ready),
      stale: message => events.emit(ProviderEvents.Stale, { message }),
      error: message => events.emit(ProviderEvents.Error, { message }),
      changed: flags => events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged: [...flags] }),
    })
    this.events = events
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

  #resolve<Value extends JsonValue>(
    key: string,
    fallback: Value,
    context: EvaluationContext,
  ): ResolutionDetails<Value> {
    return resolveFlag(this.client, key, fallback, context)
  }
}
