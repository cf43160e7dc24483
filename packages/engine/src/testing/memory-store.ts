import type { Event, HandReading, ReleaseState, ReleaseStatus } from '@dankai/core'
import type { EngineHint } from '../engine.ts'
import type { EngineStore } from '../engine-options.ts'
import { deadAfterMs, lateAfterMs } from '../liveness.ts'
import type { Commit, HandRow, LoadedRelease, NewRelease } from '../ports.ts'
import { type CommandRow, createMemoryCommands } from './memory-commands.ts'

/** A store as the engine's laws look at it from outside; the laws run on every store that offers this. */
export interface BenchStore {
  readonly store: EngineStore
  subscribe(listener: (hint: EngineHint) => void): void
  eventsOf(releaseId: string): Promise<readonly Event[]>
  stateOf(releaseId: string): Promise<ReleaseState>
  statusOf(releaseId: string): Promise<ReleaseStatus>
  commandsOf(releaseId: string): Promise<readonly BenchCommand[]>
  close(): Promise<void>
}

export interface BenchCommand {
  readonly slot: string
  readonly status: CommandRow['status']
  readonly attempt: number
  /** Results that came too late to count. */
  readonly late: number
}

/** Makes a store whose clock is the one given. */
export type BenchStoreFactory = (now: () => number) => Promise<BenchStore>

export const memoryBenchStore: BenchStoreFactory = async now => {
  const { store, rows, commands, subscribe } = createMemoryStore(now)
  return {
    store,
    subscribe,
    eventsOf: async id => rows.get(id)!.events,
    stateOf: async id => rows.get(id)!.state,
    statusOf: async id => rows.get(id)!.status,
    commandsOf: async id => commands.filter(row => row.releaseId === id).map(benchCommandOf),
    close: async () => {},
  }
}

function benchCommandOf({ command, status, attempt, late }: CommandRow): BenchCommand {
  return { slot: command.slot, status, attempt, late }
}

/**
 * The smallest store that keeps the promises of the ports, for the engine's own tests: fences, conditional writes,
 * journal, claims on hands. What goes in and out is copied as a database would.
 */
interface MemoryStore {
  readonly store: EngineStore
  readonly rows: ReadonlyMap<string, ReleaseRow>
  readonly commands: readonly CommandRow[]
  subscribe(listener: (hint: EngineHint) => void): void
}

interface ReleaseRow {
  readonly id: string
  readonly release: NewRelease
  readonly events: Commit['events'][number][]
  state: Commit['state']
  status: Commit['status']
  plan: LoadedRelease['plan']
  wakeAt: number | null
  decidedAt: number
  owner: string | null
  fence: number
  evidence: LoadedRelease['evidence']
  ended: boolean
  hands: HandRow[]
}

function createMemoryStore(now: () => number): MemoryStore {
  const rows = new Map<string, ReleaseRow>()
  const commands: CommandRow[] = []
  const beats = new Map<string, number>()
  const listeners: ((hint: EngineHint) => void)[] = []
  const tell = (hint: EngineHint) => {
    for (const listener of listeners) listener(hint)
  }
  const isAlive = (owner: string | null) =>
    owner !== null && now() - (beats.get(owner) ?? Number.NEGATIVE_INFINITY) < deadAfterMs
  const wake = (id: string) => {
    const row = rows.get(id)
    if (row === undefined) return
    row.wakeAt = Math.min(row.wakeAt ?? now(), now())
    tell({ kind: 'wake', releaseId: id })
  }
  const claimRow = (row: ReleaseRow, owner: string): LoadedRelease => {
    row.owner = owner
    row.fence++
    return copy(loadedOf(row, commands))
  }
  const store: EngineStore = {
    releases: {
      async createRelease(given) {
        const release = copy(given)
        const held = release.plan.hands.find(hand => holderOf(rows, hand.id) !== undefined)
        if (held !== undefined) return { ok: false, hand: held.id, holder: holderOf(rows, held.id)! }
        const id = `release-${rows.size + 1}`
        rows.set(id, newRow(id, release, now()))
        wake(id)
        return { ok: true, id }
      },
      async claimDue(owner, limit) {
        const due = [...rows.values()].filter(row => {
          if (isOver(row) || row.owner === owner) return false
          if (row.owner === null) return row.wakeAt !== null && row.wakeAt <= now()
          return !isAlive(row.owner) || (row.wakeAt !== null && row.wakeAt <= now() - lateAfterMs)
        })
        return due.slice(0, limit).map(row => claimRow(row, owner))
      },
      async claim(owner, id) {
        const row = rows.get(id)
        return row === undefined ? null : claimRow(row, owner)
      },
      async commit(given) {
        const commit = copy(given)
        const row = rows.get(commit.releaseId)
        if (row === undefined || row.fence !== commit.fence || row.state.seq !== commit.expectedSeq) return 'lost'
        applyCommit(row, commit, commands, now())
        if (commit.commands.length > 0) tell({ kind: 'commands', lane: commit.commands[0]!.lane })
        return 'committed'
      },
      async inbox(asked) {
        return asked.flatMap(({ id, fence }) => {
          const row = rows.get(id)
          if (row === undefined || row.fence !== fence) return []
          const { results, hands } = copy(loadedOf(row, commands))
          return [{ id, seq: row.state.seq, results, hands }]
        })
      },
      async touch(touches) {
        return touches.flatMap(touch => {
          const row = rows.get(touch.releaseId)
          if (row === undefined || row.fence !== touch.fence) return [touch.releaseId]
          row.wakeAt = touch.wakeAt
          row.decidedAt = Math.max(row.decidedAt, touch.decidedAt)
          if (touch.status !== null) row.status = copy(touch.status)
          return []
        })
      },
      async readPlan(id) {
        return rows.get(id)?.plan ?? null
      },
      async nextWakeAt() {
        return smallest([...rows.values()].map(row => row.wakeAt))
      },
      async wake(ids) {
        for (const id of ids) wake(id)
      },
      async completedPlans() {
        return [...rows.values()].filter(row => row.state.lifecycle.kind === 'completed').map(row => row.plan.name)
      },
    },
    instances: {
      async beat(instance) {
        beats.set(instance, now())
      },
      async leave(instance) {
        beats.delete(instance)
        for (const row of rows.values()) if (row.owner === instance) row.owner = null
      },
    },
    commands: createMemoryCommands({ commands, now, isAlive, wake, placeOf: id => rows.get(id)!.release }),
    hands: {
      async handsOf(id) {
        const row = rows.get(id)
        return row === undefined || row.ended ? [] : copy(row.hands)
      },
      async handsDue(observeAfterMs, limit) {
        const due = [...rows.values()].filter(
          row => !row.ended && row.hands.some(hand => isHandDue(hand, observeAfterMs, now())),
        )
        return due.slice(0, limit).map(row => row.id)
      },
      async recordReading(id, handId, reading) {
        const hand = rows.get(id)?.hands.find(candidate => candidate.hand.id === handId)
        if (hand === undefined || hand.generation !== reading.generation) return
        const index = rows.get(id)!.hands.indexOf(hand)
        rows.get(id)!.hands[index] = { ...hand, reading: copy(reading) }
        if (differs(hand.reading, reading)) wake(id)
      },
    },
  }
  return { store, rows, commands, subscribe: listener => void listeners.push(listener) }
}

