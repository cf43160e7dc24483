/**
 * What a stop means for releases: those it names roll back, without the rest of their runbook.
 *
 * The flags are stopped already, whatever happens here; this lowers the other hands and keeps anything from being raised
 * again when the stop is lifted. It is repeated while a stop is in force, so that an instance or a database that was
 * away catches up; a release that is rolling back already is left alone.
 */
import type { Engine } from '@dankai/engine'
import type { ReleaseReader, ReleaseSummary } from '@dankai/store'
import { everywhere } from '@dankai/store'
import type { Logger } from '../../http/log.ts'
import type { Stop } from '../../serving/served-flags.ts'
import type { StopBook } from './stop-book.ts'

const againAfterMs = 2_000

export interface StopEnforcer {
  now(): void
  close(): Promise<void>
}

export function createStopEnforcer(parts: {
  readonly stops: StopBook
  readonly reader: Pick<ReleaseReader, 'list'>
  readonly engine: Pick<Engine, 'act'>
  readonly log: Logger
}): StopEnforcer {
  const { stops, log } = parts
  let running: Promise<void> | null = null
  let again = false
  let closed = false

  async function enforceAll(): Promise<void> {
    while (again && !closed) {
      again = false
      for (const stop of stops.active) await enforce(stop, parts)
    }
  }
  const now = (): void => {
    again = true
    running ??= enforceAll()
      .catch(error => log.warn({ err: error }, 'cannot roll back stopped releases yet'))
      .finally(() => {
        running = null
      })
  }
  const timer = setInterval(() => {
    if (stops.active.length > 0) now()
  }, againAfterMs)
  return {
    now,
    async close() {
      closed = true
      clearInterval(timer)
      await running
    },
  }
}

async function enforce(
  stop: Stop,
  { reader, engine, log }: Pick<Parameters<typeof createStopEnforcer>[0], 'reader' | 'engine' | 'log'>,
): Promise<void> {
  if (stop.stops.kind === 'flag') return
  const place = {
    ...(stop.project === everywhere ? {} : { project: stop.project }),
    ...(stop.environment === everywhere ? {} : { environment: stop.environment }),
  }
  const action = {
    by: stop.by,
    roles: ['admin'],
    why: `emergency stop: ${stop.why ?? ''}`,
    expected: null,
    body: { type: 'abort' },
  } as const
  let after: string | null = null
  do {
    const page: { items: readonly ReleaseSummary[]; next: string | null } = await reader.list({
      ...place,
      live: true,
      limit: 200,
      after,
    })
    const stopped = page.items.filter(release => isStopped(release, stop))
    await Promise.all(
      stopped.map(async ({ id }) => {
        const result = await engine.act(id, action)
        if (result !== null && !result.ok)
          log.warn({ releaseId: id, refusal: result.refusal }, 'a stopped release refused to roll back')
      }),
    )
    after = page.next
  } while (after !== null)
}

function isStopped({ id, stage }: ReleaseSummary, { stops }: Stop): boolean {
  if (stage !== 'starting' && stage !== 'running') return false
  return stops.kind === 'everything' || (stops.kind === 'release' && stops.releaseId === id)
}
