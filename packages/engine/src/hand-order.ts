import { isExposed, levelOf } from '@dankai/core'
import type { Exposure, Hand } from '@dankai/plan'

/**
 * Up: carriers first, because they must be ready before traffic comes, then the listed order, so that the splitter
 * carries traffic before a gate opens. Down: all at once; the reverse is only the order in which the calls are sent.
 */
export function inOrderOfRaising(listed: readonly Hand[]): readonly Hand[] {
  return [...listed.filter(isCarrier), ...listed.filter(hand => !isCarrier(hand))]
}

export function inOrderOfLowering(listed: readonly Hand[]): readonly Hand[] {
  return inOrderOfRaising(listed).toReversed()
}

function isCarrier(hand: Hand): boolean {
  return hand.role === 'carrier'
}

/** The share a hand should serve: a gate is open or closed, the others carry the number. */
export function shareWanted(hand: Hand, desired: Exposure): number {
  if (hand.role === 'gate') return isExposed(desired) ? 1 : 0
  return levelOf(desired)
}
