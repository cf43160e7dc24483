import {
  type EndedCommand,
  type LoadedRelease,
  lateAfterMs,
  type NewRelease,
  type ReleaseStore,
  type ReleaseTouch,
} from '@dankai/engine'
import { changesNothingButTime, commandsOf, flagKeysOf, newId } from '../release-row.ts'
import { commitFully, isCurrent, writeTimes } from './memory-commit.ts'
import { isOwnerAlive, type MemoryInstances } from './memory-instances.ts'
import { appendEvents, keepLive, planCommand, wakeRelease } from './memory-release-rows.ts'
import { byText, type MemoryHand, type MemoryRelease, type MemoryState, scopedKey } from './memory-state.ts'

/**
 * Releases of the in-memory twin, with the conditions of the real one. A four-week simulation commits hundreds of
 * thousands of times without changing more than the next time: that path allocates nothing.
 */
export function createMemoryReleases(state: MemoryState, instances: MemoryInstances): ReleaseStore {
  return {
    async createRelease(release) {
      const now = await state.now()
      const conflict = findHolder(state, release)
      return conflict ?? { ok: true, id: insertRelease(state, release, now).id }
    },
    async claimDue(owner, limit) {
      const now = await state.now()
      const epoch = instances.epochOf(owner, now)
      const due = [...state.live].filter(release => isDue(state, release, owner, epoch, now))
      return due
        .toSorted(byWakeAt)
        .slice(0, limit)
        .map(release => claim(release, owner, epoch))
    },
    async claim(owner, releaseId) {
      const now = await state.now()
      const release = state.releases.get(releaseId)
      return release === undefined ? null : claim(release, owner, instances.epochOf(owner, now))
    },
    commit(commit) {
      if (!changesNothingButTime(commit)) return commitFully(state, commit)
      const release = state.releases.get(commit.releaseId)
      if (release === undefined || !isCurrent(release, commit)) return lost
      writeTimes(release, commit)
      return committed
    },
    async inbox(releases) {
      return releases.flatMap(({ id, fence }) => {
        const release = state.releases.get(id)
        if (release === undefined || release.fence !== fence) return []
        return [{ id, seq: release.seq, results: resultsOf(release), hands: readingsOf(release) }]
      })
    },
    async touch(touches) {
      return touches.filter(touch => !applyTouch(state, touch)).map(touch => touch.releaseId)
    },
    async readPlan(releaseId) {
      return state.releases.get(releaseId)?.plan ?? null
    },
    async nextWakeAt() {
      let next: number | null = null
      for (const { wakeAt } of state.live) if (wakeAt !== null && (next === null || wakeAt < next)) next = wakeAt
      return next
    },
    async wake(releaseIds) {
      const now = await state.now()
      for (const id of releaseIds) wakeRelease(state, state.releases.get(id), now)
    },
    async completedPlans(project, environment) {
      const newest = new Map<string, MemoryRelease>()
      for (const release of state.releases.values()) {
        if (release.project === project && release.environment === environment) newest.set(release.plan.name, release)
      }
      const completed = [...newest].filter(([, release]) => release.state.lifecycle.kind === 'completed')
      return completed.map(([plan]) => plan).toSorted(byText)
    },
  }
}

const committed = Promise.resolve('committed' as const)
const lost = Promise.resolve('lost' as const)

function findHolder(state: MemoryState, release: NewRelease): { ok: false; hand: string; holder: string } | null {
  for (const hand of release.plan.hands.map(({ id }) => id).toSorted(byText)) {
    const holder = state.claims.get(scopedKey(release, hand))
    if (holder !== undefined) return { ok: false, hand, holder: holder.id }
  }
  return null
}

