import { createInterface } from 'node:readline'
import { z } from 'zod'
import { dayOf } from '../core/day.ts'
import { readCommandLine } from '../process/command-line.ts'
import { endInOrder, printLine, printReady } from '../process/lifetime.ts'
import { httpUrl } from '../process/options.ts'
import { createCatalogue } from '../store/catalogue.ts'
import { startLoad } from './generate-load.ts'
import { createTraffic } from './traffic.ts'

/**
 * The load generator process. Lines on stdout: `progress` every second, `summary` at the end of each segment and of the
 * run. A line `{"segment": "name"}` on stdin ends a segment and starts the next.
 */
const options = readCommandLine(
  z.object({
    target: httpUrl,
    rate: z.coerce.number().positive().max(5_000).default(60),
    users: z.coerce.number().int().min(1).max(10_000_000).default(5_000),
    seed: z.coerce.number().int().default(1),
    'progress-every-ms': z.coerce.number().int().min(50).default(1_000),
    supervised: z.enum(['true', 'false']).default('false'),
  }),
  'LOAD',
)

/** Well within the time a process has to end in order: a service that is far behind must not cost the summary. */
const LAST_ANSWERS_MS = 3_000

const { rate, users, seed } = options
const planIds = createCatalogue().plans.map(plan => plan.id)
const load = startLoad({
  target: options.target,
  traffic: createTraffic({ seed, rate, users, today: dayOf(Date.now()), planIds }),
})
const progress = setInterval(() => printLine({ type: 'progress', ...load.progress() }), options['progress-every-ms'])

if (options.supervised === 'true') {
  createInterface({ input: process.stdin }).on('line', line => {
    const segment = segmentName(line)
    if (segment !== null) printLine({ type: 'summary', ...load.nextSegment(segment) })
  })
}

endInOrder(
  async () => {
    clearInterval(progress)
    printLine({ type: 'summary', isLast: true, ...(await load.stop(LAST_ANSWERS_MS)) })
  },
  { supervised: options.supervised === 'true' },
)
printReady({ listening: 0, type: 'ready', target: options.target.href, rate, users, seed })

function segmentName(line: string): string | null {
  try {
    const { segment } = JSON.parse(line) as { segment?: unknown }
    return typeof segment === 'string' ? segment.slice(0, 100) : null
  } catch {
    return null
  }
}
