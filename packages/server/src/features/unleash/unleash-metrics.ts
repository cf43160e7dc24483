/**
 * What Unleash's clients report: `{ bucket: { stop, toggles: { NAME: { yes, no, variants: { NAME: count } } } } }`.
 *
 * A variant that was shown counts as that; of the other answers "yes" is the on variant and "no" the off variant. What
 * cannot be read is passed over: a client that is told so would send the same again.
 */
import type { FlagDefinition } from '@dankai/flags'
import type { Application } from '../../application.ts'
import { type Fields, fieldsOf } from '../../http/fields.ts'
import type { ServedView } from '../../serving/served-view.ts'

const togglesMax = 10_000
const variantsMax = 100

export function takeUnleashMetrics(
  app: Pick<Application, 'evaluations' | 'now'>,
  { scope, flags }: ServedView,
  body: unknown,
): void {
  const bucket = fieldsOf(fieldsOf(body)['bucket'])
  const stop = typeof bucket['stop'] === 'string' ? Date.parse(bucket['stop']) : Number.NaN
  const now = app.now()
  const at = Number.isNaN(stop) ? now : Math.min(stop, now)
  for (const [key, toggle] of Object.entries(fieldsOf(bucket['toggles'])).slice(0, togglesMax)) {
    const flag = flags.find(key)?.definition
    // A flag that is not known here is nobody's to clean up, and anybody can invent names.
    if (flag === undefined) continue
    for (const [variant, count] of countsOf(flag, fieldsOf(toggle)))
      app.evaluations.record(scope, key, variant, count, at, 'unleash')
  }
}

function countsOf(flag: FlagDefinition, toggle: Fields): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  const add = (variant: string, count: number): void => {
    if (count > 0) counts.set(variant, (counts.get(variant) ?? 0) + count)
  }
  let named = 0
  for (const [variant, given] of Object.entries(fieldsOf(toggle['variants'])).slice(0, variantsMax)) {
    // Clients show "disabled" for whoever has no variant; those are among yes and no.
    if (!Object.hasOwn(flag.variants, variant)) continue
    named += countOf(given)
    add(variant, countOf(given))
  }
  add(flag.onVariant, countOf(toggle['yes']) - named)
  add(flag.offVariant, countOf(toggle['no']))
  return counts
}

const countOf = (found: unknown): number =>
  Number.isSafeInteger(found) && (found as number) > 0 ? (found as number) : 0
