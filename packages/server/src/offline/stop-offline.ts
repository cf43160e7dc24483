/**
 * An emergency stop without a server, from connections held where the command runs (semantics G4).
 *
 *  1. For flags that is the database: the stop is written there. Servers that still reach the database hear of it at
 *     once and tell their SDKs; all others have it in force when they are back.
 *  2. Live releases of the plan are stopped with it, so that whoever runs them rolls back.
 *  3. What could not be reached is named, hand by hand; nothing is left out silently.
 */
import { randomUUID } from 'node:crypto'
import { flagKeyOf } from '@dankai/integrations'
import type { CompiledPlan } from '@dankai/plan'
import { createPostgresStore, type OverlayTarget, type Scope, type Store, StoreError } from '@dankai/store'
import { sdkForgottenAfterMs } from '../features/stream/stream-hub.ts'

export interface OfflineStop {
  readonly hands: readonly { readonly hand: string; readonly stopped: boolean; readonly detail: string }[]
  /** Live releases that were stopped. */
  readonly releases: readonly string[]
  readonly connected: number
  readonly acknowledged: number
  readonly silent: readonly { readonly sdk: string; readonly name: string }[]
}

export interface OfflineStopRequest extends Scope {
  readonly databaseUrl: string
  readonly plan: CompiledPlan
  readonly why: string
  readonly by: string
}

/** As long as a server waits before it answers; SDKs of servers that are away cannot say anything. */
const acknowledgedWithinMs = 1_500
const lookAgainMs = 50
const silentNamedMax = 100

/** Throws with a sentence when the database cannot be reached: then no flag was stopped. */
export async function stopOffline(request: OfflineStopRequest): Promise<OfflineStop> {
  const store = await openStore(request.databaseUrl)
  try {
    return await stopAll(store, request)
  } finally {
    await store.close()
  }
}

async function openStore(url: string): Promise<Store> {
  try {
    return await createPostgresStore({ url, migrate: false, poolSize: 2 })
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error)
    const detail = error instanceof StoreError && error.code !== 'unreachable' ? found : `found no answer (${found})`
    throw new Error(
      `Cannot stop without a server: ${detail}, expected the database of DATABASE_URL. Stop the service itself: nothing of Dankai can be reached.`,
    )
  }
}

async function stopAll(store: Store, request: OfflineStopRequest): Promise<OfflineStop> {
  const { plan, project, environment } = request
  const flags = plan.hands.filter(({ kind }) => kind === 'flag')
  const hands = []
  for (const hand of flags) hands.push(await stopHand(store, request, hand.id, flagKeyOf(hand)))
  for (const { id, kind } of plan.hands.filter(hand => hand.kind !== 'flag'))
    hands.push({ hand: id, stopped: false, detail: `no connection of kind ${kind} is held here: lower it by hand` })
  const releases = await liveReleases(store, request)
  for (const releaseId of releases) await stop(store, request, { kind: 'release', releaseId })
  await audit(store, request, releases)
  const { version } = await store.flags.readSince({ project, environment }, Number.MAX_SAFE_INTEGER)
  const { known, acknowledged, silent } = await waitForSdks(store, request, version)
  const named = silent.slice(0, silentNamedMax).map(({ sdk, name }) => ({ sdk, name }))
  return { hands, releases, connected: known, acknowledged, silent: named }
}

async function stopHand(store: Store, request: OfflineStopRequest, hand: string, key: string) {
  try {
    await stop(store, request, { kind: 'flag', key })
    return { hand, stopped: true, detail: 'stopped in the database' }
  } catch (error) {
    return { hand, stopped: false, detail: error instanceof Error ? error.message : String(error) }
  }
}

async function stop(store: Store, { project, environment, by, why }: OfflineStopRequest, stops: OverlayTarget) {
  await store.overlays.stop({ project, environment, id: randomUUID(), stops, by, why })
}

async function liveReleases(store: Store, { project, environment, plan }: OfflineStopRequest): Promise<string[]> {
  const page = await store.reader.list({ project, environment, plan: plan.name, live: true, limit: 200 })
  return page.items.map(({ id }) => id)
}

async function audit(store: Store, request: OfflineStopRequest, releases: readonly string[]): Promise<void> {
  const { project, environment, plan, by, why } = request
  const detail = { hands: plan.hands.map(({ id }) => id), releases: [...releases] }
  const entry = { project, environment, by, action: 'emergency stop without a server', subject: plan.name, why, detail }
  // The stops are in force; a record that cannot be written must not look like a stop that failed.
  await store.audit.append(entry).catch(() => {})
}

async function waitForSdks(store: Store, scope: Scope, version: number) {
  for (const startedAt = performance.now(); ; ) {
    const reach = await store.sdks.reach(scope, version, sdkForgottenAfterMs)
    if (reach.silent.length === 0 || performance.now() - startedAt > acknowledgedWithinMs) return reach
    await new Promise(resolve => setTimeout(resolve, lookAgainMs))
  }
}
