import type { SeriesSample } from '@dankai/engine'
import type { Scope } from '@dankai/store'
import type { Application } from '../../application.ts'

/** The SDK says what it evaluated as an ordinary series. */
const seriesName = 'flag_evaluations'
/** Clients in users' hands could invent names of services. */
const untrustedName = 'client'

/** Only flags and variants that are there are counted: names that are invented must not fill the store. */
export async function countEvaluations(
  { environments, evaluations }: Pick<Application, 'environments' | 'evaluations'>,
  scope: Scope,
  byService: ReadonlyMap<string, readonly SeriesSample[]>,
  trusted: boolean,
): Promise<void> {
  const uses = [...byService].flatMap(([service, samples]) =>
    samples.flatMap(({ series, labels: { flag, variant }, count, start }) =>
      series === seriesName && flag !== undefined ? [{ service, flag, variant, count, start }] : [],
    ),
  )
  if (uses.length === 0) return
  const environment = await environments.of(scope)
  for (const { service, flag, variant, count, start } of uses) {
    const definition = environment.stored(flag)?.definition
    if (definition === undefined) continue
    const known = variant !== undefined && Object.hasOwn(definition.variants, variant) ? variant : null
    evaluations.record(scope, flag, known, count, start, trusted ? service : untrustedName)
  }
}
