import type { Supports } from '@dankai/core'
import type { EngineSettings } from '@dankai/engine'
import { type CompiledPlan, verbs } from '@dankai/plan'
import type { Script } from './script.ts'

const minute = 60_000
/** The simulation wakes the engine when the world changes; without this it would look every ten seconds by itself. */
export const farAwayMs = 400 * 24 * 60 * minute

/**
 * The engine's own settings, less what only a real machine needs: buckets are never late by themselves, and a hand is
 * read again when the world moves it, not every few seconds of a month.
 */
export function settingsFor(script: Script): Partial<EngineSettings> {
  const mayDie = script.some(({ happening }) => happening.kind === 'crash')
  return {
    latenessMs: 0,
    observeEveryMs: farAwayMs,
    recordEveryMs: farAwayMs,
    checkpointEveryMs: mayDie ? minute : farAwayMs,
    touchEveryMs: mayDie ? 0 : farAwayMs,
    // There is no other instance that could think this one late.
    wakeWrittenMs: 0,
  }
}

export function supportsOf(plan: CompiledPlan): Supports {
  return {
    verbs,
    hands: plan.hands.map(hand => hand.kind),
    channels: ['*'],
  }
}
