import type { Command } from '@dankai/core'
import { backOffMs } from './back-off.ts'
import type { EngineClock } from './engine-clock.ts'
import type { EngineLog, EngineStore } from './engine-options.ts'
import type { Faults } from './fault-points.ts'
import type { ClaimedCommand, EffectRunner, EndedCommand } from './ports.ts'
import type { EngineSettings } from './settings.ts'
import { type CallResult, detailOf, Lane, type Work } from './work.ts'

/**
 * Runs journalled commands: claim, run, write down what came of it.
 *
 *   planned ─ claimed ─ succeeded | failed | ambiguous        a retry plans the same command again
 *
 * Invariants
 *  1. A command is run only by the instance that claimed this attempt, and its result is written for this attempt:
 *     what an older one says is stored as late and never applied.
 *  2. What may have happened is never called failed for an `ask` command: no answer, a throw or a crash is ambiguous.
 *     `set` and `keyed` commands are repeated instead, because repeating them is safe.
 *  3. Lanes do not wait for each other.
 *  4. A claim whose answer was lost may have been written: then nobody has begun what was claimed, and nobody else would
 *     while this instance lives. So it is given back before the lane claims again.
 */
export interface ExecutorOptions {
  readonly store: EngineStore
  readonly runners: readonly EffectRunner[]
  readonly owner: string
  readonly clock: EngineClock
  readonly settings: EngineSettings
  readonly faults: Faults
  readonly log: EngineLog
  readonly work: Work
  readonly random: () => number
  readonly ended: (releaseId: string, result: EndedCommand) => void
}

export type CommandLane = Command['lane']
export const commandLanes: readonly CommandLane[] = ['raise', 'notify', 'report']

type Outcome = Awaited<ReturnType<EffectRunner['run']>>
type Finish = Parameters<EngineStore['commands']['finishCommand']>[1]

/** Longer than a hiccup of a provider, short against the minutes a notice may take. */
const retryFirstMs = 1_000
const retryMostMs = 60_000
/** Half of the time after which an instance counts as dead: what it left is not long without anybody. */
const recoverEveryMs = 2_000
/** A claim that timed out may reach the database later than this instance asks again, but not by more. */
const lostClaimMs = 10_000
/** A lane with nothing to claim asks again after this, if another lane has something waiting. */
const idleClaimMs = 250

export class Executor {
  readonly #options: ExecutorOptions
  readonly #runners: ReadonlyMap<string, EffectRunner>
  readonly #lanes: ReadonlyMap<CommandLane, Lane>
  readonly #claims: Lane
  readonly #recovery: Lane
  /** When a command of a lane may be due; Infinity = only when told. */
  readonly #dueAt = new Map<CommandLane, number>()
  /** Claims whose answer is here and whose result is not written; one that broke off stays, as it has begun. */
  readonly #held = new Map<CommandLane, Set<ClaimedCommand>>(commandLanes.map(lane => [lane, new Set()]))
  /** Until when a lane may have claims whose answer was lost. */
  readonly #unsureUntil = new Map<CommandLane, number>()
  #recoveredAt = Number.NEGATIVE_INFINITY
  #polledAt = Number.NEGATIVE_INFINITY

  constructor(options: ExecutorOptions) {
    this.#options = options
    this.#runners = new Map(options.runners.flatMap(runner => runner.kinds.map(kind => [kind, runner] as const)))
    this.#lanes = new Map(commandLanes.map(lane => [lane, new Lane(options.settings.lanes[lane], options.work)]))
    this.#claims = new Lane(commandLanes.length, options.work)
    this.#recovery = new Lane(1, options.work)
  }

  /** Commands of these lanes may be due. */
  expect(lanes: Iterable<CommandLane>): void {
    for (const lane of lanes) this.#dueAt.set(lane, Number.NEGATIVE_INFINITY)
  }

