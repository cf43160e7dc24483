import type { EventBody } from '@dankai/core'
import { defaultSettings } from '@dankai/engine'
import type { CompiledPlan, ScenarioMoment } from '@dankai/plan'
import { createMemoryStore } from '@dankai/store'
import { checkScript } from './check-script.ts'
import { defaultStart } from './default-start.ts'
import { resolveMoment } from './moment.ts'
import { actionBy } from './people.ts'
import type { Script, ScriptItem } from './script.ts'
import { createSeededRandom } from './seeded-random.ts'
import { createSimulatedEngine, type SimulatedEngine } from './simulated-engine.ts'
import { farAwayMs, settingsFor, supportsOf } from './simulated-settings.ts'
import { createSimulatedWorld, type SimulatedWorld } from './simulated-world.ts'
import { readSpokenAction } from './spoken-action.ts'
import type { Trace } from './trace.ts'
import { createTraceRecorder, type TraceRecorder } from './trace-recorder.ts'
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts'
import { findGoodValues } from './world/good-values.ts'
import { earliest } from './world/metric-world.ts'

/**
 * Runs one release of a plan in a world, on a virtual clock, with the engine the server runs.
 *
 * Invariants
 *  1. Time goes from one moment at which something may happen to the next; `full` fidelity stops at every bucket end
 *     too. Both give the same events.
 *  2. The same plan, script and seed give the same trace.
 *  3. It always ends: when the release has ended and nothing is looked for any more, when nothing can happen, or when
 *     the time given is over.
 */
export interface SimulateOptions {
  readonly plan: CompiledPlan
  readonly script: Script
  readonly seed: number
  readonly fidelity: 'events' | 'full'
  /** Epoch milliseconds; null = a day on which the calendar is open. */
  readonly start: number | null
  readonly labels: readonly string[]
  /** How long to run at most; null = long enough for the plan and everything the script names. */
  readonly lastsMs: number | null
  /** Moments somebody wants to look at: the simulation goes on until the last of them. */
  readonly lookedAt: readonly ScenarioMoment[]
}

export type SimulateResult =
  | { readonly ok: true; readonly trace: Trace }
  | { readonly ok: false; readonly message: string }

export async function simulate(options: SimulateOptions): Promise<SimulateResult> {
  const good = findGoodValues(options.plan)
  if (!good.ok) return good
  const problem = checkScript(options.plan, options.script)
  if (problem !== null) return { ok: false, message: problem }
  const run = new SimulatedRun(options, good.values)
  const refused = await run.begin()
  if (refused !== null) return { ok: false, message: refused }
  return { ok: true, trace: await run.finish() }
}

const minute = 60_000
const day = 24 * 60 * minute
/** Weekends, holidays and long answers fit in; a stuck release does not run for ever. */
const slackMs = 10 * day
/** Rounds at one moment: more means that something answers itself. */
const roundsMax = 1_000
/** A look without the loop around it is right only while the last decision is this fresh (coverage). */
const lookFreshMs = 30_000

class SimulatedRun {
  readonly #options: SimulateOptions
  readonly #clock: VirtualClock
  readonly #world: SimulatedWorld
  readonly #engine: SimulatedEngine
  readonly #recorder: TraceRecorder
  readonly #waiting: Set<ScriptItem>
  readonly #refusals: { at: number; message: string }[] = []
  #engineDue: number | null = null
  #lastTickAt: number
  #ticks = 0
  /** When hands are read again although nobody moves them, as a real engine does all the time. */
  #handsDue: number | null = null
  #handsSeenAt: number
  /** What everybody who acts at this moment saw before. */
  #seenPhase: string | null = null
  /** True for the last look before the engine is gone: it expects to look again soon, as a real one does. */
  #expectsSoon = false

