import { completeFlag, type FlagDefinition } from '@dankai/flags'
import type { FlagStore, Scope, StoredFlag, VariantExposure } from '@dankai/store'
import { shareIn, splitOf } from './assess-experiment.ts'

const versionsPerPage = 200
/** Beyond a thousand changes of one flag since its first user, nobody reads a comparison. */
const pagesMax = 5

/** When the shares of an experiment were last changed since its first user; null: never. Off and on changes none. */
export async function findShareChange(
  flags: Pick<FlagStore, 'history'>,
  scope: Scope,
  { key, definition }: Pick<StoredFlag, 'key' | 'definition'>,
  exposed: readonly VariantExposure[],
): Promise<number | null> {
  const startedAt = Math.min(...exposed.map(({ firstAt }) => firstAt))
  const present = sharesText(definition)
  let changedAt = Number.POSITIVE_INFINITY
  let after: string | null = null
  for (let page = 0; page < pagesMax && exposed.length > 0; page++) {
    const { items, next } = await flags.history(scope, key, { limit: versionsPerPage, after })
    for (const { definition: then, at } of items) {
      if (then !== null && sharesText(then) !== present) return changedAt
      if (at <= startedAt) return null
      changedAt = at
    }
    if (next === null) return null
    after = next
  }
  return null
}

function sharesText(definition: FlagDefinition): string {
  const flag = completeFlag(definition)
  const split = splitOf(flag)
  if (split === null) return ''
  return JSON.stringify(
    Object.keys(flag.variants)
      .toSorted()
      .map(variant => [variant, shareIn(split, variant)]),
  )
}
