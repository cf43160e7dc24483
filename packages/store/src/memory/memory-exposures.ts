import type {
  ExposureStore,
  NewExposure,
  NewExposureBatch,
  NewOutcome,
  VariantExposure,
  VariantHour,
  VariantOutcome,
} from '../exposure-ports.ts'
import { retention } from '../retention.ts'
import type { Scope } from '../scope.ts'
import { byText, isIn, type MemoryState } from './memory-state.ts'

const hourMs = 3_600_000
const hoursMax = 10_000
const eventsMax = 1_000

interface ExposedUser extends Scope {
  readonly flag: string
  readonly user: string
  variant: string
  at: number
  switched: boolean
  readonly outcomes: Map<string, { times: number; sum: number }>
}

type CountedHour = { -readonly [Key in keyof VariantHour]: VariantHour[Key] } & Scope & { flag: string }

export interface MemoryExposures extends ExposureStore {
  prune(): Promise<void>
}

export function createMemoryExposures(state: MemoryState): MemoryExposures {
  const highest = new Map<string, { no: number; seenAt: number }>()
  const hours = new Map<string, CountedHour>()
  const users = new Map<string, ExposedUser>()

  function expose(scope: Scope, { flag, variant, user, at }: NewExposure): void {
    hourOf(scope, flag, variant, at).exposures++
    const key = keyOf(scope, flag, user)
    const known = users.get(key)
    if (known === undefined) {
      users.set(key, { ...scope, flag, user, variant, at, switched: false, outcomes: new Map() })
      hourOf(scope, flag, variant, at).users++
      return
    }
    known.switched ||= known.variant !== variant
    if (at >= known.at) return
    known.variant = variant
    known.at = at
  }

  function hourOf(scope: Scope, flag: string, variant: string, at: number): CountedHour {
    const hour = at - (at % hourMs)
    const key = keyOf(scope, flag, variant, hour)
    const known = hours.get(key) ?? { ...scope, flag, hour, variant, exposures: 0, users: 0 }
    hours.set(key, known)
    return known
  }

  function note(scope: Scope, { event, user, at, value }: NewOutcome): void {
    for (const exposed of users.values()) {
      if (!isIn(exposed, scope) || exposed.user !== user || at < exposed.at) continue
      const known = exposed.outcomes.get(event) ?? { times: 0, sum: 0 }
      exposed.outcomes.set(event, { times: known.times + 1, sum: known.sum + value })
    }
  }

  const exposedTo = (scope: Scope, flag: string): ExposedUser[] =>
    [...users.values()].filter(user => isIn(user, scope) && user.flag === flag)

  return {
    async record(batch) {
      const { project, environment, sdk, no } = batch
      const scope = { project, environment }
      const seenAt = await state.now()
      const key = keyOf(scope, sdk)
      if ((highest.get(key)?.no ?? -1) >= no) return { duplicate: true }
      highest.set(key, { no, seenAt })
      // In order of time, as the hour of a first exposure is that of the earliest one in the batch.
      for (const exposure of inTime(batch.exposures)) expose(scope, exposure)
      for (const outcome of batch.outcomes) note(scope, outcome)
      return { duplicate: false }
    },
    async hours(scope, flag, from, to) {
      return [...hours.values()]
        .filter(entry => isIn(entry, scope) && entry.flag === flag && entry.hour >= from && entry.hour < to)
        .toSorted((one, other) => one.hour - other.hour || byText(one.variant, other.variant))
        .slice(0, hoursMax)
        .map(({ hour, variant, exposures, users: first }) => ({ hour, variant, exposures, users: first }))
    },
    async variants(scope, flag) {
      return byVariant(exposedTo(scope, flag)).map(([variant, exposed]) => exposureOf(variant, exposed))
    },
    async outcomes(scope, flag, event) {
      const constant = exposedTo(scope, flag).filter(({ switched }) => !switched)
      return byVariant(constant).map(([variant, exposed]) => outcomeOf(variant, exposed, event))
    },
    async events(scope, flag) {
      const names = new Set(exposedTo(scope, flag).flatMap(({ outcomes }) => [...outcomes.keys()]))
      return [...names].toSorted(byText).slice(0, eventsMax)
    },
    async first(scope, flag, user) {
      const found = users.get(keyOf(scope, flag, user))
      return found === undefined ? null : { variant: found.variant, at: found.at, switched: found.switched }
    },
    async forget(scope, flag) {
      for (const { user } of exposedTo(scope, flag)) users.delete(keyOf(scope, flag, user))
    },
    async prune() {
      const now = await state.now()
      deleteWhere(hours, ({ hour }) => hour < now - retention.exposureHoursMs)
      deleteWhere(users, ({ at }) => at < now - retention.exposedUsersMs)
      deleteWhere(highest, ({ seenAt }) => seenAt < now - retention.sdksMs)
    },
  }
}

function exposureOf(variant: string, exposed: readonly ExposedUser[]): VariantExposure {
  const switched = exposed.filter(user => user.switched).length
  const times = exposed.map(({ at }) => at)
  const [firstAt, lastAt] = [Math.min(...times), Math.max(...times)]
  return { variant, users: exposed.length - switched, switched, firstAt, lastAt }
}

function outcomeOf(variant: string, exposed: readonly ExposedUser[], event: string): VariantOutcome {
  const done = exposed.flatMap(({ outcomes }) => outcomes.get(event) ?? [])
  return {
    variant,
    users: exposed.length,
    converted: done.length,
    times: done.reduce((total, { times }) => total + times, 0),
    sum: done.reduce((total, { sum }) => total + sum, 0),
    sumOfSquares: done.reduce((total, { sum }) => total + sum * sum, 0),
  }
}

function byVariant(exposed: readonly ExposedUser[]): [variant: string, exposed: ExposedUser[]][] {
  return Object.entries(Object.groupBy(exposed, ({ variant }) => variant))
    .map(([variant, some]): [string, ExposedUser[]] => [variant, some ?? []])
    .toSorted(([one], [other]) => byText(one, other))
}

function inTime(exposures: NewExposureBatch['exposures']): readonly NewExposure[] {
  return exposures.toSorted((one, other) => one.at - other.at || byText(one.variant, other.variant))
}

function deleteWhere<Value>(map: Map<string, Value>, isOld: (value: Value) => boolean): void {
  for (const [key, value] of map) if (isOld(value)) map.delete(key)
}

const keyOf = ({ project, environment }: Scope, ...parts: readonly (string | number)[]): string =>
  JSON.stringify([project, environment, ...parts])