function newRow(id: string, release: NewRelease, now: number): ReleaseRow {
  const { project, environment, plan, state, status, wakeAt } = release
  const { desired, generation } = state.exposure
  const hands = plan.hands.map((hand, position) => {
    return {
      releaseId: id,
      project,
      environment,
      hand,
      position,
      desired,
      generation,
      direction: 'same' as const,
      reading: null,
      desiredAt: now,
    }
  })
  const events = [...release.events]
  return {
    id,
    release,
    events,
    state,
    status,
    plan,
    wakeAt,
    decidedAt: now,
    owner: null,
    fence: 0,
    evidence: null,
    ended: false,
    hands,
  }
}

function loadedOf(row: ReleaseRow, commands: readonly CommandRow[]): LoadedRelease {
  const { id, fence, plan, state, status, evidence, decidedAt } = row
  const { project, environment } = row.release
  const mine = commands.filter(command => command.releaseId === id && command.ended !== null && !command.folded)
  const read = row.hands.flatMap(hand => (hand.reading === null ? [] : [[hand.hand.id, hand.reading] as const]))
  const results = mine.map(command => command.ended!)
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
    hands: Object.fromEntries(read),
  }
}

function applyCommit(row: ReleaseRow, commit: Commit, commands: CommandRow[], now: number): void {
  row.events.push(...commit.events)
  row.state = commit.state
  row.status = commit.status
  row.wakeAt = commit.wakeAt
  row.decidedAt = commit.decidedAt
  if (commit.evidence !== null) row.evidence = { ...commit.evidence, writtenAt: commit.decidedAt }
  row.plan = commit.plan?.plan ?? row.plan
  row.ended = row.ended || commit.ended
  for (const command of commands) {
    if (command.releaseId !== row.id) continue
    if (commit.folded.includes(command.command.slot)) command.folded = true
    const isSuperseded = commit.superseded === 'all' || commit.superseded.includes(command.command.slot)
    if (isSuperseded && command.status === 'planned') command.status = 'superseded'
  }
  for (const command of commit.commands) {
    if (commands.some(known => known.releaseId === row.id && known.command.slot === command.slot)) {
      throw new Error(`Cannot journal "${command.slot}": found it already, expected a new slot.`)
    }
    const id = `command-${commands.length + 1}`
    const fresh = {
      status: 'planned',
      attempt: 0,
      fence: 0,
      owner: null,
      notBefore: now,
      ended: null,
      folded: false,
      late: 0,
    } as const
    commands.push({ id, releaseId: row.id, command, ...fresh })
  }
  if (commit.desired === null) return
  const { exposure: desired, generation, direction } = commit.desired
  row.hands = row.hands.map(hand => ({ ...hand, desired, generation, direction, desiredAt: now }))
}

function holderOf(rows: ReadonlyMap<string, ReleaseRow>, handId: string): string | undefined {
  return [...rows.values()].find(row => !row.ended && row.hands.some(hand => hand.hand.id === handId))?.id
}

function isOver(row: ReleaseRow): boolean {
  return row.ended && row.wakeAt === null
}

function isHandDue(hand: HandRow, observeAfterMs: number, now: number): boolean {
  const { reading } = hand
  if (hand.generation === 0) return false
  return (
    reading === null ||
    reading.generation !== hand.generation ||
    !reading.reached ||
    reading.readings < 2 ||
    now - reading.at > observeAfterMs
  )
}

function differs(before: HandReading | null, after: HandReading): boolean {
  return (
    before === null ||
    before.reached !== after.reached ||
    before.share !== after.share ||
    before.problem !== after.problem
  )
}

function smallest(times: readonly (number | null)[]): number | null {
  const known = times.filter(at => at !== null)
  return known.length === 0 ? null : Math.min(...known)
}

function copy<T>(value: T): T {
  return structuredClone(value)
}
