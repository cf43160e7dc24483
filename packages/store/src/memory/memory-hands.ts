import type { HandReading } from '@dankai/core'
import type { HandRow, HandStore } from '@dankai/engine'
import { wakeRelease } from './memory-release-rows.ts'
import { byText, type MemoryHand, type MemoryRelease, type MemoryState } from './memory-state.ts'

export function createMemoryHands(state: MemoryState): HandStore {
  return {
    async handsOf(releaseId) {
      const release = state.releases.get(releaseId)
      return release === undefined ? [] : handRowsOf(release)
    },
    async handsDue(observeAfterMs, limit) {
      const now = await state.now()
      const due = [...state.live].flatMap(release => {
        const hands = release.hands.filter(hand => isDue(hand, now - observeAfterMs))
        return hands.length === 0 ? [] : [{ id: release.id, urgency: urgencyOf(hands), readAt: readAtOf(hands) }]
      })
      const ordered = due.toSorted((a, b) => a.urgency - b.urgency || a.readAt - b.readAt || byText(a.id, b.id))
      return ordered.slice(0, limit).map(({ id }) => id)
    },
    async recordReading(releaseId, handId, reading) {
      const now = await state.now()
      const release = state.releases.get(releaseId)
      const hand = release?.hands.find(({ hand }) => hand.id === handId)
      if (hand === undefined || hand.generation !== reading.generation) return
      const isNews = saysSomethingNew(hand.reading, reading)
      hand.reading = reading
      hand.isReached = reading.reached
      if (isNews) wakeRelease(state, release, now)
    },
  }
}

export function handRowsOf(release: MemoryRelease): readonly HandRow[] {
  const { id, project, environment, hands } = release
  return hands.map(({ hand, position, desired, generation, direction, reading, desiredAt }) => {
    return { releaseId: id, project, environment, hand, position, desired, generation, direction, reading, desiredAt }
  })
}

function isDue(hand: MemoryHand, readBefore: number): boolean {
  return hand.isLive && (!hand.isReached || (hand.reading !== null && hand.reading.at <= readBefore))
}

function urgencyOf(hands: readonly MemoryHand[]): number {
  return hands.some(hand => hand.direction === 'lower') ? 0 : 1
}

function readAtOf(hands: readonly MemoryHand[]): number {
  return Math.min(...hands.map(hand => hand.reading?.at ?? 0))
}

/** `readings` counts repetitions: only that there is a second one matters ("reached its floor twice"). */
function saysSomethingNew(before: HandReading | null, reading: HandReading): boolean {
  return (
    before === null ||
    before.reached !== reading.reached ||
    before.share !== reading.share ||
    before.problem !== reading.problem ||
    before.generation !== reading.generation ||
    Math.min(before.readings, 2) !== Math.min(reading.readings, 2)
  )
}
