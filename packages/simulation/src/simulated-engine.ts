import type { Action, Event, ReleaseState, ReleaseStatus } from '@dankai/core'
import {
  type ActResult,
  type ClaimedCommand,
  type CreateInput,
  createEngine,
  type EffectRunner,
  type Engine,
  type EngineSettings,
  type EngineStore,
  type FaultPoint,
  Killed,
  type ObservationSource,
} from '@dankai/engine'
import { stepsOf } from '@dankai/insight'
import type { CompiledPlan } from '@dankai/plan'
import type { CrashPoint } from './script.ts'
import type { VirtualClock } from './virtual-clock.ts'
import type { HandWorld } from './world/hand-world.ts'
import { describeEffect } from './world/step-world.ts'

/**
 * The real engine on a virtual clock, and its deaths.
 *
 * Invariants
 *  1. The store survives everything; an engine that died never touches anything again, whatever it had in flight.
 *  2. A crash strikes once, at the first matching instant after it was armed.
 *  3. While the engine is down or suspended nothing is decided; the world goes on.
 */
export interface SimulatedEngine {
  readonly releaseId: string
  /** When it is back; null while it is up. */
  readonly backAt: number | null
  readonly crashes: number
  /** True while a crash waits for its instant: then what was covered has to be written before every decision. */
  readonly isArmed: boolean
  create(input: CreateInput): Promise<string | null>
  /** Everything due now; answers when something is due next. */
  tick(): Promise<number | null>
  /** One decision and nothing else, for looks at which usually nothing happens. True when something did. */
  look(): Promise<boolean>
  /** New data may have come: the next tick decides. */
  notice(): Promise<void>
  /** A hand may have been moved or may answer differently from now on. */
  noticeHands(): void
  act(action: Action): Promise<ActResult | null>
  arm(crash: CrashPoint, restartMs: number): void
  suspend(ms: number): void
  /** Brings it back when its time has come; answers since when it was gone, null when nothing changed. */
  revive(): number | null
  peek(): { readonly state: ReleaseState; readonly status: ReleaseStatus } | null
}

export interface SimulatedEngineOptions {
  readonly plan: CompiledPlan
  readonly clock: VirtualClock
  readonly store: EngineStore
  readonly observations: ObservationSource
  readonly hands: HandWorld
  readonly runner: EffectRunner
  readonly settings: Partial<EngineSettings>
  readonly random: () => number
  /** Called for each committed batch of events, in order. */
  readonly onEvents: (events: readonly Event[], state: ReleaseState, status: ReleaseStatus) => void
}

/** A new instance takes over once the old one counts as dead; until then it looks again this often. */
const adoptEveryMs = 1_000

interface ArmedCrash {
  readonly crash: CrashPoint
  readonly restartMs: number
}

export function createSimulatedEngine(options: SimulatedEngineOptions): SimulatedEngine {
  const { clock } = options
  const armed: ArmedCrash[] = []
  let crashes = 0
  let backAt: number | null = null
  let isSuspended = false
  let goneSince = clock.at
  let commits = 0
  let releaseId = ''
  let life = startLife()

  function startLife(): { readonly engine: Engine; isAlive: boolean } {
    const own = { isAlive: true } as { engine: Engine; isAlive: boolean }
    const die = (point: FaultPoint): never => {
      own.isAlive = false
      throw new Killed(point)
    }
    const strike = (point: FaultPoint, matches: (crash: CrashPoint) => boolean): void => {
      if (!own.isAlive) throw new Killed(point)
      const index = armed.findIndex(({ crash }) => matches(crash))
      const [hit] = index < 0 ? [] : armed.splice(index, 1)
      if (!hit) return
      crashes += 1
      goneSince = clock.at
      backAt = clock.at + hit.restartMs
      die(point)
    }
    own.engine = createEngine({
      clock,
      store: guardStore(options.store, neededPlans(options.plan), strike, (events, state, status) => {
        commits += 1
        options.onEvents(events, state, status)
      }),
      observations: options.observations,
      movers: options.hands.movers,
      runners: [guardRunner(options.runner, strike)],
      instance: `simulation-${crashes + 1}`,
      faults: { at: point => strike(point, crash => strikesAt(crash, point)) },
      settings: options.settings,
      random: options.random,
      timers: clock.timers,
      monotonic: () => clock.at,
    })
    return own
  }

  /** What the engine cannot survive ends its life; anything else is a bug and is passed on. */
  async function survive<Result>(run: () => Promise<Result>, otherwise: Result): Promise<Result> {
    try {
      return await run()
    } catch (error) {
      if (error instanceof Killed) return otherwise
      throw error
    }
  }

  const isUp = (): boolean => life.isAlive && backAt === null

  return {
    get releaseId() {
      return releaseId
    },
    get backAt() {
      return backAt
    },
    get crashes() {
      return crashes
    },
    get isArmed() {
      return armed.length > 0
    },
    async create(input) {
      const created = await life.engine.create(input)
      if (created.ok) {
        releaseId = created.id
        return null
      }
      return 'hand' in created
        ? `hand ${created.hand} is held by ${created.holder}`
        : created.refusals.map(each => each.message).join('\n')
    },
    async tick() {
      if (!isUp()) return backAt
      const next = await survive(() => life.engine.tick(), null)
      if (!isUp()) return backAt
      return life.engine.peek(releaseId) === null && next === null ? clock.at + adoptEveryMs : next
    },
    async look() {
      if (!isUp()) return false
      const before = commits
      await survive(() => life.engine.turn(releaseId), false)
      return commits !== before
    },
    async notice() {
      if (!isUp()) return
      await life.engine.watch()
      life.engine.wake([releaseId])
    },
    noticeHands() {
      if (isUp()) life.engine.lookAtHands()
    },
    async act(action) {
      return isUp() ? await survive(() => life.engine.act(releaseId, action), null) : null
    },
    arm(crash, restartMs) {
      if (crash.kind !== 'now') return void armed.push({ crash, restartMs })
      if (!isUp()) return
      crashes += 1
      life.isAlive = false
      goneSince = clock.at
      backAt = clock.at + restartMs
    },
    suspend(ms) {
      if (!isUp()) return
      isSuspended = true
      goneSince = clock.at
      backAt = clock.at + ms
    },
    revive() {
      if (backAt === null || clock.at < backAt) return null
      backAt = null
      if (!isSuspended) life = startLife()
      isSuspended = false
      return goneSince
    },
    peek: () => (isUp() ? life.engine.peek(releaseId) : null),
  }
}