function insertRelease(state: MemoryState, created: NewRelease, now: number): MemoryRelease {
  const { plan, project, environment, version, planDigest } = created
  const release: MemoryRelease = {
    id: newId(),
    project,
    environment,
    version,
    events: [],
    plans: new Map([[created.state.revision, plan]]),
    commands: new Map(),
    hands: plan.hands.map((hand, position) => newHand(hand, position, created)),
    plan,
    planDigest,
    revision: created.state.revision,
    state: created.state,
    status: created.status,
    seq: created.state.seq,
    fence: 0,
    owner: null,
    ownerEpoch: 0,
    wakeAt: created.wakeAt,
    decidedAt: Math.min(created.state.at, now),
    endedAt: null,
    evidence: null,
  }
  state.releases.set(release.id, release)
  state.live.add(release)
  for (const hand of plan.hands) state.claims.set(scopedKey(release, hand.id), release)
  holdFlags(state, release)
  appendEvents(state, release, created.events)
  for (const command of commandsOf(created.events)) planCommand(state, release, command, now)
  state.hints.tell({ kind: 'wake', releaseId: release.id })
  state.hints.tell({ kind: 'hands', releaseId: release.id, direction: 'same' })
  return release
}

function newHand(hand: MemoryHand['hand'], position: number, { state }: NewRelease): MemoryHand {
  const { desired, generation, changedAt } = state.exposure
  return {
    hand,
    position,
    desired,
    generation,
    direction: 'same',
    desiredAt: changedAt,
    isLive: true,
    isReached: false,
    reading: null,
  }
}

function holdFlags(state: MemoryState, release: MemoryRelease): void {
  for (const key of flagKeysOf(release.plan.hands)) {
    const name = scopedKey(release, key)
    const flag = state.flags.get(name)
    if (flag !== undefined) state.flags.set(name, { ...flag, heldBy: release.id, generation: 0 })
  }
}

function isDue(state: MemoryState, release: MemoryRelease, owner: string, epoch: number, now: number): boolean {
  if (release.owner === owner && release.ownerEpoch === epoch) return false
  const { wakeAt } = release
  if (release.owner === null) return wakeAt !== null && wakeAt <= now
  if (!isOwnerAlive(state, release.owner, release.ownerEpoch, now)) return true
  return wakeAt !== null && wakeAt <= now - lateAfterMs
}

function byWakeAt(one: MemoryRelease, other: MemoryRelease): number {
  return (
    (one.wakeAt ?? Number.POSITIVE_INFINITY) - (other.wakeAt ?? Number.POSITIVE_INFINITY) || byText(one.id, other.id)
  )
}

function claim(release: MemoryRelease, owner: string, epoch: number): LoadedRelease {
  release.owner = owner
  release.ownerEpoch = epoch
  release.fence++
  const { id, project, environment, fence, plan, state, status, evidence, decidedAt } = release
  const results = resultsOf(release)
  return {
    id,
    project,
    environment,
    fence,
    plan,
    state,
    status,
    evidence,
    decidedAt,
    results,
    hands: readingsOf(release),
  }
}

function resultsOf(release: MemoryRelease): readonly EndedCommand[] {
  if (release.commands.size === 0) return []
  const ended = [...release.commands.values()].filter(command => command.endedAt !== null && !command.isFolded)
  return ended
    .toSorted((one, other) => one.endedAt! - other.endedAt! || byText(one.command.slot, other.command.slot))
    .map(({ command, status, detail, output, endedAt }) => {
      return { slot: command.slot, outcome: status as EndedCommand['outcome'], detail, output, at: endedAt! }
    })
}

function readingsOf(release: MemoryRelease): LoadedRelease['hands'] {
  const read = release.hands.filter(hand => hand.reading !== null)
  return Object.fromEntries(read.map(hand => [hand.hand.id, hand.reading!]))
}

function applyTouch(state: MemoryState, { releaseId, fence, wakeAt, decidedAt, status }: ReleaseTouch): boolean {
  const release = state.releases.get(releaseId)
  if (release === undefined || release.fence !== fence) return false
  release.wakeAt = wakeAt
  release.decidedAt = Math.max(release.decidedAt, decidedAt)
  if (status !== null) release.status = status
  keepLive(state, release)
  return true
}
