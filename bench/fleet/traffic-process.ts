/**
 * Open-loop traffic: every service reports at its own moment of each interval, whatever became of the report before.
 * Bad samples are sent on demand, with the moment at which they left.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { createDankaiClient } from '@dankai/sdk'
import { distributionOf } from '../distribution.ts'
import { failingBatch, healthyBatch, reportEveryMs, serviceName } from './fleet-plan.ts'
import { serveHelper } from './helper-process.ts'
import { monotonicMs } from './monotonic.ts'

export type TrafficWork = {
  /** Reports of the services [first, first + count) from now on. */
  start(traffic: { url: string; key: string; first: number; count: number }): Promise<void>
  stop(): Promise<void>
  /** Where reports go from now on. */
  redirect(url: string): Promise<void>
  /** One bad batch of a service, sent until the server has it; answers when it first left, and when the server had it. */
  breach(index: number): Promise<{ leftAt: number; answeredAt: number }>
  /** A service with the real SDK: it serves well for a while, then every canary request fails. Answers when the first did. */
  fail(input: {
    index: number
    wellMs: number
    badMs: number
    requestsPerSecond: number
  }): Promise<{ failedAt: number }>
  figures(): Promise<Record<string, number>>
}

/** As the SDK does first. */
const sentAgainAfterMs = 200

let target = { url: '', key: '' }
let timers: NodeJS.Timeout[] = []
let latenciesMs: number[] = []
let refused = 0
const senders = new Map<number, { readonly sdk: string; batch: number }>()

async function send(index: number, samples: readonly object[]): Promise<{ leftAt: number; answeredAt: number }> {
  const sender = senders.get(index) ?? { sdk: randomUUID(), batch: 0 }
  senders.set(index, sender)
  sender.batch += 1
  const body = JSON.stringify({ sdk: sender.sdk, batch: sender.batch, sentAt: Date.now(), samples })
  const leftAt = monotonicMs()
  const response = await fetch(`${target.url}/v1/samples`, {
    method: 'POST',
    headers: { authorization: `Bearer ${target.key}`, 'content-type': 'application/json' },
    body,
  })
  await response.text()
  if (response.status !== 202) throw new Error(`status ${response.status}`)
  return { leftAt, answeredAt: monotonicMs() }
}

async function report(index: number): Promise<void> {
  try {
    const { leftAt, answeredAt } = await send(index, healthyBatch(serviceName(index), Date.now()))
    latenciesMs.push(answeredAt - leftAt)
  } catch {
    refused += 1
  }
}

async function stop(): Promise<void> {
  for (const timer of timers) clearInterval(timer)
  timers = []
}

const work: TrafficWork = {
  async start({ url, key, first, count }) {
    target = { url, key }
    await new Promise<void>(resolve => {
      for (let place = 0; place < count; place++) {
        const begin = (): void => {
          void report(first + place)
          timers.push(setInterval(() => void report(first + place), reportEveryMs))
          if (place === count - 1) resolve()
        }
        setTimeout(begin, (place / count) * reportEveryMs)
      }
    })
  },
  stop,
  async redirect(url) {
    target = { ...target, url }
  },
  async breach(index) {
    const leftAt = monotonicMs()
    for (;;) {
      const sent = await send(index, failingBatch(serviceName(index), Date.now())).catch(() => null)
      if (sent !== null) return { ...sent, leftAt }
      await pause(sentAgainAfterMs)
    }
  },
  async fail({ index, wellMs, badMs, requestsPerSecond }) {
    const service = serviceName(index)
    const client = createDankaiClient({ ...target, name: service, service })
    const everyMs = 1_000 / requestsPerSecond
    const startedAt = monotonicMs()
    let sent = 0
    let failedAt = 0
    await new Promise<void>(resolve => {
      const timer = setInterval(() => {
        const now = monotonicMs()
        for (; startedAt + sent * everyMs <= now; sent++) {
          const isWell = sent * everyMs < wellMs
          if (!isWell && failedAt === 0) failedAt = now
          client.count('requests', { track: 'canary', route: 'r1', status: isWell ? 200 : 500 })
        }
        if (now < startedAt + wellMs + badMs) return
        clearInterval(timer)
        resolve()
      }, 5)
    })
    await client.close()
    return { failedAt }
  },
  async figures() {
    const figures = { ...distributionOf('report answered ms', latenciesMs), 'reports refused': refused }
    latenciesMs = []
    refused = 0
    return figures
  },
}

serveHelper(work)
