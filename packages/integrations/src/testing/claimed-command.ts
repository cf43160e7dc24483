import { randomUUID } from 'node:crypto'
import type { Effect } from '@dankai/core'
import type { ClaimedCommand } from '@dankai/engine'
import type { Connection, ConnectionKind, ConnectionOf, Connections } from '../connection.ts'

/** No call of a test is meant to take long, but a busy machine may take its time. */
export const patienceMs = 60_000

export const testScope = { project: 'shop', environment: 'production' }

/** A command as the executor hands it to a runner. */
export function claimedCommand(
  effect: Effect,
  change: { timeoutMs?: number; releaseId?: string } = {},
): ClaimedCommand {
  const { timeoutMs = patienceMs, releaseId = randomUUID() } = change
  return {
    id: randomUUID(),
    releaseId,
    ...testScope,
    command: { slot: 'step#1', effect, effectClass: 'ask', lane: 'raise', timeoutMs, attempts: 1, expiresAt: null },
    attempt: 1,
    fence: 1,
  }
}

export function connectionsOf(...list: readonly Connection[]): Connections {
  return {
    all: async <Kind extends ConnectionKind>(_scope: unknown, kind: Kind) =>
      list.filter((connection): connection is ConnectionOf<Kind> => connection.kind === kind),
  }
}
