import type { CompiledPlan, Exposure } from '@dankai/plan'
import { createPeople, type People } from './people.ts'
import type { Happening } from './script.ts'
import type { ExposureCause } from './trace.ts'
import type { VirtualClock } from './virtual-clock.ts'
import { createEffectJournal, type EffectJournal } from './world/effect-journal.ts'
import type { GoodValues } from './world/good-values.ts'
import { createHandWorld, type HandWorld, isMeasured } from './world/hand-world.ts'
import { createMetricWorld, earliest, type MetricWorld } from './world/metric-world.ts'
import { createStepWorld, type StepWorld } from './world/step-world.ts'

/** Everything outside the engine: metrics, hands, commands, people. Healthy and prompt until a script says otherwise. */
export interface SimulatedWorld {
  readonly metrics: MetricWorld
  readonly hands: HandWorld
  readonly steps: StepWorld
  readonly people: People
  readonly journal: EffectJournal
  /** Lets something happen now. Crashes, suspensions and what people do concern the engine and are not done here. */
  happen(happening: Happening, forMs: number | null): void
  /** Next moment at which the world differs from now by itself. */
  nextChange(after: number): number | null
}

export interface SimulatedWorldOptions {
  readonly plan: CompiledPlan
  readonly good: GoodValues
  readonly clock: VirtualClock
  readonly fidelity: 'events' | 'full'
  readonly onExposure: (exposure: Exposure, cause: ExposureCause) => void
}

export function createSimulatedWorld(options: SimulatedWorldOptions): SimulatedWorld {
  const { plan, clock } = options
  const journal = createEffectJournal()
  const metrics = createMetricWorld({ ...options, start: clock.at })
  const hands = createHandWorld(plan, clock, journal, (exposure, cause) => {
    metrics.setExposed(isMeasured(exposure), clock.at)
    options.onExposure(exposure, cause)
  })
  const steps = createStepWorld(plan, clock, journal)
  const people = createPeople(plan)

  const happen = (happening: Happening, forMs: number | null): void => {
    const from = clock.at
    const to = forMs === null ? null : from + forMs
    switch (happening.kind) {
      case 'metric':
        return metrics.change({ ...happening, at: from, forMs })
      case 'late':
        return metrics.delay({ from, to: to ?? from, byMs: happening.byMs })
      case 'absent':
        return people.setAbsent({ roles: happening.roles, from, to })
      case 'present':
        return people.setPresent(happening.roles, from)
      case 'step':
        return steps.script({ ...happening, from, to })
      case 'hand':
        return hands.trouble(happening.hand, happening.trouble, {
          from,
          to,
          left: happening.times ?? Number.POSITIVE_INFINITY,
        })
      case 'drift':
        return hands.drift(happening.hand, happening.share)
      default:
        return
    }
  }
  const nextChange = (after: number): number | null =>
    earliest([metrics.nextLook(after), hands.nextChange(after), people.nextChange(after)])

  return { metrics, hands, steps, people, journal, happen, nextChange }
}
