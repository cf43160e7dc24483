import { type CompiledPlan, verbs } from '@dankai/plan'
import type { ActionBody } from '../action.ts'
import { apply } from '../apply.ts'
import type { CommandResult } from '../command.ts'
import { decide } from '../decide.ts'
import { type Acted, decideAction } from '../decide-action.ts'
import type { HandReading, ReleaseStatus } from '../decision.ts'
import type { Event, EventBody } from '../event.ts'
import { levelOf } from '../exposure.ts'
import { startRelease } from '../start-release.ts'
import type { ReleaseState } from '../state.ts'
import { ScriptedEvidence } from './small-plan.ts'

/** Drives decide by hand: a clock, hands that follow at once unless held, commands that succeed unless told otherwise. */
export class Runner {
  readonly plan: CompiledPlan
  readonly evidence = new ScriptedEvidence()
  readonly log: Event[] = []
  now = 0
  state: ReleaseState
  status: ReleaseStatus | null = null
  wakeAt: number | null = null
  hands: Record<string, HandReading> = {}
  handsFollow = true
  results: CommandResult[] = []
  completedPlans: string[] = []

  constructor(plan: CompiledPlan, labels: readonly string[] = [], now = 0) {
    this.plan = plan
    this.now = now
    const started = startRelease({
      plan,
      planDigest: 'digest',
      version: 'v2',
      strategy: plan.strategy,
      labels,
      by: 'dev',
      exemption: null,
      now,
      supports: {
        verbs,
        hands: ['flag', 'googlePlay'],
        channels: ['*'],
      },
    })
    if (!started.ok) throw new Error(started.refusals.map(refusal => refusal.message).join('\n'))
    this.state = started.state
    this.record(started.events, started.state)
  }

  /** Decides, and lets hands follow, until nothing changes. */
  settle(): this {
    for (let round = 0; round < 50; round += 1) {
      const before = this.log.length
      const moved = this.handsFollow && this.follow()
      this.decideOnce()
      if (this.log.length === before && !moved) return this
    }
    throw new Error('The release does not come to rest.')
  }

  decideOnce(): readonly EventBody[] {
    const decision = decide({
      plan: this.plan,
      state: this.state,
      evidence: this.evidence,
      hands: this.hands,
      results: this.results,
      completedPlans: this.completedPlans,
      now: this.now,
    })
    this.results = []
    this.record(decision.events, decision.state)
    this.status = decision.status
    this.wakeAt = decision.wakeAt
    return decision.events
  }

  at(ms: number): this {
    this.now = ms
    return this.settle()
  }

  act(
    body: ActionBody,
    options: { by?: string; roles?: string[]; why?: string | null; phase?: string; seq?: number } = {},
  ): Acted {
    const expected =
      options.phase === undefined && options.seq === undefined
        ? null
        : { phase: options.phase ?? null, seq: options.seq ?? null }
    const acted = decideAction({
      plan: this.plan,
      state: this.state,
      evidence: this.evidence,
      action: {
        by: options.by ?? 'ann',
        roles: options.roles ?? ['admin'],
        why: options.why === undefined ? 'because' : options.why,
        expected,
        body,
      },
      now: this.now,
    })
    if (acted.ok) this.record(acted.events, acted.state)
    return acted
  }

  finish(
    step: string,
    outcome: CommandResult['outcome'] = 'succeeded',
    output: Partial<NonNullable<CommandResult['output']>> = {},
  ): this {
    const run = this.state.steps[step]?.run ?? 0
    this.results.push({
      slot: `${step}#${run}`,
      outcome,
      detail: outcome === 'succeeded' ? null : outcome,
      output: { text: '', status: null, rows: null, fields: {}, ...output },
      at: this.now,
    })
    return this.settle()
  }

  types(): readonly string[] {
    return this.log.map(event => event.body.type)
  }

  find<T extends EventBody['type']>(type: T): Extract<EventBody, { type: T }>[] {
    return this.log
      .map(event => event.body)
      .filter((body): body is Extract<EventBody, { type: T }> => body.type === type)
  }

  /** Waiting kinds, in order. */
  waits(): readonly string[] {
    return this.status?.waitingOn.map(wait => wait.kind) ?? []
  }

  private follow(): boolean {
    const { generation, desired } = this.state.exposure
    let moved = false
    for (const hand of this.plan.hands) {
      const before = this.hands[hand.id]
      if (before?.generation === generation && before.readings >= 2) continue
      this.hands = {
        ...this.hands,
        [hand.id]: {
          generation,
          share: levelOf(desired),
          reached: true,
          floor: 0,
          readings: (before?.generation === generation ? before.readings : 0) + 1,
          at: this.now,
          problem: null,
        },
      }
      moved = true
    }
    return moved
  }

  private record(events: readonly EventBody[], state: ReleaseState): void {
    for (const body of events) this.log.push({ seq: this.log.length + 1, at: this.now, body })
    this.state = state
  }

  /** The state by folding the log alone. */
  folded(): ReleaseState {
    const [, ...rest] = this.log
    const started = this.log[0]
    if (started === undefined) throw new Error('empty log')
    return rest.reduce((state, event) => apply(this.plan, state, event), apply(this.plan, this.state, started))
  }
}
