import { Agent } from 'node:http'
import { sendRequest } from './send-request.ts'
import { createTally, type Summary, type Tally } from './tally.ts'
import type { PlannedRequest } from './traffic.ts'

export interface LoadOptions {
  readonly target: URL
  readonly traffic: () => PlannedRequest
  readonly timeoutMs?: number
  readonly onOutcome?: () => void
}

export interface LoadSummary extends Summary {
  readonly name: string
  readonly sent: number
  /** Due while too many were under way; never sent. */
  readonly dropped: number
  /** Sent and not yet answered when this was written. */
  readonly underWay: number
  readonly startedAt: number
  readonly endedAt: number
}

export interface Load {
  /** What was seen in the running segment so far. */
  progress(): LoadSummary
  /** Ends the segment and starts the next: each release of a demo is measured by itself. */
  nextSegment(name: string): LoadSummary
  /** Sends nothing more, waits for what is under way, if need be only so long, and gives the last segment. */
  stop(withinMs?: number): Promise<LoadSummary>
}

/** Above the gateway's own time-out: a 504 is an answer, silence is not. */
const TIMEOUT_MS = 15_000
/** Where an unanswered flood stops costing memory; at 60 requests a second a service must be silent for 16 s to get here. */
const UNDER_WAY_MAX = 1_000

interface Segment {
  readonly name: string
  readonly tally: Tally
  readonly startedAt: number
  sent: number
  dropped: number
  underWay: number
}

/**
 * Open-loop load: requests go out when they are due, however slow the answers are.
 *
 * 1. sent = responses + failed + underWay, in every summary.
 * 2. An outcome counts in the segment in which its request was sent.
 */
export function startLoad(options: LoadOptions): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: UNDER_WAY_MAX })
  const now = () => performance.timeOrigin + performance.now()
  const sender = { target: options.target, agent, timeoutMs: options.timeoutMs ?? TIMEOUT_MS, now }
  const all = new Set<Promise<void>>()
  let segment = openSegment('start', now())
  let timer: NodeJS.Timeout | undefined
  let next = options.traffic()
  let dueAt = now() + next.gapMs

  const send = (planned: PlannedRequest, due: number) => {
    const own = segment
    if (all.size >= UNDER_WAY_MAX) {
      own.dropped += 1
      return
    }
    own.sent += 1
    own.underWay += 1
    const done = sendRequest(planned, due, sender).then(outcome => {
      own.underWay -= 1
      own.tally.record(outcome)
      all.delete(done)
      options.onOutcome?.()
    })
    all.add(done)
  }

  const sendDue = () => {
    while (dueAt <= now()) {
      send(next, dueAt)
      next = options.traffic()
      dueAt += next.gapMs
    }
    timer = setTimeout(sendDue, Math.max(1, dueAt - now()))
  }
  sendDue()

  return {
    progress: () => summaryOf(segment, now()),
    nextSegment: name => {
      const ended = summaryOf(segment, now())
      segment = openSegment(name, now())
      return ended
    },
    stop: async withinMs => {
      clearTimeout(timer)
      await settled(all, withinMs)
      const last = summaryOf(segment, now())
      agent.destroy()
      return last
    },
  }
}

async function settled(all: ReadonlySet<Promise<void>>, withinMs: number | undefined): Promise<void> {
  if (withinMs === undefined) return void (await Promise.all(all))
  const { promise: timeIsUp, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, withinMs)
  await Promise.race([Promise.all(all), timeIsUp])
  clearTimeout(timer)
}

function openSegment(name: string, startedAt: number): Segment {
  return { name, tally: createTally(), startedAt, sent: 0, dropped: 0, underWay: 0 }
}

function summaryOf({ name, tally, startedAt, sent, dropped, underWay }: Segment, endedAt: number): LoadSummary {
  return { name, sent, dropped, underWay, startedAt, endedAt, ...tally.summary() }
}
