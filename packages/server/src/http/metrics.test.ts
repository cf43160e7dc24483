import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createMetrics } from './metrics.ts'

const blockedMs = 100
/** What the clock of the loop and a loaded machine blur. */
const seenSeconds = 0.07

async function longestDelay(registry: { metrics(): Promise<string> }): Promise<number> {
  const line = /^dankai_event_loop_delay_seconds\{quantile="1"\} (\S+)$/m.exec(await registry.metrics())
  return Number(line?.[1])
}

test('a stretch in which nothing else could happen shows as delay of the event loop', async () => {
  const { registry } = createMetrics({
    streams: () => [],
    samplesWaiting: () => 0,
    seriesRefused: () => ({}),
  })
  let longest = 0
  for (let attempt = 0; attempt < 20 && longest < seenSeconds; attempt++) {
    // The delay is seen by a timer that ran before it and runs after it.
    await pause(2 * blockedMs)
    await longestDelay(registry)
    await pause(blockedMs / 2)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockedMs)
    await pause(blockedMs / 2)
    longest = await longestDelay(registry)
  }
  assert.ok(longest >= seenSeconds, `found ${longest} s`)
})
