import { createDankaiClient } from '@dankai/sdk'
import { z } from 'zod'
import { listenWith } from '../http/listen.ts'
import { readCommandLine } from '../process/command-line.ts'
import { endInOrder, printReady } from '../process/lifetime.ts'
import { createQuietLog } from '../process/log.ts'
import { httpUrl, loopbackUrl, port } from '../process/options.ts'
import { startGateway } from './gateway.ts'
import { createGatewayDoor } from './gateway-door.ts'
import { createTrafficExposition, reportToAll } from './traffic-exposition.ts'
import { createTrafficReport } from './traffic-report.ts'

/** The gateway process. The key may come as `GATEWAY_KEY`, which no list of processes shows. */
const options = readCommandLine(
  z.object({
    port: port.default(0),
    host: z.string().default('127.0.0.1'),
    control: loopbackUrl.default({ hostname: '127.0.0.1', port: 0 }),
    stable: httpUrl,
    canary: httpUrl,
    dankai: httpUrl,
    key: z.string().min(1),
    flag: z.string().default('new-booking-flow'),
    service: z.string().default('trips'),
    'upstream-timeout-ms': z.coerce.number().int().min(1).default(10_000),
    'probe-every-ms': z.coerce.number().int().min(1).default(2_000),
    supervised: z.enum(['true', 'false']).default('false'),
  }),
  'GATEWAY',
)

/** Users are served, as the fallback says, also when the flags cannot be had. */
const FLAGS_WAIT_MS = 3_000
const LOG_EVERY_MS = 10_000

const logError = createQuietLog(LOG_EVERY_MS, Date.now)
const dankai = createDankaiClient({
  url: options.dankai.href,
  key: options.key,
  name: 'trips-gateway',
  service: options.service,
  onError: error => logError('The flag client reports a problem', { cause: error.message }),
})
const hasFlags = await Promise.race([
  dankai.ready().then(() => true),
  new Promise<false>(resolve => setTimeout(resolve, FLAGS_WAIT_MS, false).unref()),
])
const exposition = createTrafficExposition(Date.now)
const report = reportToAll([createTrafficReport(dankai, options.service), exposition])
const gateway = await startGateway({
  port: options.port,
  hostname: options.host,
  upstreams: { stable: options.stable, canary: options.canary },
  isCanaryUser: userId => dankai.isEnabled(options.flag, { targetingKey: userId }, false),
  report,
  timings: { upstreamTimeoutMs: options['upstream-timeout-ms'], probeEveryMs: options['probe-every-ms'] },
})
const status = () => ({
  health: gateway.health(),
  flags: dankai.status(),
  flagsVersion: dankai.flags().version,
  samples: dankai.samples(),
})
const door = await listenWith(createGatewayDoor(report, { status, metrics: exposition.render }), options.control)

endInOrder(
  async () => {
    await Promise.all([gateway.close(), door.close()])
    await dankai.close()
  },
  { supervised: options.supervised === 'true' },
)
printReady({ listening: gateway.port, control: `http://${options.control.hostname}:${door.port}`, hasFlags })
