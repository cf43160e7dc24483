import { createDankaiClient } from '@dankai/sdk'
import { z } from 'zod'
import { apiVersions } from './core/version.ts'
import { countingAnalytics } from './http/analytics.ts'
import { faultsSchema } from './http/faults.ts'
import { startTripsApi } from './http/trips-api.ts'
import { bookingFlagsOf, FeatureFlagService, featureFlags, flagClientOf } from './infrastructure/feature-flags/index.ts'
import { readCommandLine } from './process/command-line.ts'
import { endInOrder, printReady } from './process/lifetime.ts'
import { httpUrl, loopbackUrl, parsedJson, port } from './process/options.ts'

/**
 * The API process. `--control` is where its fault door listens, `--faults` what goes wrong from the start. With
 * `--dankai` and `--key` the booking routes ask their flags themselves; without, the version decides. With
 * LAUNCHDARKLY_SDK_KEY they ask through LaunchDarkly's client instead, at LAUNCHDARKLY_URL.
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
const usesLaunchDarkly = process.env.LAUNCHDARKLY_SDK_KEY !== undefined
const service = usesLaunchDarkly ? featureFlags : dankai && new FeatureFlagService(() => flagClientOf(dankai))
const api = await startTripsApi({
  version: options.version,
  port: options.port,
  hostname: options.host,
  track: options.track,
  control: options.control,
  seed: options.seed,
  crash: () => process.exit(1),
  ...(options.faults ? { faults: options.faults } : {}),
  ...(service ? { flags: bookingFlagsOf(service) } : {}),
  ...(dankai ? { analytics: countingAnalytics(dankai) } : {}),
})
endInOrder(
  () =>
    api
      .close()
      .then(() => Promise.all([dankai?.close(), service?.close()]))
      .then(() => {}),
  { supervised: options.supervised === 'true' },
)
printReady({
  listening: api.port,
  control: `http://${options.control.hostname}:${api.controlPort}`,
  version: options.version,
  track: options.track,
})
