import { EvidenceFold } from '@dankai/analysis'
import { type Action, decide, type Refusal, type Supports, startRelease } from '@dankai/core'
import type { CompiledPlan } from '@dankai/plan'
import { boundedPort } from './bounded-port.ts'
import { Emergency } from './emergency.ts'
import { EngineClock } from './engine-clock.ts'
import { type EngineLog, type EngineOptions, type EngineStore, silentLog } from './engine-options.ts'
import { type CommandLane, Executor } from './executor.ts'
import { noFaults } from './fault-points.ts'
import { Heart } from './heart.ts'
import { Loop } from './loop.ts'
import { OwnerName } from './owner-name.ts'
import { Reconciler } from './reconciler.ts'
import { type ActResult, ReleaseLane } from './release-lane.ts'
import type { ResidentRelease } from './resident-release.ts'
import type { ServiceKey } from './residents.ts'
import { defaultSettings, type EngineSettings } from './settings.ts'
import { systemTimers } from './timers.ts'
import type { Amendment } from './turn.ts'
import { detailOf, Work } from './work.ts'

/** What the store says when something was written; late, doubled or lost hints do no harm. */
export type EngineHint =
  | { readonly kind: 'wake'; readonly releaseId: string }
  | { readonly kind: 'commands'; readonly lane: CommandLane }
  | ({ readonly kind: 'samples' } & ServiceKey)
  | { readonly kind: 'reconnected' }
  | { readonly kind: 'events' | 'hands' | 'flags' | 'overlays' }

export interface CreateInput {
  readonly project: string
  readonly environment: string
  readonly plan: CompiledPlan
  readonly planDigest: string
  readonly version: string
  readonly labels: readonly string[]
  readonly by: string
  readonly exemption: string | null
  readonly supports: Supports
}

export type CreateResult =
  | { readonly ok: true; readonly id: string }
  | { readonly ok: false; readonly refusals: readonly Refusal[] }
  | { readonly ok: false; readonly refusals: readonly []; readonly hand: string; readonly holder: string }

/**
 * The loop that runs releases. The server starts it on real timers; a simulation calls `tick` with its own clock. Both
 * run the same lanes:
 *
 *   lower > decide > raise > notify > report
 *
 * Each lane has its own concurrency and waits for no other, so a notifier or a raise that hangs delays neither a
 * lowering nor a decision.
 */
export interface Engine {
  start(): void
  /** Ends what runs, without waiting for calls that hang, and gives the lease back. */
  stop(): Promise<void>
  /** Performs everything that is due now. Answers when something is due next; null = only when something arrives. */
  tick(): Promise<number | null>
  /** For a virtual clock: releases were watched until now, and what arrives next is news of this moment. */
  watch(): Promise<void>
  /** Decides on one release now, claiming it first; false when there is no such live release. */
  turn(releaseId: string): Promise<boolean>
  /** null when there is no such live release. */
  act(releaseId: string, action: Action): Promise<ActResult | null>
  /** Another plan for the rest of a running release; null when there is no such live release. */
  amend(releaseId: string, amendment: Amendment): Promise<ActResult | null>
  create(input: CreateInput): Promise<CreateResult>
  wake(releaseIds: readonly string[]): void
  ingestHint(services: readonly ServiceKey[]): void
  hear(hint: EngineHint): void
  /** Somebody may have moved a hand: each is read again now instead of at its turn. */
  lookAtHands(): void
  /** A release as this instance knows it; null when it does not own it. */
  peek(releaseId: string): Readonly<Pick<ResidentRelease, 'state' | 'status' | 'wakeAt' | 'hands'>> | null
}

export function createEngine(options: EngineOptions): Engine {
  return new RunningEngine(options)
}

/** More rounds at one moment than any plan needs; what goes on after them is due again at once. */
const roundsMax = 10_000
/** A clock that is asked once a second and carried on in between is right to the millisecond. */
const clockFreshMs = 1_000
/** A clock that answers later than this is carried on, so that nothing waits for a database that is away. */
const clockTimeoutMs = 1_000

class RunningEngine implements Engine {
  readonly #store: EngineStore
  readonly #log: EngineLog
  readonly #settings: EngineSettings
  readonly #clock: EngineClock
  readonly #work: Work
  readonly #heart: Heart
  readonly #releases: ReleaseLane
  readonly #reconciler: Reconciler
  readonly #executor: Executor
  readonly #emergency: Emergency
  readonly #loops: readonly Loop[]