  run(now: number): number {
    let started = this.#startRecovery(now)
    if (now - this.#polledAt >= this.#options.settings.pollEveryMs) {
      this.#polledAt = now
      this.expect(commandLanes)
    }
    for (const lane of commandLanes) if ((this.#dueAt.get(lane) ?? now) <= now) started += this.#startClaim(lane)
    return started
  }

  nextDue(): number | null {
    const next = Math.min(...this.#dueAt.values())
    return Number.isFinite(next) ? next : null
  }

  /** Commands of instances that died: planned again, or ambiguous, by their effect class. */
  #startRecovery(now: number): number {
    const everyMs = Math.max(recoverEveryMs, this.#options.settings.pollEveryMs)
    if (now - this.#recoveredAt < everyMs) return 0
    this.#recoveredAt = now
    return this.#recovery.start('recover', () => this.#recover()) ? 1 : 0
  }

  async #recover(): Promise<void> {
    const { store, faults, log } = this.#options
    try {
      faults.at('recover: before')
      const recovered = await store.commands.recoverCommands()
      faults.at('recover: after')
      if (recovered === 0) return
      log.warn({ recovered }, 'commands of a dead instance were recovered')
      this.expect(commandLanes)
    } catch (error) {
      log.warn({ detail: detailOf(error) }, 'commands of dead instances could not be recovered')
    }
  }

  #startClaim(lane: CommandLane): number {
    if (this.#lanes.get(lane)!.free === 0) return 0
    return this.#claims.start(lane, () => this.#claim(lane)) ? 1 : 0
  }

  async #claim(lane: CommandLane): Promise<void> {
    const { store, owner, faults, log, clock } = this.#options
    this.#dueAt.set(lane, Number.POSITIVE_INFINITY)
    try {
      if (this.#unsureUntil.has(lane)) await this.#giveBack(lane)
      faults.at('command: before claim')
      const claimed = await store.commands.claimCommands(owner, lane, this.#lanes.get(lane)!.free)
      faults.at('command: after claim')
      for (const command of claimed) this.#start(lane, command)
      this.#look(lane, claimed.length > 0 ? clock.latest() : await this.#nextAt())
    } catch (error) {
      log.warn({ lane, detail: detailOf(error) }, 'commands could not be claimed')
      this.#unsureUntil.set(lane, clock.latest() + lostClaimMs)
      this.#look(lane, clock.latest() + retryFirstMs)
    }
  }

  async #giveBack(lane: CommandLane): Promise<void> {
    const { store, owner, log, clock } = this.#options
    const until = this.#unsureUntil.get(lane) ?? 0
    const lost = await store.commands.giveBackCommands(owner, lane, [...this.#held.get(lane)!])
    if (lost > 0) log.warn({ lane, lost }, 'commands were claimed without an answer and are claimed again')
    if (clock.latest() >= until) this.#unsureUntil.delete(lane)
    else this.#look(lane, until)
  }

  /** Each attempt is work of its own: whoever was taken for dead may claim a command again that it still runs. */
  #start(lane: CommandLane, command: ClaimedCommand): void {
    this.#held.get(lane)!.add(command)
    this.#lanes.get(lane)!.start(`${command.id} ${command.fence}`, () => this.#execute(command))
  }

  /** The time may be that of another lane's command, so a lane that found nothing waits a moment at least. */
  async #nextAt(): Promise<number> {
    const at = await this.#options.store.commands.nextCommandAt()
    if (at === null) return Number.POSITIVE_INFINITY
    return Math.max(at, this.#options.clock.latest() + idleClaimMs)
  }

  #look(lane: CommandLane, at: number): void {
    this.#dueAt.set(lane, Math.min(this.#dueAt.get(lane) ?? Number.POSITIVE_INFINITY, at))
  }

  async #execute(claimed: ClaimedCommand): Promise<void> {
    const { faults, log, clock, ended } = this.#options
    const { slot, lane } = claimed.command
    const { releaseId, attempt } = claimed
    try {
      const result = await this.#run(claimed)
      faults.at('command: after run')
      const now = await clock.now()
      const finish = this.#judge(claimed, result, now)
      const answer = await this.#finish(claimed, finish)
      this.#held.get(lane)!.delete(claimed)
      faults.at('command: after finish')
      log.info({ releaseId, slot, attempt, outcome: finish.outcome, answer }, 'a command ended')
      if (answer === 'applied' && finish.retryAt === null) ended(releaseId, endedOf(slot, finish, now))
      this.#look(lane, finish.retryAt ?? now)
    } catch (error) {
      log.error({ releaseId, slot, attempt, detail: detailOf(error) }, 'a command broke off')
    }
  }

  async #run(claimed: ClaimedCommand): Promise<CallResult<Outcome>> {
    const { faults, work, clock } = this.#options
    const { command } = claimed
    const runner = this.#runners.get(command.effect.kind)
    if (runner === undefined) return answered(this.#missingRunner(claimed))
    const leftMs = command.expiresAt === null ? command.timeoutMs : command.expiresAt - (await clock.now())
    if (leftMs <= 0) return answered({ outcome: 'failed', detail: 'expired before it could run', output: null })
    faults.at('command: before run')
    return work.call(Math.min(command.timeoutMs, leftMs), () => runner.run(claimed))
  }

  /** The result is written sooner or later: while this instance lives, nobody else may say what came of its command. */
  async #finish(claimed: ClaimedCommand, finish: Finish): Promise<'applied' | 'late'> {
    const { store, log, work, random } = this.#options
    for (let attempt = 1; ; attempt++) {
      try {
        return await store.commands.finishCommand(claimed, finish)
      } catch (error) {
        const { releaseId } = claimed
        log.warn({ releaseId, slot: claimed.command.slot, detail: detailOf(error) }, 'a result could not be written')
        await work.pause(backOffMs(attempt, retryFirstMs, retryMostMs, random))
      }
    }
  }

  #judge(claimed: ClaimedCommand, result: CallResult<Outcome>, now: number): Finish {
    const { effectClass } = claimed.command
    const outcome = result.kind === 'answered' ? result.value : unknownOutcome(result.detail)
    if (outcome.outcome === 'succeeded') return { ...outcome, retryAt: null }
    if (outcome.outcome === 'ambiguous' && effectClass === 'ask') return { ...outcome, retryAt: null }
    const retryAt = this.#retryAt(claimed, outcome, now)
    // What is safe to repeat and stayed without an answer failed, as far as the release is concerned.
    return { outcome: 'failed', detail: outcome.detail, output: outcome.output, retryAt }
  }

  #retryAt(claimed: ClaimedCommand, outcome: Outcome, now: number): number | null {
    const { command, attempt } = claimed
    if (attempt >= command.attempts || !this.#runners.has(command.effect.kind)) return null
    if (outcome.detail === 'expired before it could run') return null
    const at = now + backOffMs(attempt, retryFirstMs, retryMostMs, this.#options.random)
    return command.expiresAt !== null && at >= command.expiresAt ? null : at
  }

  #missingRunner(claimed: ClaimedCommand): Outcome {
    const { kind } = claimed.command.effect
    const known = [...this.#runners.keys()].join(', ') || 'none'
    const detail = `Cannot run "${claimed.command.slot}": found no runner for "${kind}", expected one of ${known}. Configure a runner or connection for it, then retry.`
    return { outcome: 'failed', detail, output: null }
  }
}

function endedOf(slot: string, finish: Finish, at: number): EndedCommand {
  return { slot, outcome: finish.outcome, detail: finish.detail, output: finish.output, at }
}

function answered(value: Outcome): CallResult<Outcome> {
  return { kind: 'answered', value }
}

function unknownOutcome(detail: string): Outcome {
  return { outcome: 'ambiguous', detail, output: null }
}