  constructor(options: SimulateOptions, good: Readonly<Record<string, number>>) {
    const { plan, script, seed } = options
    this.#options = options
    this.#clock = createVirtualClock(options.start ?? defaultStart(plan, options.labels))
    this.#lastTickAt = this.#clock.at
    this.#handsSeenAt = this.#clock.at
    this.#recorder = createTraceRecorder(plan, this.#clock.at)
    this.#world = createSimulatedWorld({
      plan,
      good,
      clock: this.#clock,
      fidelity: options.fidelity,
      onExposure: (exposure, cause) => this.#recorder.recordExposure({ at: this.#clock.at, exposure, cause }),
    })
    this.#waiting = new Set(script)
    const random = createSeededRandom(seed)
    this.#engine = createSimulatedEngine({
      plan,
      clock: this.#clock,
      store: createMemoryStore({ clock: this.#clock }),
      observations: {
        read: async (_release, cursor, now) => ({
          observations: this.#world.metrics.read(cursor ?? this.#recorder.anchors.start! - 1, now),
          cursor: now,
          nextAt: now + (this.#expectsSoon ? defaultSettings.decideEveryMs : farAwayMs),
        }),
      },
      hands: this.#world.hands,
      runner: this.#world.steps.runner,
      settings: settingsFor(script),
      random: random.next,
      onEvents: (events, state, status) => {
        this.#recorder.recordEvents(events, state)
        this.#recorder.recordStatus(this.#clock.at, status)
        if (events.some(({ body }) => beginsEvidence.has(body.type))) this.#world.metrics.mark(this.#clock.at)
        this.#armDue()
      },
    })
  }

  async begin(): Promise<string | null> {
    const { plan, labels } = this.#options
    // What stops the engine waits until there is a release.
    for (const item of this.#waiting)
      if (!stopsEngine(item) && item.happening.kind !== 'person' && this.#isDue(item)) {
        this.#waiting.delete(item)
        this.#world.happen(item.happening, item.forMs)
      }
    return await this.#engine.create({
      project: 'simulation',
      environment: 'simulation',
      plan,
      planDigest: 'simulated',
      version: 'simulated',
      labels,
      by: 'simulation',
      exemption: null,
      supports: supportsOf(plan),
    })
  }

  async finish(): Promise<Trace> {
    let horizonReached = false
    for (;;) {
      await this.#settle()
      const next = this.#nextMoment()
      const last = this.#lastMoment()
      if (this.#recorder.outcome() !== 'running' && (next === null || next > this.#lookedAtUntil())) break
      if (next === null || next > last) {
        horizonReached = true
        break
      }
      await this.#advance(next)
    }
    this.#clock.advanceTo(Math.max(this.#clock.at, Math.min(this.#lookedAtUntil(), this.#lastMoment())))
    return this.#trace(horizonReached)
  }

  // ── One moment ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Everything that happens at this moment, until nothing more follows. */
  async #settle(): Promise<void> {
    this.#seenPhase = this.#presentPhase()
    for (let round = 0; round < roundsMax; round += 1) {
      const happened = await this.#letHappen()
      await this.#tick()
      const acted = await this.#letPeopleAct()
      if (!happened && !acted && !this.#hasDueItem()) return
    }
    throw new Error(
      `Cannot simulate "${this.#options.plan.name}": found no rest at ${new Date(this.#clock.at).toISOString()}, expected that people and engine stop answering each other.`,
    )
  }

  async #tick(): Promise<void> {
    const wasDownFrom = this.#engine.revive()
    if (wasDownFrom !== null) {
      this.#world.metrics.leaveUnwatched(wasDownFrom, this.#clock.at)
      this.#world.metrics.mark(this.#clock.at)
    }
    this.#engineDue = await this.#engine.tick()
    this.#ticks += 1
    this.#lastTickAt = this.#clock.at
    this.#recordStatus()
    if (this.#world.hands.changedAt === this.#handsSeenAt) return
    this.#handsSeenAt = this.#world.hands.changedAt
    this.#handsDue = this.#handsSeenAt + defaultSettings.observeEveryMs
  }

  #presentPhase(): string | null {
    const lifecycle = this.#recorder.state?.lifecycle
    return lifecycle?.kind === 'running' ? (this.#options.plan.phases[lifecycle.phase]?.name ?? null) : null
  }

  async #lookOnceMore(): Promise<void> {
    this.#expectsSoon = true
    await this.#engine.notice()
    await this.#tick()
    this.#expectsSoon = false
  }

  #recordStatus(): void {
    const seen = this.#engine.peek()
    if (seen) this.#recorder.recordStatus(this.#clock.at, seen.status)
  }

  /** Script items whose time has come; what people do comes after, in `#letPeopleAct`. */
  async #letHappen(): Promise<boolean> {
    let happened = false
    for (const item of this.#waiting) {
      const { happening } = item
      if (happening.kind === 'person' || !this.#isDue(item)) continue
      this.#waiting.delete(item)
      happened = true
      // What stops the engine stops it after it has seen this moment.
      if (stopsEngine(item)) await this.#lookOnceMore()
      if (happening.kind === 'crash') this.#engine.arm(happening.crash, happening.restartMs)
      else if (happening.kind === 'suspended') this.#engine.suspend(happening.ms)
      else this.#world.happen(happening, item.forMs)
      if (happening.kind === 'drift' || happening.kind === 'hand') this.#engine.noticeHands()
    }
    return happened
  }

  /**
   * A crash at a phase strikes on the way into it: it is armed the moment the phase is entered, before its exposure is
   * confirmed, because that is where the interesting instants are.
   */
  #armDue(): void {
    const entered = this.#recorder.events.findLast(({ body }) => body.type === 'PhaseEntered')?.body
    const phase = entered?.type === 'PhaseEntered' ? entered.name : null
    for (const item of this.#waiting) {
      const { at, happening } = item
      if (happening.kind !== 'crash' || happening.crash.kind === 'now') continue
      if (at.kind !== 'anchor' || at.plusMs !== 0 || at.anchor !== phase) continue
      this.#waiting.delete(item)
      this.#engine.arm(happening.crash, happening.restartMs)
    }
  }

  #hasDueItem(): boolean {
    const next = this.#nextScripted()
    return next !== null && next <= this.#clock.at
  }

  #isDue(item: ScriptItem): boolean {
    const at = resolveMoment(item.at, this.#recorder.anchors)
    return at !== null && at <= this.#clock.at
  }

  async #letPeopleAct(): Promise<boolean> {
    const { state } = this.#recorder
    if (state === null || this.#engine.backAt !== null) return false
    let acted = false
    for (const item of [...this.#waiting]) {
      if (item.happening.kind !== 'person' || !this.#isDue(item)) continue
      this.#waiting.delete(item)
      acted = true
      await this.#actAsScripted(item.happening, item)
    }
    for (const action of this.#world.people.answers(this.#recorder.state ?? state, this.#clock.at)) {
      const result = await this.#engine.act(action)
      if (result?.ok) acted = true
    }
    return acted
  }

  async #actAsScripted(
    happening: Extract<ScriptItem['happening'], { kind: 'person' }>,
    item: ScriptItem,
  ): Promise<void> {
    const spoken = readSpokenAction(happening.does, this.#options.plan, this.#recorder.state!)
    if (!spoken.ok) return this.#refuse(spoken.message, item)
    const { person, why } = happening
    // A script may write one release-manager of the release-managers.
    const action = {
      ...actionBy(person, person, spoken.body, why ?? 'scripted'),
      roles: [person, `${person}s`],
      // Two people who promote at once saw the same phase; the second must not promote the next one.
      expected: spoken.body.type === 'promote' ? { phase: this.#seenPhase, seq: null } : null,
    }
    const result = await this.#engine.act(action)
    if (result !== null && !result.ok) this.#refuse(result.refusal.message, item)
  }

  #refuse(message: string, { place }: ScriptItem): void {
    const where = place === null ? '' : `${place.file}:${place.line}:${place.column}: `
    this.#refusals.push({ at: this.#clock.at, message: `${where}${message}` })
  }

  // ── From moment to moment ─────────────────────────────────────────────────────────────────────────────────────────

  #nextMoment(): number | null {
    const { at } = this.#clock
    const world = this.#recorder.outcome() === 'running' ? this.#world.nextChange(at) : null
    const times = [
      this.#engineDue,
      this.#engine.backAt,
      this.#nextScripted(),
      this.#clock.nextTimer(),
      this.#handsDue,
      world,
    ]
    const next = earliest(times.map(time => (time === null ? null : Math.max(time, at + 1))))
    if (next === null || next <= at + 1 || this.#engine.backAt !== null) return next
    const bound = this.#recorder.outcome() === 'running' ? this.#world.metrics.firstBound(at, next) : null
    if (bound !== null) return bound
    // Whatever strikes while a crash is armed must find written down how far the release was covered.
    return this.#engine.isArmed ? next - 1 : next
  }

  /** What people want to do waits until somebody listens. */
  #nextScripted(): number | null {
    const isDown = this.#engine.backAt !== null
    const items = [...this.#waiting].filter(({ happening }) => !isDown || happening.kind !== 'person')
    return earliest(items.map(item => resolveMoment(item.at, this.#recorder.anchors)))
  }

  async #advance(next: number): Promise<void> {
    if (this.#options.fidelity === 'full') await this.#lookAtEveryBucket(next)
    const handsChange = this.#world.hands.nextChange(this.#clock.at)
    this.#clock.advanceTo(next)
    await this.#engine.notice()
    const isDue = this.#handsDue !== null && this.#handsDue <= next
    if (isDue) this.#handsDue = null
    if (isDue || (handsChange !== null && handsChange <= next)) this.#engine.noticeHands()
  }

  /** Full fidelity: every bucket end on the way is looked at by itself. */
  async #lookAtEveryBucket(until: number): Promise<void> {
    if (this.#engine.backAt !== null || this.#recorder.outcome() !== 'running') return
    for (
      let at = this.#world.metrics.nextBucketEnd(this.#clock.at);
      at !== null && at < until;
      at = this.#world.metrics.nextBucketEnd(at)
    ) {
      this.#clock.advanceTo(at)
      if (at - this.#lastTickAt <= lookFreshMs) {
        this.#ticks += 1
        this.#lastTickAt = at
        if (!(await this.#engine.look())) continue
      }
      await this.#engine.notice()
      await this.#settle()
      if (this.#recorder.outcome() !== 'running') return
    }
  }

  /** The end of the time given; without one, of everything the plan and the script can need. */
  #lastMoment(): number {
    const { plan, script, lastsMs } = this.#options
    const { anchors } = this.#recorder
    if (lastsMs !== null) return anchors.start! + lastsMs
    const planMs = plan.phases.reduce((sum, phase) => sum + (phase.holdMs ?? day), 0)
    const scripted = script.flatMap(item => {
      const at = resolveMoment(item.at, anchors)
      return at === null ? [] : [at + (item.forMs ?? 0)]
    })
    return Math.max(anchors.start! + 2 * planMs, this.#lookedAtUntil(), ...scripted) + slackMs
  }

  #lookedAtUntil(): number {
    const times = this.#options.lookedAt.map(moment => resolveMoment(moment, this.#recorder.anchors) ?? 0)
    return Math.max(this.#recorder.anchors.start!, ...times)
  }

  #trace(horizonReached: boolean): Trace {
    const { events, state, exposures, statuses, anchors } = this.#recorder
    return {
      plan: this.#options.plan,
      seed: this.#options.seed,
      start: anchors.start!,
      end: this.#clock.at,
      events,
      state: state!,
      exposures,
      statuses,
      effects: this.#world.journal.performed,
      refusals: this.#refusals,
      outcome: this.#recorder.outcome(),
      horizonReached,
      anchors,
      ticks: this.#ticks,
      crashes: this.#engine.crashes,
    }
  }
}

const beginsEvidence: ReadonlySet<EventBody['type']> = new Set(['PhaseEntered', 'ExposureReached', 'RollbackStarted'])

function stopsEngine({ happening }: ScriptItem): boolean {
  return happening.kind === 'crash' || happening.kind === 'suspended'
}
