/** Releases as the API shows them: what is stored, and what this instance knows a moment earlier. */
import type { ReleaseDetail, ReleaseSummary } from '@dankai/contract'
import { type HandReading, levelOf, type ReleaseState, type ReleaseStatus } from '@dankai/core'
import type { Engine, HandRow } from '@dankai/engine'
import type { ReleaseDetail as StoredDetail, ReleaseSummary as StoredSummary } from '@dankai/store'

type HandView = ReleaseDetail['hands'][number]

/** Numbers of a running release are written every few seconds; the engine that owns it has them at once. */
function freshOf(engine: Engine, stored: StoredSummary): { readonly seq: number; readonly status: ReleaseStatus } {
  const known = engine.peek(stored.id)
  return known !== null && known.state.seq >= stored.seq ? { seq: known.state.seq, status: known.status } : stored
}

export function summaryView(engine: Engine, stored: StoredSummary): ReleaseSummary {
  const { id, project, environment, plan, planTitle, version, startedAt, endedAt } = stored
  const { seq, status } = freshOf(engine, stored)
  return {
    id,
    project,
    environment,
    plan,
    title: planTitle,
    version,
    live: endedAt === null,
    seq,
    startedAt,
    endedAt,
    status: statusView(status),
  }
}

export function detailView(engine: Engine, stored: StoredDetail): ReleaseDetail {
  const known = engine.peek(stored.id)
  const state: ReleaseState = known !== null && known.state.seq >= stored.seq ? known.state : stored.state
  return {
    ...summaryView(engine, stored),
    strategy: state.strategy,
    labels: [...state.labels],
    startedBy: state.startedBy,
    revision: state.revision,
    planDigest: state.planDigest,
    paused: state.paused,
    phases: stored.compiledPlan.phases.map(({ index, name, title, exposeText, exposure, holdMs }) => ({
      index,
      name,
      title,
      expose: exposeText,
      share: exposure.share,
      holdMs,
    })),
    hands: stored.hands.map(row => handView(row, known?.hands[row.hand.id], state)),
  }
}

function handView({ hand, reading }: HandRow, fresh: HandReading | undefined, state: ReleaseState): HandView {
  const newest = fresh !== undefined && (reading === null || fresh.at >= reading.at) ? fresh : reading
  return {
    hand: hand.id,
    role: hand.role,
    desired: levelOf(state.exposure.desired),
    share: newest?.share ?? null,
    reached: newest?.reached ?? false,
    problem: newest?.problem ?? null,
    readAt: newest?.at ?? null,
  }
}

/** The same data; core's types are readonly all through, which JSON does not know. */
export const statusView = (status: ReleaseStatus): ReleaseSummary['status'] =>
  status as unknown as ReleaseSummary['status']
