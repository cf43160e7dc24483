import type { Command, Event } from '@dankai/core'
import { newId } from '../release-row.ts'
import type { MemoryCommand, MemoryRelease, MemoryState } from './memory-state.ts'

/** Changes to the rows of a release that several ports make. */

export function appendEvents(state: MemoryState, release: MemoryRelease, events: readonly Event[]): void {
  if (events.length === 0) return
  for (const event of events) {
    release.events.push(event)
    state.feed.push({ release, event })
  }
  const { id, project, environment, seq } = release
  state.hints.tell({ kind: 'events', releaseId: id, project, environment, seq })
}

export function planCommand(state: MemoryState, release: MemoryRelease, command: Command, now: number): void {
  if (release.commands.has(command.slot)) return
  const planned: MemoryCommand = {
    id: newId(),
    release,
    command,
    plannedAt: now,
    late: [],
    status: 'planned',
    attempt: 0,
    fence: 0,
    owner: null,
    ownerEpoch: 0,
    notBefore: now,
    endedAt: null,
    detail: null,
    output: null,
    isFolded: false,
  }
  release.commands.set(command.slot, planned)
  state.openCommands.add(planned)
  state.commandsById.set(planned.id, planned)
  state.hints.tell({ kind: 'commands', lane: command.lane })
}

export function keepLive(state: MemoryState, release: MemoryRelease): void {
  if (release.endedAt === null || release.wakeAt !== null) state.live.add(release)
  else state.live.delete(release)
}

export function wakeRelease(state: MemoryState, release: MemoryRelease | undefined, now: number): void {
  if (release === undefined) return
  release.wakeAt = Math.min(release.wakeAt ?? now, now)
  state.live.add(release)
  state.hints.tell({ kind: 'wake', releaseId: release.id })
}
