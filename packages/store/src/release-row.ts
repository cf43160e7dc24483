import { randomUUIDv7 } from 'node:crypto'
import type { Command, Event, ReleaseState } from '@dankai/core'
import type { Commit } from '@dankai/engine'
import type { Hand } from '@dankai/plan'

/** What both stores derive from a release in the same way. */

let lastId = ''

/**
 * Time-ordered, so that newer rows stand together in indexes and lists by id are lists by time; within a millisecond,
 * where version 7 draws at random, ids of one process count up.
 */
export function newId(): string {
  const drawn = randomUUIDv7()
  lastId = drawn > lastId ? drawn : successorOf(lastId)
  return lastId
}

function successorOf(id: string): string {
  const node = Number.parseInt(id.slice(24), 16) + 1
  return node > 0xffff_ffff_ffff ? randomUUIDv7() : `${id.slice(0, 24)}${node.toString(16).padStart(12, '0')}`
}

export function shareOf(state: ReleaseState): number {
  return state.exposure.desired.share
}

/** Flags a release moves are held by it until it ends. */
export function flagKeysOf(hands: readonly Hand[]): readonly string[] {
  return hands.filter(hand => hand.kind === 'flag').map(flagKeyOf)
}

function flagKeyOf({ id, options }: Hand): string {
  return typeof options['name'] === 'string' ? options['name'] : id.slice(id.indexOf(':') + 1)
}

/** Commands of events that start a release: the engine names them in a commit, a new release has only its events. */
export function commandsOf(events: readonly Event[]): readonly Command[] {
  return events.flatMap(({ body }) => (body.type === 'StepStarted' && body.command !== null ? [body.command] : []))
}

/** By far the most commits of a long release: only the next time and the status are written. */
export function changesNothingButTime(commit: Commit): boolean {
  return (
    commit.events.length === 0 &&
    commit.desired === null &&
    commit.commands.length === 0 &&
    commit.superseded.length === 0 &&
    commit.folded.length === 0 &&
    commit.evidence === null &&
    commit.plan === null &&
    !commit.ended
  )
}
