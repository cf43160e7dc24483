/**
 * What an experiment has shown so far.
 *
 * 1. Users count once, under the first variant they were given; those who were given another one too are left out of
 *    shares and results alike.
 * 2. Each variant is compared with the control; the intervals of one event together miss with probability alpha at most,
 *    so each has its part of it (Bonferroni). Formulas and sources: packages/analysis.
 * 3. Shares that were changed on the way are those of no moment: the sample ratio is not judged then.
 * 4. Results of variants that got other shares of users than they should are shown, with a note that says so first.
 */
import { checkSampleRatio, differenceInterval, usersMin } from '@dankai/analysis'
import type { experimentSchema } from '@dankai/contract'
import { type FlagDefinition, type Serve, type Split, weightTotal } from '@dankai/flags'
import type { StoredFlag, VariantExposure, VariantOutcome } from '@dankai/store'
import type { z } from 'zod'

export type Experiment = z.infer<typeof experimentSchema>
type Outcome = Experiment['outcomes'][number]
type Interval = Outcome['variants'][number]['rateDifference']

export const alpha = 0.05

export function assessExperiment(
  { definition, care }: Pick<StoredFlag, 'definition' | 'care'>,
  control: string,
  exposed: readonly VariantExposure[],
  events: readonly { readonly event: string; readonly outcomes: readonly VariantOutcome[] }[],
  more: boolean,
  sharesChangedAt: number | null = null,
): Experiment {
  const variants = variantsOf(definition, exposed)
  const sampleRatio =
    sharesChangedAt === null ? sampleRatioOf(variants) : unknownRatio(sharesChangedText(sharesChangedAt))
  const names = variants.map(({ variant }) => variant)
  return {
    flag: definition.key,
    kind: definition.kind,
    running: names.length > 0 && definition.on && !definition.killed && care.experimentEndedAt === null,
    startedAt: exposed.length === 0 ? null : Math.min(...exposed.map(({ firstAt }) => firstAt)),
    endedAt: care.experimentEndedAt,
    control,
    alpha,
    variants,
    sharesChangedAt,
    sampleRatio,
    outcomes: events.map(({ event, outcomes }) => ({ event, variants: compare(names, control, exposed, outcomes) })),
    more,
    notes: [
      ...(sharesChangedAt === null ? [] : [sharesChangedText(sharesChangedAt)]),
      ...notesOf(variants, sampleRatio, names.includes(control), control),
    ],
  }
}

function variantsOf(definition: FlagDefinition, exposed: readonly VariantExposure[]): Experiment['variants'] {
  const split = splitOf(definition)
  const names = new Set([...(split?.split.map(({ variant }) => variant) ?? []), ...exposed.map(one => one.variant)])
  return [...names].map(variant => {
    const { users, switched } = exposed.find(one => one.variant === variant) ?? { users: 0, switched: 0 }
    return { variant, share: split === null ? null : shareIn(split, variant), users, switched }
  })
}

/**
 * Shares are known where one split, and no other bucket, decides: whoever is served a variant by a target or a plain rule
 * is told of by no client.
 */
export function splitOf({ rules, exposure, otherwise }: FlagDefinition): Split | null {
  const served: readonly Serve[] = [...rules.map(({ serve }) => serve), otherwise]
  const [split, ...others] = served.filter((serve): serve is Split => 'split' in serve)
  const isDealtOtherwise =
    exposure.share > 0 ||
    exposure.cohorts.length > 0 ||
    rules.some(({ share, serve }) => share < 1 && !('split' in serve))
  return split === undefined || others.length > 0 || isDealtOtherwise ? null : split
}

export function shareIn({ split }: Split, variant: string): number {
  return split.reduce((sum, part) => sum + (part.variant === variant ? part.weight : 0), 0) / weightTotal
}

function sampleRatioOf(variants: Experiment['variants']): Experiment['sampleRatio'] {
  const parts = variants.flatMap(({ users, share }) => (share === null ? [] : [{ users, share }]))
  if (parts.length < variants.length || parts.length === 0)
    return unknownRatio('The shares that the variants should get are not those of one split.')
  if (parts.every(({ users }) => users === 0)) return unknownRatio('Nobody was exposed yet.')
  const { state, logEvidence, logThreshold } = checkSampleRatio(parts)
  const message =
    state === 'even'
      ? 'The variants have the shares of users they should.'
      : 'The variants have other shares of users than they should.'
  return { state, logEvidence: Number.isFinite(logEvidence) ? logEvidence : null, logThreshold, message }
}

function unknownRatio(message: string): Experiment['sampleRatio'] {
  return { state: 'unknown', logEvidence: null, logThreshold: null, message }
}

const sharesChangedText = (at: number): string =>
  `The shares were changed after the first user, at ${new Date(at).toISOString()}: users of before and after are mixed. Begin a new experiment under another key.`

function compare(
  names: readonly string[],
  control: string,
  exposed: readonly VariantExposure[],
  outcomes: readonly VariantOutcome[],
): Outcome['variants'] {
  const groups = new Map(names.map(name => [name, groupOf(name, exposed, outcomes)]))
  const base = groups.get(control)
  const each = alpha / Math.max(1, names.length - 1)
  return [...groups].map(([variant, group]) => {
    const { users, converted, sum } = group
    const isOther = base !== undefined && variant !== control
    return {
      variant,
      users,
      converted,
      rate: users === 0 ? null : converted / users,
      mean: users === 0 ? null : sum / users,
      rateDifference: isOther ? intervalOf(differenceInterval(ratesOf(base), ratesOf(group), each)) : null,
      meanDifference: isOther ? intervalOf(differenceInterval(base, group, each)) : null,
    }
  })
}

type Group = Pick<VariantOutcome, 'users' | 'converted' | 'sum' | 'sumOfSquares'>

/** Whoever did nothing counts with 0; a variant of which nobody did anything has no row. */
function groupOf(variant: string, exposed: readonly VariantExposure[], outcomes: readonly VariantOutcome[]): Group {
  const users = exposed.find(one => one.variant === variant)?.users ?? 0
  const found = outcomes.find(one => one.variant === variant)
  return { converted: 0, sum: 0, sumOfSquares: 0, ...found, users: Math.max(users, found?.users ?? 0) }
}

const ratesOf = ({ users, converted }: Group) => ({ users, sum: converted, sumOfSquares: converted })

function intervalOf(interval: ReturnType<typeof differenceInterval>): Interval {
  if (interval === null) return null
  const { low, high } = interval
  return { ...interval, verdict: low > 0 ? 'higher' : high < 0 ? 'lower' : 'undecided' }
}

function notesOf(
  variants: Experiment['variants'],
  { state }: Experiment['sampleRatio'],
  hasControl: boolean,
  control: string,
): string[] {
  const switched = variants.reduce((sum, one) => sum + one.switched, 0)
  const few = variants.filter(({ users }) => users < usersMin)
  return [
    ...(state === 'uneven' ? ['Do not read the results: find out first why some variant loses users.'] : []),
    ...(variants.length === 0
      ? ['This flag is no experiment: it has no split, and nobody was exposed to it.']
      : hasControl
        ? []
        : [`Nobody is compared: the control "${control}" is no variant of the experiment.`]),
    ...(switched > 0 ? [`${switched} users were given more than one variant and are left out.`] : []),
    ...(few.length === 0
      ? []
      : [`No interval for ${few.map(({ variant }) => variant).join(', ')}: fewer than ${usersMin} users.`]),
  ]
}
