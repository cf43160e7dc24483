import type { SdkInstance, SdkStore } from '../flag-ports.ts'
import { pageOf } from '../page-of.ts'
import { pageLimit, type Scope } from '../scope.ts'
import { byText, isIn, type MemoryState, scopedKey } from './memory-state.ts'

export function createMemorySdks(state: MemoryState): SdkStore {
  const instances = new Map<string, SdkInstance>()

  return {
    async connected({ project, environment, sdk, name, kind }) {
      const now = await state.now()
      const key = scopedKey({ project, environment }, sdk)
      const version = instances.get(key)?.version ?? 0
      instances.set(key, {
        project,
        environment,
        sdk,
        name,
        kind,
        version,
        connectedAt: now,
        seenAt: now,
        connected: true,
      })
    },
    async disconnected(scope, sdks) {
      const now = await state.now()
      change(scope, sdks, instance => ({ ...instance, connected: false, seenAt: now }))
    },
    async ended(scope, sdk) {
      instances.delete(scopedKey(scope, sdk))
    },
    async acknowledged(scope, acknowledgements) {
      const now = await state.now()
      for (const { sdk, version } of acknowledgements) {
        change(scope, [sdk], known => ({ ...known, version: Math.max(known.version, version), seenAt: now }))
      }
    },
    async list(scope, request) {
      const limit = pageLimit(request)
      const after = request.after ?? ''
      const found = [...instances.values()].filter(instance => isIn(instance, scope) && instance.sdk > after)
      return pageOf(
        found.toSorted((one, other) => byText(one.sdk, other.sdk)).slice(0, limit + 1),
        limit,
        ({ sdk }) => sdk,
      )
    },
    async reach(scope, version, forgetAfterMs) {
      const now = await state.now()
      const known = [...instances.values()].filter(instance => isKnown(instance, scope, now - forgetAfterMs))
      const silent = known.filter(instance => instance.version < version)
      const named = silent.toSorted((one, other) => byText(one.name, other.name) || byText(one.sdk, other.sdk))
      return { known: known.length, acknowledged: known.length - silent.length, silent: named.slice(0, 100) }
    },
    async forget(notSeenForMs) {
      const now = await state.now()
      const gone = [...instances].filter(([, { seenAt }]) => seenAt < now - notSeenForMs)
      for (const [key] of gone) instances.delete(key)
      return gone.length
    },
  }

  function change(scope: Scope, sdks: readonly string[], update: (instance: SdkInstance) => SdkInstance): void {
    for (const sdk of sdks) {
      const key = scopedKey(scope, sdk)
      const instance = instances.get(key)
      if (instance !== undefined) instances.set(key, update(instance))
    }
  }
}

function isKnown(instance: SdkInstance, scope: Scope, seenAfter: number): boolean {
  return isIn(instance, scope) && instance.kind === 'server' && instance.seenAt > seenAfter
}
