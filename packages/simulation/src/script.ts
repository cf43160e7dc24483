import type { Track } from '@dankai/analysis'
import type { Place, ScenarioMoment } from '@dankai/plan'
import type { WorldValue } from './world/metric-timeline.ts'

/** What happens in a world, in the order it was written. A scenario file and a random world both become this. */
export type Script = readonly ScriptItem[]

export interface ScriptItem {
  readonly at: ScenarioMoment
  /** After this everything is as it was; null = it stays so. */
  readonly forMs: number | null
  readonly happening: Happening
  /** Where it is written; null in a random world. */
  readonly place: Place | null
}

export type Happening =
  | { readonly kind: 'metric'; readonly metric: string; readonly track: Track | null; readonly value: WorldValue }
  /** Buckets that end in this time arrive so much later. */
  | { readonly kind: 'late'; readonly byMs: number }
  | { readonly kind: 'absent'; readonly roles: readonly string[] }
  | { readonly kind: 'present'; readonly roles: readonly string[] }
  /** `does` in words: `pause`, `report data_loss`, `skip "npm test"`. */
  | { readonly kind: 'person'; readonly person: string; readonly does: string; readonly why: string | null }
  | {
      readonly kind: 'step'
      readonly step: string
      readonly result: 'succeeds' | 'fails' | 'ambiguous' | 'hangs'
      readonly times: number | null
      readonly takesMs: number | null
      readonly answers: Readonly<Record<string, number>> | null
    }
  | {
      readonly kind: 'hand'
      readonly hand: string
      readonly trouble: HandTrouble
      readonly times: number | null
    }
  | { readonly kind: 'drift'; readonly hand: string; readonly share: number }
  | { readonly kind: 'crash'; readonly crash: CrashPoint; readonly restartMs: number }
  /** Nobody decides for a while: the machine is suspended, its memory survives. */
  | { readonly kind: 'suspended'; readonly ms: number }

/** slow: the call hangs, and what it asked for happens long after everybody stopped waiting for it. */
export type HandTrouble = 'fails' | 'unreadable' | 'slow'

/** Where the engine dies: at a named instant of its own, around an event it writes, or around something it does. */
export type CrashPoint =
  | { readonly kind: 'point'; readonly point: string }
  | { readonly kind: 'event'; readonly when: 'before' | 'after'; readonly event: string }
  | { readonly kind: 'exposure'; readonly when: 'before' | 'after' }
  | { readonly kind: 'command'; readonly when: 'before' | 'after'; readonly text: string }
  | { readonly kind: 'now' }

/**
 * `after SetExposure ran`, `before npm test ran`, `after PhasePromoted`, `commit: after` (a point of the engine's own
 * list), `now`. null when it is none of these.
 */
export function parseCrashPoint(text: string, points: readonly string[]): CrashPoint | null {
  if (text === 'now') return { kind: 'now' }
  if (points.includes(text)) return { kind: 'point', point: text }
  const ran = /^(before|after) (.+) (?:ran|runs)$/.exec(text)
  if (ran) {
    const when = ran[1] === 'before' ? 'before' : 'after'
    return ran[2] === 'SetExposure' ? { kind: 'exposure', when } : { kind: 'command', when, text: ran[2]! }
  }
  const event = /^(before|after) ([A-Z][A-Za-z]+)$/.exec(text)
  return event ? { kind: 'event', when: event[1] === 'before' ? 'before' : 'after', event: event[2]! } : null
}
