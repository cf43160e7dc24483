/**
 * Users of experiments whom this server itself gave a variant, on their way to the store: as SDKs tell of theirs.
 *
 *  1. A user's exposure to a variant is told once for as long as it is remembered: the newest `rememberedMax` to twice as
 *     many. Telling it again does no harm to the users of an experiment.
 *  2. A batch that could not be written is sent again as it was, so that it counts once.
 *  3. What waits is bounded; what does not fit, and that the store cannot be reached, is in the log once.
 */
import { randomUUID } from 'node:crypto'
import type { ExposureStore, NewExposure, NewExposureBatch, Scope } from '@dankai/store'
import { isDatabaseAway } from '../http/api.ts'
import type { Logger } from '../http/log.ts'

/** An experiment is read by the hour; a few seconds let many users be one statement. */
const writeEveryMs = 5_000
/** Some ten megabytes of names at most. */
const rememberedMax = 50_000
/** Far more than have their first answer between two writings. */
const waitingMax = 20_000
const batchMax = 1_000
/** As long as the evaluator takes a targeting key. */
const userLengthMax = 2_048

export interface ServedExposures {
  expose(scope: Scope, flag: string, variant: string, user: unknown): void
  /** Writes what waits; throws when the store cannot. */
  flush(): Promise<void>
  close(): Promise<void>
}

export function createServedExposures(parts: {
  readonly store: Pick<ExposureStore, 'record'>
  readonly now: () => number
  readonly log: Logger
}): ServedExposures {
  const { store, now, log } = parts
  const sdk = randomUUID()
  let recent = new Set<string>()
  let before = new Set<string>()
  let waiting = new Map<string, { readonly scope: Scope; readonly exposures: NewExposure[] }>()
  let waitingCount = 0
  let batches: NewExposureBatch[] = []
  let lastNo = 0
  let writing: Promise<void> = Promise.resolve()
  let isFailing = false
  let isOverflowing = false

  /** True when it was remembered already. */
  function remember(name: string): boolean {
    if (recent.has(name)) return true
    if (recent.size >= rememberedMax) {
      before = recent
      recent = new Set()
    }
    recent.add(name)
    return before.has(name)
  }

  function hasRoom(scope: Scope): boolean {
    if (waitingCount < waitingMax) return true
    if (!isOverflowing) log.warn(scope, 'more users of experiments than can wait to be written: some are not counted')
    isOverflowing = true
    return false
  }

  function add(scope: Scope, exposure: NewExposure): void {
    const place = JSON.stringify([scope.project, scope.environment])
    const ofPlace = waiting.get(place) ?? { scope, exposures: [] }
    ofPlace.exposures.push(exposure)
    waiting.set(place, ofPlace)
    waitingCount++
  }

  function takeBatches(): void {
    for (const { scope, exposures } of waiting.values())
      for (let start = 0; start < exposures.length; start += batchMax) {
        const few = exposures.slice(start, start + batchMax)
        batches.push({ ...scope, sdk, no: ++lastNo, exposures: few, outcomes: [] })
      }
    waiting = new Map()
  }

  /** In order, as the store takes a number only when it is higher than those before. */
  async function write(): Promise<void> {
    takeBatches()
    for (let batch = batches[0]; batch !== undefined; batch = batches[0]) {
      await store.record(batch).catch(error => {
        if (isDatabaseAway(error)) throw error
        log.error({ err: error }, 'some exposures are lost: the store does not take them')
      })
      batches = batches.slice(1)
      waitingCount -= batch.exposures.length
    }
    isFailing = false
    isOverflowing = false
  }

  function flush(): Promise<void> {
    if (waitingCount === 0) return writing
    const next = writing.then(write)
    writing = next.catch(error => {
      if (!isFailing) log.warn({ err: error }, 'cannot write who was given which variant at the moment')
      isFailing = true
    })
    return next
  }

  const timer = setInterval(() => void flush().catch(() => {}), writeEveryMs)
  return {
    expose(scope, flag, variant, user) {
      if (typeof user !== 'string' || user === '' || user.length > userLengthMax) return
      const name = [scope.project, scope.environment, flag, variant, user].join('\0')
      if (hasRoom(scope) && !remember(name)) add(scope, { flag, variant, user, at: now() })
    },
    flush,
    async close() {
      clearInterval(timer)
      await flush().catch(() => {})
    },
  }
}
