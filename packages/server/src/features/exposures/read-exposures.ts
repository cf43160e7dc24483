/**
 * From what an SDK says of users to what is stored: judged entry by entry, in Dankai's time.
 *
 *  1. The sender's clock is corrected by the difference between its `sentAt` and the receipt; nothing lies in the future.
 *  2. An exposure names a flag and a variant of the environment: what is stored by name is bounded by what is defined.
 *  3. One bad entry never loses the others.
 */
import { exposureWireSchema, outcomeWireSchema, type RefusedExposure } from '@dankai/contract'
import type { FlagDefinition } from '@dankai/flags'
import type { NewExposure, NewOutcome } from '@dankai/store'
import type { z } from 'zod'

export interface ExposureBatch {
  readonly sentAt: number
  readonly exposures: readonly unknown[]
  readonly outcomes: readonly unknown[]
}

export interface ReadExposures {
  readonly exposures: readonly NewExposure[]
  readonly outcomes: readonly NewOutcome[]
  readonly refused: readonly RefusedExposure[]
}

type Refusal = Omit<RefusedExposure, 'list' | 'index'>

/** An SDK that was offline for a day still has its first exposures; older ones belong to another week's comparison. */
const ageMaxMs = 86_400_000

export function readExposures(
  batch: ExposureBatch,
  findFlag: (key: string) => FlagDefinition | undefined,
  now: number,
): ReadExposures {
  const refused: RefusedExposure[] = []
  const shiftMs = now - batch.sentAt
  function readAll<Entry extends { readonly at: number }>(
    list: RefusedExposure['list'],
    schema: z.ZodType<Entry>,
    problemOf: (entry: Entry) => Refusal | null,
  ): Entry[] {
    return batch[list].flatMap((raw, index) => {
      const parsed = schema.safeParse(raw)
      const problem = parsed.success
        ? (timeProblem(parsed.data.at + shiftMs, now) ?? problemOf(parsed.data))
        : invalid(parsed.error)
      if (problem !== null) refused.push({ list, index, ...problem })
      return problem !== null || !parsed.success ? [] : [{ ...parsed.data, at: timeOf(parsed.data.at + shiftMs, now) }]
    })
  }
  const exposures = readAll('exposures', exposureWireSchema, entry => flagProblem(entry, findFlag(entry.flag)))
  const outcomes = readAll('outcomes', outcomeWireSchema, () => null)
  return { exposures, outcomes, refused }
}

const timeOf = (at: number, now: number): number => Math.min(Math.round(at), now)

function timeProblem(at: number, now: number): Refusal | null {
  if (at >= now - ageMaxMs) return null
  return { code: 'late', message: `found an event ${Math.round(now - at)} ms ago, expected at most ${ageMaxMs}` }
}

function invalid(error: z.ZodError): Refusal {
  const issue = error.issues[0]
  const where = issue?.path.join('.') ?? ''
  return { code: 'invalid', message: `${where}: ${issue?.message ?? 'not an event'}`.slice(0, 300) }
}

function flagProblem(entry: Pick<NewExposure, 'flag' | 'variant'>, flag: FlagDefinition | undefined): Refusal | null {
  if (flag === undefined)
    return { code: 'unknown-flag', message: `found flag "${entry.flag}", expected one of this environment` }
  if (Object.hasOwn(flag.variants, entry.variant)) return null
  return { code: 'unknown-variant', message: `found variant "${entry.variant}", expected one of flag "${entry.flag}"` }
}
