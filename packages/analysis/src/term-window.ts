import type { Metric } from '@dankai/plan'
import type { PlacedTerm } from './plan-terms.ts'
import type { Comparison } from './term-watch.ts'
import type { Window } from './track-samples.ts'

/**
 * Which buckets a comparison looks at. What it says itself comes first, then the place it is written in.
 *
 * | written                         | looks at                                                        |
 * |---------------------------------|-----------------------------------------------------------------|
 * | `over W`, `in W`                | the last W                                                      |
 * | `for d`, `N times`              | each sample: a run of samples needs samples                     |
 * | a count without any of these    | all since the thing it is written under began                   |
 * | anything else in `promoteWhen`  | all since the phase's exposure was reached                      |
 * | anything else                   | the newest sample                                               |
 *
 * The last W may reach back before the phase: a sentence that names its window means just that window. A last value is the
 * newest one through whatever window.
 */
export function windowOf({ term, place, phase }: PlacedTerm & { readonly term: Comparison }, metric: Metric): Window {
  if (metric.measure.kind === 'last' || term.kind === 'differs') return { kind: 'newest' }
  if (term.span?.kind === 'in') return { kind: 'sliding', ms: term.span.ms }
  if (term.overMs !== null) return { kind: 'sliding', ms: term.overMs }
  if (term.span !== null) return { kind: 'newest' }
  if (place === 'criterion') return { kind: 'total', scope: 'exposure' }
  if (metric.measure.kind !== 'count') return { kind: 'newest' }
  return { kind: 'total', scope: phase === null ? 'release' : 'phase' }
}
