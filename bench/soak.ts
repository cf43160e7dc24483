import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { BenchResult } from './bench-result.ts'
import { openFleet } from './fleet/control-plane.ts'
import { type DatabaseFigures, readDatabase } from './fleet/database-figures.ts'
import { openHelper } from './fleet/helper-process.ts'
import type { ReaderWork } from './fleet/reader-process.ts'
import { type ServerMemory, type ServerProcess, startServer } from './fleet/server-process.ts'
import type { TrafficWork } from './fleet/traffic-process.ts'
import { numberOption } from './options.ts'

/** What is looked at each time; memory after a collection. */
type Look = DatabaseFigures & ServerMemory

const looks = 20
/** Windows fill and caches grow at first; what is left after this part of the time is the slope that counts. */
const warmUpShare = 1 / 3

/** Releases that hold under steady traffic for a while: what grows, and by how much an hour. */
export async function soakBench(args: readonly string[]): Promise<BenchResult> {
  const minutes = numberOption(args, 'minutes', 10)
  const releases = numberOption(args, 'releases', 200)
  const count = numberOption(args, 'readers', 50)
  const folder = mkdtempSync(join(tmpdir(), 'dankai-bench-'))
  const server = await startServer({ dataDir: join(folder, 'server') })
  const traffic = openHelper<TrafficWork>('traffic-process.ts')
  const readers = openHelper<ReaderWork>('reader-process.ts')
  try {
    const { key } = await openFleet(server, releases)
    await readers.do('open', { url: server.url, key, count })
    await traffic.do('start', { url: server.url, key, first: 0, count: releases })
    const taken = await lookFor(server, minutes * 60_000)
    const { 'reports refused': refused = Number.NaN } = await traffic.do('figures')
    return {
      bench: 'soak',
      target: 'nothing grows but what is kept on purpose: rss and heap level off, a holding release writes no events',
      figures: {
        minutes,
        'live releases': releases,
        SDKs: count,
        'load average': loadavg()[0]!,
        'reports refused': refused,
        ...figuresOf(taken),
      },
    }
  } finally {
    await Promise.all([traffic.close(), readers.close()])
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function lookFor(server: ServerProcess, totalMs: number): Promise<readonly Look[]> {
  const taken: Look[] = []
  for (let place = 0; place <= looks; place++) {
    if (place > 0) await pause(totalMs / looks)
    taken.push({ ...(await readDatabase(server.databaseUrl)), ...(await server.memory()) })
  }
  return taken
}

function figuresOf(taken: readonly Look[]): Record<string, number | string> {
  const settled = taken.slice(Math.floor(taken.length * warmUpShare))
  const course = (read: (look: Look) => number): string => taken.map(look => read(look).toFixed(0)).join(' ')
  return {
    'rss MB': course(look => look.rssMb),
    'rss MB an hour': slopeAnHour(settled, look => look.rssMb),
    'heap MB': course(look => look.heapMb),
    'heap MB an hour': slopeAnHour(settled, look => look.heapMb),
    'events an hour': slopeAnHour(settled, look => look.events),
    'event log MB an hour': slopeAnHour(settled, look => look.eventMb),
    'samples MB an hour': slopeAnHour(settled, look => look.sampleMb),
    'database MB an hour': slopeAnHour(settled, look => look.databaseMb),
    'WAL MB an hour': slopeAnHour(settled, look => look.walMb),
  }
}

/** Slope of the straight line that fits best. */
function slopeAnHour(taken: readonly Look[], read: (look: Look) => number): number {
  const hours = taken.map(look => look.at / 3_600_000)
  const values = taken.map(read)
  const mean = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0) / numbers.length
  const [meanHour, meanValue] = [mean(hours), mean(values)]
  const above = hours.reduce((sum, hour, index) => sum + (hour - meanHour) * (values[index]! - meanValue), 0)
  return above / hours.reduce((sum, hour) => sum + (hour - meanHour) ** 2, 0)
}
