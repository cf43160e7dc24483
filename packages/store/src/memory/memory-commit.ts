import type { Commit } from '@dankai/engine'
import { flagKeysOf } from '../release-row.ts'
import { appendEvents, keepLive, planCommand } from './memory-release-rows.ts'
import { type MemoryCommand, type MemoryRelease, type MemoryState, scopedKey } from './memory-state.ts'

export function isCurrent(release: MemoryRelease, { fence, expectedSeq }: Commit): boolean {
  return release.fence === fence && release.seq === expectedSeq
}

export function writeTimes(release: MemoryRelease, { status, wakeAt, decidedAt }: Commit): void {
  release.status = status
  release.wakeAt = wakeAt
  release.decidedAt = decidedAt
}

export async function commitFully(state: MemoryState, commit: Commit): Promise<'committed' | 'lost'> {
  const now = await state.now()
  const release = state.releases.get(commit.releaseId)
  if (release === undefined || !isCurrent(release, commit)) return 'lost'
  writeTimes(release, commit)
  if (commit.events.length > 0) release.state = commit.state
  release.seq = commit.state.seq
  appendEvents(state, release, commit.events)
  if (commit.evidence !== null) release.evidence = { ...commit.evidence, writtenAt: commit.decidedAt }
  amend(release, commit)
  supersede(state, release, commit.superseded, now)
  for (const slot of commit.folded) fold(release.commands.get(slot))
  for (const command of commit.commands) planCommand(state, release, command, now)
  move(state, release, commit, now)
  end(state, release, commit.ended, now)
  return 'committed'
}

function amend(release: MemoryRelease, { plan, state }: Commit): void {
  if (plan === null) return
  release.plan = plan.plan
  release.planDigest = plan.digest
  release.revision = state.revision
  release.plans.set(state.revision, plan.plan)
}

function supersede(state: MemoryState, release: MemoryRelease, slots: Commit['superseded'], now: number): void {
  for (const command of release.commands.values()) {
    if (command.status !== 'planned' || (slots !== 'all' && !slots.includes(command.command.slot))) continue
    command.status = 'superseded'
    command.endedAt = now
    command.isFolded = true
    state.openCommands.delete(command)
  }
}

function fold(command: MemoryCommand | undefined): void {
  if (command !== undefined && command.endedAt !== null) command.isFolded = true
}

function move(state: MemoryState, release: MemoryRelease, { desired, ended }: Commit, now: number): void {
  for (const hand of release.hands) {
    hand.isLive = hand.isLive && !ended
    if (desired === null) continue
    hand.desired = desired.exposure
    hand.generation = desired.generation
    hand.direction = desired.direction
    hand.desiredAt = now
    hand.isReached = false
  }
  if (desired !== null) state.hints.tell({ kind: 'hands', releaseId: release.id, direction: desired.direction })
}

function end(state: MemoryState, release: MemoryRelease, ended: boolean, now: number): void {
  if (ended) release.endedAt ??= now
  keepLive(state, release)
  if (!ended) return
  for (const { hand } of release.hands) {
    const name = scopedKey(release, hand.id)
    if (state.claims.get(name) === release) state.claims.delete(name)
  }
  for (const key of flagKeysOf(release.plan.hands)) {
    const name = scopedKey(release, key)
    const flag = state.flags.get(name)
    if (flag?.heldBy === release.id) state.flags.set(name, { ...flag, heldBy: null })
  }
}
