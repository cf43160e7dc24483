import { createDankaiClient } from '@dankai/sdk'
import { z } from 'zod'
import { apiVersions } from './core/version.ts'
import { bookingFlagsOf, FeatureFlagService } from './flags/feature-flag-service.ts'
import { countingAnalytics } from './http/analytics.ts'
import { faultsSchema } from './http/faults.ts'
import { startTripsApi } from './http/trips-api.ts'
import { readCommandLine } from './process/command-line.ts'
import { endInOrder, printReady } from './process/lifetime.ts'
import { httpUrl, loopbackUrl, parsedJson, port } from './process/options.ts'

/**
 * The API process. `--control` is where its fault door listens, `--faults` what goes wrong from the start. With
 * `--dankai` and `--key` the booking routes ask their flags themselves; without, the version decides.
 */
const options = readCommandLine(
  z.object({
    version: z.enum(apiVersions),
    port: port.default(0),
    host: z.string().default('127.0.0.1'),
    track: z.string().default(process.env.DEPLOYMENT_TRACK ?? 'stable'),
    control: loopbackUrl.default({ hostname: '127.0.0.1', port: 0 }),
    faults: parsedJson.pipe(faultsSchema).optional(),
    seed: z.coerce.number().int().default(1),
    dankai: httpUrl.optional(),
    key: z.string().min(1).optional(),
    supervised: z.enum(['true', 'false']).default('false'),
  }),
  'TRIPS',
)

const dankai =
  options.dankai && options.key
    ? createDankaiClient({
        url: options.dankai.href,
        key: options.key,
        name: `trips-${options.track}`,
        service: 'trips',
      })
    : null
const api = await startTripsApi({
  version: options.version,
  port: options.port,
  hostname: options.host,
  track: options.track,
  control: options.control,
  seed: options.seed,
  crash: () => process.exit(1),
  ...(options.faults ? { faults: options.faults } : {}),
  ...(dankai ? { flags: bookingFlagsOf(new FeatureFlagService(dankai)), analytics: countingAnalytics(dankai) } : {}),
})
endInOrder(() => api.close().then(() => dankai?.close()), { supervised: options.supervised === 'true' })
printReady({
  listening: api.port,
  control: `http://${options.control.hostname}:${api.controlPort}`,
  version: options.version,
  track: options.track,
})
