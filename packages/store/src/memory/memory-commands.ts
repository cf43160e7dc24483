import type { ClaimedCommand, CommandStore } from '@dankai/engine'
import { isOwnerAlive, type MemoryInstances } from './memory-instances.ts'
import { wakeRelease } from './memory-release-rows.ts'
import { byText, type MemoryCommand, type MemoryState } from './memory-state.ts'

const lateMax = 10

export function createMemoryCommands(state: MemoryState, instances: MemoryInstances): CommandStore {
  return {
    async claimCommands(owner, lane, limit) {
      const now = await state.now()
      const epoch = instances.epochOf(owner, now)
      for (const command of planned(state)) if (isOverdue(command, now)) expire(state, command, now)
      const due = planned(state).filter(({ command, notBefore }) => command.lane === lane && notBefore <= now)
      return due
        .toSorted((one, other) => one.notBefore - other.notBefore || byText(one.id, other.id))
        .slice(0, limit)
        .map(command => claim(command, owner, epoch))
    },
    async finishCommand({ id, attempt, fence }, { outcome, detail, output, retryAt }) {
      const now = await state.now()
      const command = state.commandsById.get(id)
      if (command === undefined) return 'late'
      if (command.status !== 'claimed' || command.attempt !== attempt || command.fence !== fence) {
        if (command.late.length < lateMax) command.late.push({ attempt, outcome, detail, at: now })
        return 'late'
      }
      command.detail = detail
      command.output = output
      command.owner = null
      if (retryAt === null) finish(state, command, outcome, now)
      else plan(command, retryAt)
      return 'applied'
    },
    async giveBackCommands(owner, lane, held) {
      const epoch = instances.epochOf(owner, await state.now())
      const isHeld = (command: MemoryCommand) =>
        held.some(({ id, fence }) => id === command.id && fence === command.fence)
      const lost = [...state.openCommands].filter(
        command =>
          command.status === 'claimed' &&
          command.owner === owner &&
          command.ownerEpoch === epoch &&
          command.command.lane === lane &&
          !isHeld(command),
      )
      for (const command of lost) giveBack(state, command)
      return lost.length
    },
    async recoverCommands() {
      const now = await state.now()
      const orphans = [...state.openCommands].filter(command => isOrphan(state, command, now))
      for (const command of orphans) recover(state, command, now)
      return orphans.length
    },
    async nextCommandAt() {
      let next: number | null = null
      for (const { notBefore, command } of planned(state)) {
        const at = Math.min(notBefore, command.expiresAt ?? notBefore)
        if (next === null || at < next) next = at
      }
      return next
    },
  }
}

function planned(state: MemoryState): MemoryCommand[] {
  if (state.openCommands.size === 0) return []
  return [...state.openCommands].filter(command => command.status === 'planned')
}

function isOverdue({ command }: MemoryCommand, now: number): boolean {
  return command.expiresAt !== null && command.expiresAt <= now
}

function expire(state: MemoryState, command: MemoryCommand, now: number): void {
  command.detail = 'expired before it was started'
  finish(state, command, 'expired', now)
}

function finish(state: MemoryState, command: MemoryCommand, outcome: MemoryCommand['status'], now: number): void {
  command.status = outcome
  command.endedAt = now
  state.openCommands.delete(command)
  wakeRelease(state, command.release, now)
}

function plan(command: MemoryCommand, notBefore: number): void {
  command.status = 'planned'
  command.notBefore = notBefore
}

function claim(command: MemoryCommand, owner: string, epoch: number): ClaimedCommand {
  command.status = 'claimed'
  command.owner = owner
  command.ownerEpoch = epoch
  command.attempt++
  command.fence++
  const { id, release, attempt, fence } = command
  const { project, environment } = release
  return { id, releaseId: release.id, project, environment, command: command.command, attempt, fence }
}

/** Nobody has begun the attempt, so it does not count. */
function giveBack(state: MemoryState, command: MemoryCommand): void {
  command.attempt--
  command.fence++
  command.owner = null
  command.status = 'planned'
  state.hints.tell({ kind: 'commands', lane: command.command.lane })
}

function isOrphan(state: MemoryState, { status, owner, ownerEpoch }: MemoryCommand, now: number): boolean {
  return status === 'claimed' && owner !== null && !isOwnerAlive(state, owner, ownerEpoch, now)
}

function recover(state: MemoryState, command: MemoryCommand, now: number): void {
  command.fence++
  command.owner = null
  command.detail = 'the instance that ran it died; what came of it is not known'
  if (command.command.effectClass === 'ask') return finish(state, command, 'ambiguous', now)
  plan(command, now)
  state.hints.tell({ kind: 'commands', lane: command.command.lane })
}
