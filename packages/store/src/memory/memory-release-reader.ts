import { pageOf } from '../page-of.ts'
import { shareOf } from '../release-row.ts'
import { pageLimit } from '../scope.ts'
import type { CommandSummary, FeedEntry, ReleaseQuery, ReleaseReader, ReleaseSummary } from '../server-ports.ts'
import { handRowsOf } from './memory-hands.ts'
import { byText, type MemoryCommand, type MemoryRelease, type MemoryState } from './memory-state.ts'

const eventsMax = 1_000

export function createMemoryReleaseReader(state: MemoryState): ReleaseReader {
  return {
    async list(query) {
      const limit = pageLimit(query)
      const found = [...state.releases.values()].filter(release => isAsked(release, query)).toSorted(byStart)
      const from = query.after == null ? 0 : found.findIndex(({ id }) => id === query.after) + 1
      return pageOf(found.slice(from, from + limit + 1).map(toSummary), limit, ({ id }) => id)
    },
    async get(id) {
      const release = state.releases.get(id)
      if (release === undefined) return null
      const { plan, planDigest, state: releaseState, owner, fence } = release
      const detail = { compiledPlan: plan, planDigest, state: releaseState, owner, fence, hands: handRowsOf(release) }
      return { ...toSummary(release), ...detail }
    },
    async events(id, afterSeq, limit) {
      const events = state.releases.get(id)?.events ?? []
      return events.filter(event => event.seq > afterSeq).slice(0, Math.min(limit, eventsMax))
    },
    async feed(afterFeedId, scope, limit) {
      const entries: FeedEntry[] = []
      let feedId = afterFeedId
      for (; feedId < state.feed.length && entries.length < Math.min(limit, eventsMax); feedId++) {
        const { release, event } = state.feed[feedId]!
        const { id, project, environment, plan, version } = release
        if (scope !== null && (project !== scope.project || environment !== scope.environment)) continue
        entries.push({ feedId: feedId + 1, releaseId: id, project, environment, plan: plan.name, version, event })
      }
      return { entries, cursor: feedId }
    },
    async feedHead() {
      return state.feed.length
    },
    async commands(id, request) {
      const limit = pageLimit(request)
      const commands = [...(state.releases.get(id)?.commands.values() ?? [])]
      const found = commands.filter(command => request.after == null || command.id > request.after)
      const page = found.toSorted((one, other) => byText(one.id, other.id)).slice(0, limit + 1)
      return pageOf(page.map(toCommandSummary), limit, command => command.id)
    },
    async planAt(id, revision) {
      return state.releases.get(id)?.plans.get(revision) ?? null
    },
    async holders({ project, environment }) {
      const held = [...state.releases.values()].filter(
        one => one.project === project && one.environment === environment,
      )
      const hands = held
        .filter(one => one.endedAt === null)
        .flatMap(one => one.hands.map(({ hand }) => [hand.id, one.id] as const))
      return Object.fromEntries(hands.toSorted(([one], [other]) => byText(one, other)))
    },
  }
}

function isAsked(release: MemoryRelease, { project, environment, plan, service, live }: ReleaseQuery): boolean {
  return (
    (project === undefined || release.project === project) &&
    (environment === undefined || release.environment === environment) &&
    (plan === undefined || release.plan.name === plan) &&
    (service === undefined || release.plan.service === service) &&
    (live === undefined || (release.endedAt === null) === live)
  )
}

function byStart(one: MemoryRelease, other: MemoryRelease): number {
  return other.state.startedAt - one.state.startedAt || byText(other.id, one.id)
}

function toSummary(release: MemoryRelease): ReleaseSummary {
  const { id, project, environment, plan, version, state, seq, revision, endedAt, decidedAt, wakeAt, status } = release
  return {
    id,
    project,
    environment,
    plan: plan.name,
    planTitle: plan.title,
    service: plan.service,
    version,
    stage: state.lifecycle.kind,
    share: shareOf(state),
    seq,
    revision,
    startedAt: state.startedAt,
    startedBy: state.startedBy,
    endedAt,
    decidedAt,
    wakeAt,
    status,
  }
}

function toCommandSummary(row: MemoryCommand): CommandSummary {
  const { id, command, status, attempt, plannedAt, notBefore, endedAt, detail, output, late } = row
  return {
    id,
    slot: command.slot,
    command,
    status,
    attempt,
    plannedAt,
    notBefore,
    endedAt,
    detail,
    output,
    late: [...late],
  }
}
