import { setFlagsFromString } from 'node:v8'

/**
 * Room for what lives shortly, in MB. With Node's 16 a server under a thousand releases fills it several times a second, so
 * that requests and samples on their way outlive it and are collected with everything else: pauses of up to a second, which a
 * breach waits for. Measured (`npm run bench -- engine`): with 64 the 99th percentile from sample to every SDK falls to a quarter.
 */
const shortLivedMb = 64

/** For the process that is the server; before it has allocated much. */
export function makeHeapRoom(): void {
  setFlagsFromString(`--max-semi-space-size=${shortLivedMb}`)
}