  constructor(options: EngineOptions) {
    this.#log = options.log ?? silentLog
    this.#settings = { ...defaultSettings, ...options.settings }
    const timers = options.timers ?? systemTimers
    const monotonic = options.monotonic ?? (() => performance.now())
    const { storeTimeoutMs } = this.#settings
    const bounded = <Port extends object>(name: string, port: Port, timeoutMs = storeTimeoutMs) =>
      boundedPort(name, port, timeoutMs, timers)
    const { releases, commands, hands, instances } = options.store
    this.#store = {
      releases: bounded('releases', releases),
      commands: bounded('commands', commands),
      hands: bounded('hands', hands),
      instances: bounded('instances', instances),
    }
    this.#clock = new EngineClock(bounded('clock', options.clock, clockTimeoutMs), monotonic)
    this.#work = new Work(timers, () => this.#tellLoops())
    const ownerName = new OwnerName(options.instance)
    const shared = {
      store: this.#store,
      owner: options.instance,
      ownerName,
      clock: this.#clock,
      settings: this.#settings,
      faults: options.faults ?? noFaults,
      log: this.#log,
      work: this.#work,
      random: options.random ?? Math.random,
    }
    this.#heart = new Heart(shared)
    this.#executor = new Executor({
      ...shared,
      runners: options.runners,
      ended: (id, result) => this.#releases.residents.commandEnded(id, result),
    })
    this.#reconciler = new Reconciler({
      ...shared,
      movers: options.movers,
      mayRaise: id =>
        this.#releases.residents.get(id)?.owner === ownerName.current && this.#heart.holdsLeases(this.#clock.latest()),
      outpaced: id => this.#releases.residents.wake([id]),
      handRead: (id, hand, reading) => this.#releases.residents.handRead(id, hand, reading),
    })
    this.#releases = new ReleaseLane({
      ...shared,
      observations: bounded('observations', options.observations),
      listener: {
        adopted: release => this.#reconciler.adopted(release),
        committed: (release, commit) => {
          this.#reconciler.committed(release, commit)
          this.#executor.expect(commit.commands.map(command => command.lane))
          this.#tellLoops()
        },
        handsRead: release => this.#reconciler.handsRead(release),
        dropped: id => this.#reconciler.dropped(id),
      },
    })
    this.#emergency = new Emergency({
      ...shared,
      releases: this.#releases,
      lower: (id, desired) => {
        this.#reconciler.lowerUnwritten(id, desired)
        this.#tellLoops()
      },
    })
    this.#loops = this.#createLoops(timers)
  }

  // ── Driven by a virtual clock ─────────────────────────────────────────────────────────────────────────────────────

  async tick(): Promise<number | null> {
    for (let round = 0; round < roundsMax; round++) {
      const now = await this.#clock.now()
      let done = await this.#heart.run(now)
      done += this.#emergency.run(now, this.#heart.silentMs(now))
      done += this.#reconciler.run(now)
      done += await this.#releases.run(now)
      done += this.#reconciler.run(now)
      done += this.#executor.run(now)
      await this.#work.settle()
      if (done === 0) break
    }
    const now = this.#clock.latest()
    const next = earliest([this.#releases.residents.nextDue(now), this.#reconciler.nextDue(), this.#executor.nextDue()])
    const at = next === null ? null : Math.max(next, now + 1)
    this.#releases.expectBy(at ?? Number.POSITIVE_INFINITY)
    return at
  }

  async watch(): Promise<void> {
    this.#releases.cover(await this.#clock.now())
  }

  // ── Driven by real timers ─────────────────────────────────────────────────────────────────────────────────────────

  start(): void {
    this.#clock.keepFreshFor(clockFreshMs)
    for (const loop of this.#loops) loop.start()
  }

  async stop(): Promise<void> {
    await Promise.all(this.#loops.map(loop => loop.stop()))
    await this.#work.end(this.#settings.stopWithinMs)
    await this.#heart.leave()
  }

  #createLoops(timers: EngineOptions['timers'] & {}): readonly Loop[] {
    const lanes: readonly (() => Promise<number | null>)[] = [
      async () => this.#beat(),
      async () => this.#runHands(),
      async () => this.#runReleases(),
      async () => this.#runCommands(),
    ]
    const msUntil = (at: number) => at - this.#clock.latest()
    return lanes.map(
      run => new Loop({ run: () => this.#survive(run), msUntil, timers, longestMs: this.#settings.beatEveryMs }),
    )
  }

  /** A beat that hangs is what shows that the database is away, so nobody waits for it. */
  async #beat(): Promise<number | null> {
    const now = await this.#clock.now()
    void this.#survive(async () => this.#heart.run(now))
    this.#emergency.run(this.#clock.latest(), this.#heart.silentMs(this.#clock.latest()))
    return this.#heart.nextBeatAt
  }

  async #runHands(): Promise<number | null> {
    this.#reconciler.run(await this.#clock.now())
    return this.#reconciler.nextDue()
  }

  async #runReleases(): Promise<number | null> {
    const now = await this.#clock.now()
    await this.#releases.run(now)
    this.#releases.expectBy(now + 2 * this.#settings.beatEveryMs)
    return this.#releases.residents.nextDue(this.#clock.latest())
  }

  async #runCommands(): Promise<number | null> {
    this.#executor.run(await this.#clock.now())
    return this.#executor.nextDue()
  }

  /** A loop outlives every failure: the database may be away for a while. */
  async #survive(run: () => Promise<number | null>): Promise<number | null> {
    try {
      return await run()
    } catch (error) {
      this.#log.warn({ detail: detailOf(error) }, 'a lane failed and goes on')
      return null
    }
  }

  #tellLoops(): void {
    for (const loop of this.#loops) loop.tell()
  }

  // ── Asked from outside ────────────────────────────────────────────────────────────────────────────────────────────

  async turn(releaseId: string): Promise<boolean> {
    const isLive = await this.#releases.turn(releaseId)
    this.#tellLoops()
    return isLive
  }

  async act(releaseId: string, action: Action): Promise<ActResult | null> {
    const result = await this.#releases.do(releaseId, { kind: 'act', action })
    this.#tellLoops()
    return result
  }

  async amend(releaseId: string, amendment: Amendment): Promise<ActResult | null> {
    const result = await this.#releases.do(releaseId, { kind: 'amend', amendment })
    this.#tellLoops()
    return result
  }

  async create(input: CreateInput): Promise<CreateResult> {
    const { project, environment, plan, planDigest, version, supports } = input
    const now = await this.#clock.now()
    const { strategy } = plan
    const started = startRelease({ ...input, strategy, now, supports })
    if (!started.ok) return started
    const { state } = started
    const events = started.events.map((body, index) => ({ seq: index + 1, at: now, body }))
    // Only the status is taken from here: what follows is decided in the first turn, with its commands journalled.
    const evidence = EvidenceFold.start(plan)
    const { status } = decide({ plan, state, evidence, hands: {}, results: [], completedPlans: [], now })
    const release = { project, environment, plan, planDigest, version, events, state, status, wakeAt: now }
    const created = await this.#store.releases.createRelease(release)
    if (!created.ok) return { ok: false, refusals: [], hand: created.hand, holder: created.holder }
    await this.#releases.claimOne(created.id)
    this.#tellLoops()
    return { ok: true, id: created.id }
  }

  wake(releaseIds: readonly string[]): void {
    this.#releases.residents.wake(releaseIds)
    this.#tellLoops()
  }

  ingestHint(services: readonly ServiceKey[]): void {
    for (const service of services) this.#releases.residents.samplesArrived(service)
    this.#tellLoops()
  }

  hear(hint: EngineHint): void {
    switch (hint.kind) {
      case 'wake':
        return this.wake([hint.releaseId])
      case 'samples':
        return this.ingestHint([hint])
      case 'commands':
        this.#executor.expect([hint.lane])
        return this.#tellLoops()
      case 'reconnected':
        this.#releases.residents.wakeAll()
        this.#executor.expect(['raise', 'notify', 'report'])
        return this.#tellLoops()
      default:
        return
    }
  }

  lookAtHands(): void {
    this.#reconciler.lookAgain()
    this.#tellLoops()
  }

  peek(releaseId: string) {
    return this.#releases.residents.get(releaseId)
  }
}

function earliest(times: readonly (number | null)[]): number | null {
  let next: number | null = null
  for (const at of times) if (at !== null && (next === null || at < next)) next = at
  return next
}
