import { type Evaluation, type EvaluationReason, emptyEvaluation, type JsonValue } from '@dankai/flags'
import { benchRules, type Contender } from './flags-users.ts'

/**
 * What the work itself costs, by hand: a flag found in a map, murmur3 of the key, the five rules written out, and a
 * result with details in an object that is used again.
 */
export function createFloor(): Contender {
  const flags = new Map<string, FloorFlag>([
    ['share', { seed: 1, threshold: 0.25 * 2 ** 32, on: true, off: false }],
    ['rules', { seed: 2, threshold: 0.25 * 2 ** 32, on: true, off: false }],
    ['split', { seed: 3, threshold: 0, on: 'a', off: 'a' }],
  ])
  const quarter = (key: string, context: FloorContext): unknown => {
    const flag = flags.get(key)!
    const hash = murmur3(context.targetingKey, flag.seed)
    return hash < flag.threshold
      ? written(flag.on, 'on', 'SHARE', 'share', hash, false).value
      : written(flag.off, 'off', 'OUTSIDE', null, hash, false).value
  }
  return {
    name: 'floor',
    contextOf: ({ id, ...rest }) => ({ targetingKey: id, ...rest }),
    share: (context: FloorContext) => quarter('share', context),
    rules: (context: FloorContext) => {
      if (!matchesRules(context)) return quarter('rules', context)
      return written(flags.get('rules')!.on, 'on', 'RULE', 'country', 0, false).value
    },
    split: (context: FloorContext) => {
      const hash = murmur3(context.targetingKey, flags.get('split')!.seed)
      const part = parts[hash >>> 30]!
      return written(part, part, 'SPLIT', 'otherwise', hash, true).value
    },
    close: () => {},
  }
}

interface FloorFlag {
  readonly seed: number
  readonly threshold: number
  readonly on: JsonValue
  readonly off: JsonValue
}

interface FloorContext {
  readonly targetingKey: string
  readonly country: string
  readonly plan: string
  readonly email: string
  readonly appVersion: string
  readonly betaTester: boolean
}

const parts = ['a', 'b', 'c', 'd'] as const
const details = emptyEvaluation()

/** The same details as an evaluation has. */
function written(
  value: JsonValue,
  variant: string,
  reason: EvaluationReason,
  ruleId: string | null,
  hash: number,
  inExperiment: boolean,
): Evaluation {
  details.value = value
  details.variant = variant
  details.reason = reason
  details.ruleId = ruleId
  details.cohort = null
  details.bucket = hash >>> 16
  details.inExperiment = inExperiment
  details.errorCode = null
  return details
}

const countries = new Set(benchRules.countries)
const [leastMajor = 0, leastMinor = 0, leastPatch = 0] = benchRules.version.split('.').map(Number)

function matchesRules({ country, plan, email, appVersion, betaTester }: FloorContext): boolean {
  return (
    countries.has(country) ||
    plan === benchRules.plan ||
    email.endsWith(benchRules.emailEnd) ||
    isNewEnough(appVersion) ||
    betaTester
  )
}

/** Three numbers and no pre-release, which is all that the users here have. */
function isNewEnough(version: string): boolean {
  let major = 0
  let minor = 0
  let patch = 0
  for (let index = 0; index < version.length; index++) {
    const digit = version.charCodeAt(index) - 48
    if (digit >= 0) patch = patch * 10 + digit
    else {
      major = minor
      minor = patch
      patch = 0
    }
  }
  return (major - leastMajor || minor - leastMinor || patch - leastPatch) >= 0
}

/** The reference algorithm for ASCII, as short as it can be written. */
function murmur3(key: string, seed: number): number {
  const whole = key.length & ~3
  let hash = seed
  for (let index = 0; index < whole; index += 4) {
    const block =
      key.charCodeAt(index) |
      (key.charCodeAt(index + 1) << 8) |
      (key.charCodeAt(index + 2) << 16) |
      (key.charCodeAt(index + 3) << 24)
    hash ^= scramble(block)
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let index = key.length - 1; index >= whole; index--) tail = (tail << 8) | key.charCodeAt(index)
  hash ^= scramble(tail) ^ key.length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function scramble(block: number): number {
  const product = Math.imul(block, 0xcc9e2d51)
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593)
}
