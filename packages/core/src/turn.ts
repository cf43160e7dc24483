import type { CompiledPlan, Step } from '@dankai/plan'
import { apply } from './apply.ts'
import type { DecideInput, WaitingOn } from './decision.ts'
import type { EventBody } from './event.ts'
import type { Lifecycle, ReleaseState } from './state.ts'

/**
 * One decision in the making: the state so far, the events that led to it, what it waits for and when to look again.
 * Every part of `decide` reads `state` and speaks through `emit`, so an event's effect is visible to the next part at
 * once and the events alone carry the decision.
 */
export class Turn {
  readonly input: DecideInput
  readonly plan: CompiledPlan
  readonly now: number
  state: ReleaseState
  readonly events: EventBody[] = []
  waits: WaitingOn[] = []
  wakeAt: number | null = null

  constructor(input: DecideInput) {
    this.input = input
    this.plan = input.plan
    this.now = input.now
    this.state = input.state
  }

  emit(body: EventBody): void {
    this.state = apply(this.plan, this.state, { seq: this.state.seq + 1, at: this.now, body })
    this.events.push(body)
  }

  /** Waiting is told again in every pass; only the last pass, in which nothing happened, counts. */
  beginPass(): void {
    this.waits = []
    this.wakeAt = null
  }

  wait(on: WaitingOn): void {
    this.waits.push(on)
  }

  /** Asks to be woken at a time; times that have passed mean nothing is due then. */
  wake(at: number | null): void {
    if (at === null || at <= this.now) return
    this.wakeAt = this.wakeAt === null ? at : Math.min(this.wakeAt, at)
  }

  get running(): Extract<Lifecycle, { kind: 'running' }> | null {
    return this.state.lifecycle.kind === 'running' ? this.state.lifecycle : null
  }

  /** Labels decide whether a step is part of this release at all. */
  applies(step: Step): boolean {
    return step.when.every(({ label, present }) => this.state.labels.includes(label) === present)
  }
}
