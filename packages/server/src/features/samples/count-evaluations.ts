import type { SeriesSample } from '@dankai/engine'
import type { Scope } from '@dankai/store'
import type { KeptEvaluations } from '../../composition/flag-usage.ts'

/** The SDK says what it evaluated as an ordinary series. */
const seriesName = 'flag_evaluations'

export function countEvaluations(
  evaluations: Pick<KeptEvaluations, 'record'>,
  scope: Scope,
  byService: ReadonlyMap<string, readonly SeriesSample[]>,
): void {
  for (const [service, samples] of byService)
    for (const { series, labels, count, start } of samples)
      if (series === seriesName && labels['flag'] !== undefined)
        evaluations.record(scope, labels['flag'], labels['variant'] ?? null, count, start, service)
}
