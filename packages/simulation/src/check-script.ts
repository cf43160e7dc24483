import { faultPoints } from '@dankai/engine'
import type { CompiledPlan } from '@dankai/plan'
import type { Script } from './script.ts'

/** Names that the plan does not have are found before anything runs. */
export function checkScript(plan: CompiledPlan, script: Script): string | null {
  const anchors = ['start', 'rollback', ...plan.phases.map(phase => phase.name)]
  for (const { at, happening, place } of script) {
    const where = place === null ? '' : `${place.file}:${place.line}:${place.column}: `
    if (at.kind === 'anchor' && !anchors.includes(at.anchor))
      return `${where}Cannot find moment "${at.anchor}": found no such phase, expected one of ${anchors.join(', ')}. Use the name of a phase.`
    if (happening.kind === 'metric' && plan.metrics[happening.metric] === undefined)
      return `${where}Cannot change "${happening.metric}": found no such metric, expected one of ${Object.keys(plan.metrics).join(', ')}. Use a metric of the plan.`
    if (
      (happening.kind === 'hand' || happening.kind === 'drift') &&
      !plan.hands.some(hand => hand.id === happening.hand || hand.kind === happening.hand)
    )
      return `${where}Cannot find hand "${happening.hand}": expected one of ${plan.hands.map(hand => hand.id).join(', ')}. Use a hand of the plan.`
    if (
      happening.kind === 'crash' &&
      happening.crash.kind === 'point' &&
      !faultPoints.some(point => point === (happening.crash as { point: string }).point)
    )
      return `${where}Cannot crash at "${happening.crash.point}": expected one of ${faultPoints.join(', ')}. Use a point of the engine.`
  }
  return null
}
