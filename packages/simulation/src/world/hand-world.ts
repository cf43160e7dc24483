import { isExposed, levelOf, nobody, sameExposure } from '@dankai/core'
import type { HandMover, HandTarget } from '@dankai/engine'
import type { CompiledPlan, Exposure, Hand } from '@dankai/plan'
import type { HandTrouble } from '../script.ts'
import type { ExposureCause } from '../trace.ts'
import type { VirtualClock } from '../virtual-clock.ts'
import type { EffectJournal } from './effect-journal.ts'

/**
 * The outside systems that move exposure. They do at once what they are told, unless a script makes them fail, drift
 * or unreadable; they know nothing of releases, only what they serve.
 *
 * Invariants
 *  1. Telling a hand what it serves already changes nothing outside: no second reload, no second effect.
 *  2. A hand that cannot go down keeps the share it has.
 *  3. `exposure` is what users have, whatever anybody believes.
 */
export interface HandWorld {
  readonly movers: readonly HandMover[]
  /** What the splitter serves now. */
  exposure(): Exposure
  shareOf(hand: string): number
  trouble(hand: string, kind: HandTrouble, span: TroubleSpan): void
  /** Somebody changes the hand behind Dankai's back. */
  drift(hand: string, share: number): void
  /** When any hand last changed what it serves. */
  readonly changedAt: number
  /** Next moment at which a trouble begins or ends. */
  nextChange(after: number): number | null
}

export interface TroubleSpan {
  readonly from: number
  /** Exclusive; null = for ever. */
  readonly to: number | null
  /** How many calls it still strikes; Infinity = all in this time. */
  left: number
}

/** Beyond every time-out of a call: the engine has long given up on it. */
const lateEffectMs = 45_000

/** Far enough apart that two readings are two looks, short beside any deadline a plan writes. */
const settleMs = 2_000

interface HandState {
  readonly hand: Hand
  serves: Exposure
  readonly troubles: Readonly<Record<HandTrouble, TroubleSpan[]>>
}

export function createHandWorld(
  plan: CompiledPlan,
  clock: VirtualClock,
  journal: EffectJournal,
  onExposure: (exposure: Exposure, cause: ExposureCause) => void,
): HandWorld {
  const states = new Map<string, HandState>(
    plan.hands.map(hand => [hand.id, { hand, serves: nobody, troubles: { fails: [], unreadable: [], slow: [] } }]),
  )
  const splitter = plan.hands[0]?.id ?? ''
  let changedAt = clock.at
  const stateOf = (id: string): HandState => {
    const state = states.get(id) ?? [...states.values()].find(each => each.hand.kind === id)
    if (!state) throw new Error(`Cannot find hand "${id}": expected one of ${[...states.keys()].join(', ')}.`)
    return state
  }
  const serve = (state: HandState, exposure: Exposure, cause: ExposureCause): void => {
    state.serves = exposure
    changedAt = clock.at
    if (state.hand.id === splitter) onExposure(exposure, cause)
  }

  const apply = async (target: HandTarget): Promise<void> => {
    const state = stateOf(target.hand.id)
    if (strikes(state.troubles.fails, clock.at)) throw new Error(`${target.hand.id} refused the change`)
    const isLate = strikes(state.troubles.slow, clock.at)
    if (isLate) await clock.sleep(lateEffectMs)
    const wanted = withFloor(state, target.desired)
    if (sameExposure(state.serves, wanted)) return
    journal.record(clock.at, describeChange(target.hand, wanted))
    serve(state, wanted, isLate ? 'late' : 'dankai')
  }

  const read: HandMover['read'] = async target => {
    const state = stateOf(target.hand.id)
    const floor = target.hand.canLower ? 0 : state.serves.share
    if (strikes(state.troubles.unreadable, clock.at))
      return { share: null, reached: false, floor, problem: 'no answer' }
    const reached = sameExposure(state.serves, withFloor(state, target.desired))
    return { share: servedShare(state), reached, floor, problem: null }
  }

  return {
    movers: [...new Set(plan.hands.map(hand => hand.kind))].map(kind => ({ kind, settleMs, apply, read })),
    exposure: () => states.get(splitter)?.serves ?? nobody,
    get changedAt() {
      return changedAt
    },
    shareOf: id => servedShare(stateOf(id)),
    trouble(id, kind, span) {
      stateOf(id).troubles[kind].push(span)
    },
    drift(id, share) {
      const state = stateOf(id)
      serve(state, withFloor(state, { ...state.serves, share }), 'drift')
    },
    nextChange(after) {
      const edges = [...states.values()]
        .flatMap(state => Object.values(state.troubles).flat())
        .flatMap(span => [span.from, span.to])
      return edges.reduce<number | null>(
        (next, edge) => (edge !== null && edge > after && (next === null || edge < next) ? edge : next),
        null,
      )
    },
  }
}

/** A gate is open or closed; the others serve the number. */
function servedShare({ hand, serves }: HandState): number {
  if (hand.role === 'gate') return isExposed(serves) ? 1 : 0
  return levelOf(serves)
}

/** Takes one strike of the first trouble that is on now. */
function strikes(spans: readonly TroubleSpan[], at: number): boolean {
  const span = spans.find(each => each.left > 0 && each.from <= at && (each.to === null || at < each.to))
  if (!span) return false
  span.left -= 1
  return true
}

/** What cannot go down stays where it is. */
function withFloor({ hand, serves }: HandState, wanted: Exposure): Exposure {
  return hand.canLower || wanted.share >= serves.share ? wanted : { ...wanted, share: serves.share }
}

/** True while anybody, or a copy of real input, goes through the new version: its track is measured. */
export function isMeasured(exposure: Exposure): boolean {
  return exposure.shadow || isExposed(exposure)
}

function describeChange(hand: Hand, exposure: Exposure): string {
  const weight = Number((exposure.share * 100).toFixed(4))
  if (hand.kind === 'nginx' || hand.kind === 'haproxy') return `${hand.kind} reloads with weight=${weight}`
  const cohorts = exposure.cohorts.map(cohort => `${Number((cohort.share * 100).toFixed(4))}% of ${cohort.segment}`)
  const parts = [...(weight > 0 || cohorts.length === 0 ? [`${weight}%`] : []), ...cohorts]
  return `${hand.id} set to ${exposure.shadow ? 'shadow' : parts.join(' + ')}`
}
