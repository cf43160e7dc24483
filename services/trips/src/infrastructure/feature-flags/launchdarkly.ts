/**
 * The flag service of the documents, over LaunchDarkly's own client.
 *
 * 1. No call fails: on any error it is logged and the caller's own default is the answer.
 * 2. The client is loaded and opened by the first question: a service that asks elsewhere does not pay for it.
 */
import type { LDClient, LDUser } from '@launchdarkly/node-server-sdk'
import { log } from '../../process/log.ts'
import type { FlagClient } from './flag-client.ts'

export interface UserContext {
  readonly key: string
  readonly email?: string
  readonly name?: string
  readonly custom?: {
    readonly plan?: string
    readonly country?: string
    readonly signupDate?: string
    readonly deviceType?: string
  }
}

export interface ExperimentVariant {
  readonly variant: string
  readonly inExperiment: boolean
}

/** A request must not wait longer than this for flags that are not coming; afterwards the default is its answer. */
const READY_SECONDS = 2

export class FeatureFlagService {
  readonly #connect: () => FlagClient | Promise<FlagClient>
  readonly #logError: (message: string, error: unknown) => void
  #opening: Promise<FlagClient> | null = null

  constructor(
    connect: () => FlagClient | Promise<FlagClient> = () => connectLaunchDarkly(process.env),
    logError = (message: string, error: unknown) => log('error', message, { cause: `${error}` }),
  ) {
    this.#connect = connect
    this.#logError = logError
  }

  isEnabled(flag: string, user: UserContext, defaultValue = false): Promise<boolean> {
    return this.getVariation(flag, user, defaultValue)
  }

  getVariation<T>(flag: string, user: UserContext, defaultValue: T): Promise<T> {
    return this.#ask(flag, client => client.variation(flag, this.#toLDUser(user), defaultValue), defaultValue)
  }

  getExperimentVariant(flag: string, user: UserContext): Promise<ExperimentVariant> {
    const ask = async (client: FlagClient): Promise<ExperimentVariant> => {
      const { value, reason } = await client.variationDetail(flag, this.#toLDUser(user), 'control')
      return { variant: value, inExperiment: reason?.inExperiment ?? false }
    }
    return this.#ask(flag, ask, { variant: 'control', inExperiment: false })
  }

  async close(): Promise<void> {
    const opening = this.#opening
    this.#opening = null
    await (await opening?.catch(() => null))?.close?.()
  }

  async #ask<T>(flag: string, ask: (client: FlagClient) => Promise<T>, defaultValue: T): Promise<T> {
    try {
      const client = await this.#open()
      await client.waitForInitialization({ timeout: READY_SECONDS })
      return await ask(client)
    } catch (error) {
      this.#logError(`Feature flag error for ${flag}:`, error)
      return defaultValue
    }
  }

  /** A client that could not be opened is tried again by the next question. */
  #open(): Promise<FlagClient> {
    this.#opening ??= Promise.resolve()
      .then(() => this.#connect())
      .catch(error => {
        this.#opening = null
        throw error
      })
    return this.#opening
  }

  #toLDUser({ key, email, name, custom }: UserContext): LDUser {
    return {
      key,
      ...(email === undefined ? {} : { email }),
      ...(name === undefined ? {} : { name }),
      ...(custom === undefined ? {} : { custom: { ...custom } }),
    }
  }
}

/**
 * The official client, for LaunchDarkly or for whoever speaks its protocol: `LAUNCHDARKLY_URL` is Dankai's address with
 * `/launchdarkly`.
 */
export async function connectLaunchDarkly(environment: NodeJS.ProcessEnv): Promise<LDClient> {
  const { LAUNCHDARKLY_SDK_KEY, LAUNCHDARKLY_URL } = environment
  if (LAUNCHDARKLY_SDK_KEY === undefined)
    throw new Error('Cannot open flags: found no LAUNCHDARKLY_SDK_KEY, expected an SDK key. Set it.')
  const { basicLogger, init } = await import('@launchdarkly/node-server-sdk')
  // On stderr, because stdout belongs to the lines that other processes read.
  const logger = basicLogger({ level: 'info', destination: line => void process.stderr.write(`${line}\n`) })
  const url = LAUNCHDARKLY_URL
  const addresses = url === undefined ? {} : { baseUri: url, streamUri: url, eventsUri: url }
  return init(LAUNCHDARKLY_SDK_KEY, { logger, ...addresses })
}

export const featureFlags = new FeatureFlagService()
