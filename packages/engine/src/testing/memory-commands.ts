import type { Command } from '@dankai/core'
import type { ClaimedCommand, CommandStore, EndedCommand } from '../ports.ts'

export interface CommandRow {
  readonly id: string
  readonly releaseId: string
  readonly command: Command
  status: 'planned' | 'claimed' | 'superseded' | EndedCommand['outcome']
  attempt: number
  fence: number
  owner: string | null
  notBefore: number
  ended: EndedCommand | null
  folded: boolean
  late: number
}

interface Surroundings {
  readonly commands: readonly CommandRow[]
  readonly now: () => number
  readonly isAlive: (owner: string | null) => boolean
  readonly wake: (releaseId: string) => void
  readonly placeOf: (releaseId: string) => { readonly project: string; readonly environment: string }
}

/** The journal of commands in memory, for the engine's own tests. */
export function createMemoryCommands({ commands, now, isAlive, wake, placeOf }: Surroundings): CommandStore {
  const end = (
    row: CommandRow,
    outcome: EndedCommand['outcome'],
    detail: string | null,
    output: EndedCommand['output'],
  ) => {
    row.status = outcome
    row.ended = { slot: row.command.slot, outcome, detail, output, at: now() }
    wake(row.releaseId)
  }

  return {
    async claimCommands(owner, lane, limit) {
      for (const row of commands) {
        const { expiresAt } = row.command
        if (row.status === 'planned' && expiresAt !== null && expiresAt <= now()) end(row, 'expired', 'expired', null)
      }
      const due = commands.filter(
        row => row.status === 'planned' && row.command.lane === lane && row.notBefore <= now(),
      )
      return due.slice(0, limit).map(row => claimCommand(row, owner))
    },
    async finishCommand(claimed, result) {
      const row = commands.find(candidate => candidate.id === claimed.id)!
      if (row.status !== 'claimed' || row.attempt !== claimed.attempt || row.fence !== claimed.fence) {
        row.late++
        return 'late'
      }
      row.owner = null
      if (result.retryAt === null) end(row, result.outcome, result.detail, result.output)
      else {
        row.status = 'planned'
        row.notBefore = result.retryAt
      }
      return 'applied'
    },
    async giveBackCommands(owner, lane, held) {
      const isHeld = (row: CommandRow) => held.some(({ id, fence }) => id === row.id && fence === row.fence)
      const lost = commands.filter(
        row => row.status === 'claimed' && row.owner === owner && row.command.lane === lane && !isHeld(row),
      )
      for (const row of lost)
        Object.assign(row, { status: 'planned', owner: null, attempt: row.attempt - 1, fence: row.fence + 1 })
      return lost.length
    },
    async recoverCommands() {
      const orphans = commands.filter(row => row.status === 'claimed' && !isAlive(row.owner))
      for (const row of orphans) {
        row.fence++
        row.owner = null
        if (row.command.effectClass === 'ask') end(row, 'ambiguous', 'its instance died', null)
        else row.status = 'planned'
      }
      return orphans.length
    },
    async nextCommandAt() {
      const planned = commands.filter(row => row.status === 'planned')
      return planned.length === 0 ? null : Math.min(...planned.map(row => row.notBefore))
    },
  }

  function claimCommand(row: CommandRow, owner: string): ClaimedCommand {
    row.status = 'claimed'
    row.owner = owner
    row.attempt++
    row.fence++
    const { project, environment } = placeOf(row.releaseId)
    const { id, releaseId, command, attempt, fence } = row
    return { id, releaseId, project, environment, command, attempt, fence }
  }
}