type Strike = (point: FaultPoint, matches: (crash: CrashPoint) => boolean) => void

function strikesAt(crash: CrashPoint, point: FaultPoint): boolean {
  if (crash.kind === 'point') return crash.point === point
  if (crash.kind !== 'exposure') return false
  return crash.when === 'before' ? point.endsWith('before apply') : point.endsWith('between apply and read')
}

/** Every call checks that the engine still lives; commits are where crashes around events strike. */
function guardStore(
  store: EngineStore,
  needed: readonly string[],
  strike: Strike,
  onEvents: SimulatedEngineOptions['onEvents'],
): EngineStore {
  const never = (): boolean => false
  const around = (events: readonly Event[], when: 'before' | 'after') => (crash: CrashPoint) =>
    crash.kind === 'event' && crash.when === when && events.some(({ body }) => body.type === crash.event)
  const guarded = guardCalls(store.releases, () => strike('claim: before', never))
  return {
    releases: {
      ...guarded,
      // Whatever a plan needs has been completed before: other plans are not simulated here.
      completedPlans: async () => needed,
      async createRelease(release) {
        const created = await store.releases.createRelease(release)
        if (created.ok) onEvents(release.events, release.state, release.status)
        return created
      },
      async commit(commit) {
        strike('commit: before', around(commit.events, 'before'))
        const answer = await store.releases.commit(commit)
        if (answer === 'committed') onEvents(commit.events, commit.state, commit.status)
        strike('commit: after', around(commit.events, 'after'))
        return answer
      },
    },
    commands: guardCalls(store.commands, () => strike('command: before claim', never)),
    hands: guardCalls(store.hands, () => strike('reading: before record', never)),
    instances: guardCalls(store.instances, () => strike('beat: before', never)),
  }
}

function neededPlans(plan: CompiledPlan): readonly string[] {
  return stepsOf(plan).flatMap(({ action }) => (action.verb === 'needs' ? [action.plan] : []))
}

/** A port whose every call runs a check first. */
function guardCalls<Port extends object>(port: Port, check: () => void): Port {
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return async (...args: readonly unknown[]) => {
        check()
        return await (member.apply(target, args) as Promise<unknown>)
      }
    },
    // The spread above needs own keys; methods of a class stand on its prototype.
    ownKeys: target => keysOf(target),
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
  })
}

function keysOf(target: object): string[] {
  const prototype = Object.getPrototypeOf(target) as object | null
  const inherited = prototype === null || prototype === Object.prototype ? [] : Object.getOwnPropertyNames(prototype)
  return [...new Set([...Object.keys(target), ...inherited])].filter(name => name !== 'constructor')
}

function guardRunner(runner: EffectRunner, strike: Strike): EffectRunner {
  const around = (claimed: ClaimedCommand, when: 'before' | 'after') => (crash: CrashPoint) =>
    crash.kind === 'command' && crash.when === when && describeEffect(claimed.command.effect).includes(crash.text)
  return {
    kinds: runner.kinds,
    async run(claimed) {
      strike('command: before run', around(claimed, 'before'))
      const result = await runner.run(claimed)
      strike('command: after run', around(claimed, 'after'))
      return result
    },
  }
}
