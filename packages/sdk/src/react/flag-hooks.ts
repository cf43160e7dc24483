/**
 * Flags for React: the client and the user stand in a context, and hooks answer from what the client knows.
 *
 * A component renders again when what a flag serves may have changed. Nothing is fetched and nothing suspends: until
 * flags are known the fallback is the answer, on a server too.
 */
import type { EvaluationContext, JsonValue } from '@dankai/flags'
import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useMemo,
  useSyncExternalStore,
} from 'react'
import type { ClientEvaluation, ClientStatus, DankaiClient } from '../dankai-client.ts'
import { flagRevisionsOf } from './flag-revisions.ts'

export interface FlagProviderProps {
  readonly client: DankaiClient
  /** Whom the flags are for. The same object for the same user spares evaluations. */
  readonly context: EvaluationContext
  readonly children?: ReactNode
}

interface Provided {
  readonly client: DankaiClient
  readonly context: EvaluationContext
}

const FlagContext = createContext<Provided | null>(null)

export function FlagProvider({ client, context, children }: FlagProviderProps): ReactElement {
  const value = useMemo(() => ({ client, context }), [client, context])
  return createElement(FlagContext.Provider, { value }, children)
}

/** Is it on? A flag whose value is no boolean gives the fallback. */
export function useFlag(key: string, fallback = false): boolean {
  const { client, context } = useProvided('useFlag')
  useRevision(client)
  return client.isEnabled(key, context, fallback)
}

export function useVariation<Value extends JsonValue>(key: string, fallback: Value): Value {
  return useFlagDetails(key, fallback).value
}

/** The value with its variant, its reason, and whether the client still hears the control plane. */
export function useFlagDetails<Value extends JsonValue>(key: string, fallback: Value): ClientEvaluation<Value> {
  const { client, context } = useProvided('useFlagDetails')
  const revision = useRevision(client)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the revision stands for everything the client knows.
  return useMemo(() => client.evaluate(key, context, fallback), [client, context, revision, key, fallback])
}

export function useFlagStatus(): ClientStatus {
  const { client } = useProvided('useFlagStatus')
  useRevision(client)
  return client.status()
}

/** Tells what the user did, for the comparison of experiments. */
export function useTrack(): (event: string, value?: number) => void {
  const { client, context } = useProvided('useTrack')
  return useMemo(() => (event, value) => client.track(event, context, { value }), [client, context])
}

function useRevision(client: DankaiClient): number {
  const { subscribe, current } = flagRevisionsOf(client)
  return useSyncExternalStore(subscribe, current, current)
}

function useProvided(hook: string): Provided {
  const provided = useContext(FlagContext)
  if (provided === null)
    throw new Error(`Cannot use ${hook}: found no FlagProvider around the component, expected one.`)
  return provided
}
