/**
 * What a bucket decides, piece by piece from the first place on. Several shares and splits that follow one another can
 * be one rollout as long as all of them read the same bucket.
 */
import { type FlagDefinition, type Serve, weightTotal } from '@dankai/flags'
import { escapedReference, referenceTo } from './attribute-reference.ts'
import { CannotFollow } from './cannot-follow.ts'
import type { VariationOrRollout } from './launchdarkly-flag.ts'

export interface BucketSource {
  /** Null: the targeting key. */
  readonly by: string | null
  readonly seed: string
}

export interface Pieces {
  /** Null as long as no bucket was needed. */
  readonly source: BucketSource | null
  readonly pieces: readonly Piece[]
}

interface Piece {
  readonly variant: string
  /** First place that is no longer of this piece, 1 to 100,000. */
  readonly end: number
  readonly inExperiment: boolean
}

export const noPieces: Pieces = { source: null, pieces: [] }

export const endOf = ({ pieces }: Pieces): number => pieces.at(-1)?.end ?? 0

/** Those below `share` whom nothing decided yet have what is served. `source` is the bucket of the share. */
export function extend(
  flag: FlagDefinition,
  before: Pieces,
  share: number,
  source: BucketSource,
  serve: Serve,
): Pieces {
  const start = endOf(before)
  // Places of another bucket are other users, so only those of the same one are decided already.
  if (share <= start && isSame(before.source, source)) return before
  const served = piecesOf(serve)
  const pieces = [...before.pieces]
  for (const { variant, end, inExperiment } of served.filter(piece => piece.end > start)) {
    if (endOf({ source: null, pieces }) >= share) break
    pieces.push({ variant, end: Math.min(end, share), inExperiment })
  }
  const sources = [before.source]
  if (share < weightTotal) sources.push(source)
  if (served.length > 1 || served.some(({ inExperiment }) => inExperiment)) sources.push(splitSource(flag, serve))
  return { source: commonSource(sources), pieces: joined(pieces) }
}

function piecesOf(serve: Serve): readonly Piece[] {
  if ('variant' in serve) return [{ variant: serve.variant, end: weightTotal, inExperiment: false }]
  let end = 0
  return serve.split.flatMap(({ variant, weight, tracked = true }) => {
    end += weight
    return weight === 0 ? [] : [{ variant, end, inExperiment: serve.experiment && tracked }]
  })
}

/** LaunchDarkly's shares and splits read one bucket; those of other formulas read two, which no rollout can be made of. */
function splitSource({ seed: ofFlag, algorithm }: FlagDefinition, serve: Serve): BucketSource | null {
  if (!('split' in serve)) return null
  const seed = serve.seed ?? ofFlag
  return { by: serve.by, seed: algorithm === 'launchdarkly' ? seed : `split ${seed}` }
}

function commonSource(sources: readonly (BucketSource | null)[]): BucketSource | null {
  const needed = sources.filter(source => source !== null)
  const [first = null] = needed
  if (needed.some(source => !isSame(source, first)))
    throw new CannotFollow('shares and splits that follow one another read different buckets (by or seed)')
  return first
}

const isSame = (one: BucketSource | null, other: BucketSource | null): boolean =>
  one?.by === other?.by && one?.seed === other?.seed

function joined(pieces: readonly Piece[]): readonly Piece[] {
  return pieces.filter(({ variant, inExperiment }, index) => {
    const next = pieces[index + 1]
    return next === undefined || next.variant !== variant || next.inExperiment !== inExperiment
  })
}

/** How the flag's buckets are made by LaunchDarkly's own formula. */
export interface BucketFormula {
  readonly salt: string
  /** Seed of a rollout; null when the salt of the flag says it. Throws for what the formula cannot give. */
  readonly seedOf: (seed: string) => number | null
}

export function bucketFormula(flag: FlagDefinition, othersAllowed: boolean): BucketFormula {
  const { key, seed: ofFlag, algorithm } = flag
  const salt = ofFlag.startsWith(`${key}.`) ? ofFlag.slice(key.length + 1) : ofFlag
  if (othersAllowed) return { salt, seedOf: () => null }
  return {
    salt,
    seedOf(seed) {
      if (algorithm !== 'launchdarkly')
        throw new CannotFollow(`its buckets are those of "${algorithm}"; LaunchDarkly's clients know their own alone`)
      if (seed === `${key}.${salt}`) return null
      // Their seed is a whole number that is not zero, and is hashed as its text.
      const number = Number(seed)
      if (Number.isSafeInteger(number) && number !== 0 && String(number) === seed) return number
      throw new CannotFollow(`LaunchDarkly makes buckets from "${key}.SALT" or a whole number, not from "${seed}"`)
    },
  }
}

export function rolloutOf(
  flag: FlagDefinition,
  { source, pieces }: Pieces,
  formula: BucketFormula,
): VariationOrRollout {
  const names = Object.keys(flag.variants)
  const [only] = pieces
  if (only !== undefined && pieces.length === 1 && !only.inExperiment) return { variation: names.indexOf(only.variant) }
  const { by, seed } = source ?? { by: null, seed: flag.seed }
  const own = formula.seedOf(seed)
  const isExperiment = pieces.some(({ inExperiment }) => inExperiment)
  const bucketBy = by === null ? null : escapedReference(referenceTo(by))
  if (isExperiment && bucketBy !== null && bucketBy !== 'key')
    throw new CannotFollow('LaunchDarkly makes the bucket of an experiment from the key alone')
  const variations = pieces.map(({ variant, end, inExperiment }, index) => ({
    variation: names.indexOf(variant),
    weight: end - (pieces[index - 1]?.end ?? 0),
    ...(isExperiment && !inExperiment ? { untracked: true } : {}),
  }))
  return {
    rollout: {
      ...(isExperiment ? { kind: 'experiment' } : {}),
      contextKind: 'user',
      variations,
      ...(bucketBy === null || bucketBy === 'key' ? {} : { bucketBy }),
      ...(own === null ? {} : { seed: own }),
    },
  }
}
