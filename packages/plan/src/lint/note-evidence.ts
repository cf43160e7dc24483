/** Note: what the plan's own sample count can and cannot show. */

import type { PlanCompilation } from '../compile/compile-plan.ts'
import { getSingle } from '../compile/plan-parts.ts'
import type { CompiledPlan, Condition, MetricTerm } from '../compiled-plan.ts'
import type { Localized, Located, Note } from '../problem.ts'
import { printNumber } from '../quantity.ts'
import { readServiceDocument } from '../service-document.ts'
import { termsOf } from './conditions.ts'
import { estimateErrorsToShowSafety, estimateRequestsToShowSafety } from './evidence-budget.ts'
import { note } from './note.ts'

export function noteEvidence(compilation: PlanCompilation): readonly Note[] {
  const { plan, parts } = compilation
  if (plan.evidence.kind !== 'notHarmful') return []
  const at = getSingle(parts, 'evidence') ?? parts.root
  const seen = new Set<string>()
  return baselineTerms(plan).flatMap(term => {
    if (seen.has(term.text)) return []
    seen.add(term.text)
    return noteTerm(term, compilation, at)
  })
}

function baselineTerms(plan: CompiledPlan): readonly MetricTerm[] {
  const conditions = plan.phases.flatMap(({ promoteWhen }) =>
    promoteWhen.flatMap((criterion): readonly Condition[] =>
      criterion.kind === 'condition' ? [criterion.condition] : [],
    ),
  )
  return conditions
    .flatMap(termsOf)
    .filter((term): term is MetricTerm => term.kind === 'metric' && term.limit.kind === 'reference')
}

function noteTerm(term: MetricTerm, { plan, scope, parts }: PlanCompilation, at: Located): readonly Note[] {
  const samples = plan.evidence.kind === 'notHarmful' ? plan.evidence.samples : 0
  const where =
    parts.strategy === null
      ? { en: `plan "${plan.name}"`, ja: `計画 "${plan.name}"` }
      : { en: `strategy "${parts.strategy}"`, ja: `戦略 "${parts.strategy}"` }
  const metric = plan.metrics[term.metric]
  if (!metric || term.limit.kind !== 'reference' || term.limit.reference !== 'baseline') return []
  const { multiple, plus, plusRelative } = term.limit
  if (multiple === 1 && plus === 0 && plusRelative === 0) return [noteNoMargin(term.text, samples, where, at)]
  if (metric.unit !== 'percent') return []
  const share = plan.phases.map(({ exposure }) => exposure.share).find(part => part > 0 && part < 1) ?? 0.1
  if (plus === 0) return noteMultiple(multiple, share, term.text, where, at)
  const margin = Math.abs(plus)
  // A margin of half the range or more has no doubling to speak of.
  if (margin >= 0.25) return []
  const needed = estimateRequestsToShowSafety(margin, share)
  if (samples >= needed) return []
  const service = scope.documents.get('Service')?.get(plan.service)
  const perSecond = service ? (readServiceDocument(service).requestsPerSecond ?? 0) * share : 0
  const margins = `${plus < 0 ? '-' : '+'}${printNumber(margin, 2)}pt`
  return [noteBudget(samples, margins, needed, perSecond, where, at)]
}

function noteBudget(
  samples: number,
  margin: string,
  needed: number,
  perSecond: number,
  where: Localized,
  at: Located,
): Note {
  const count = needed.toLocaleString('en-US')
  const rate = printNumber(Math.round(perSecond * 100) / 100)
  const time = perSecond > 0 ? printRoughTime(needed / perSecond) : null
  const en = time === null ? '' : ` (${time.en} at ${rate}/s)`
  const ja = time === null ? '' : ` (毎秒 ${rate} 件で${time.ja})`
  return note(
    'evidence-budget',
    'info',
    at,
    `${where.en}: ${samples} samples cannot show safety at ${margin}; about ${count} canary requests can${en}. The record will say "not shown harmful"`,
    `${where.ja}: ${samples} 標本では ${margin} の安全は示せません。カナリアへの要求が約 ${count} 件あれば示せます${ja}。記録には "not shown harmful" と書かれます`,
  )
}

function printRoughTime(seconds: number): Localized {
  if (seconds < 90)
    return { en: `${Math.max(1, Math.round(seconds))} s`, ja: `約 ${Math.max(1, Math.round(seconds))} 秒` }
  const minutes = seconds / 60
  if (minutes < 90) return { en: `${Math.round(minutes)} min`, ja: `約 ${Math.round(minutes)} 分` }
  const hours = minutes / 60
  if (hours < 48) return { en: `${Math.round(hours)} h`, ja: `約 ${Math.round(hours)} 時間` }
  return { en: `${Math.round(hours / 24)} days`, ja: `約 ${Math.round(hours / 24)} 日` }
}

function noteNoMargin(text: string, samples: number, where: Localized, at: Located): Note {
  return note(
    'evidence-margin',
    'info',
    at,
    `${where.en}: ${samples} samples cannot show safety for "${text}"; no number can, because it leaves no margin. The record will say "not shown harmful"`,
    `${where.ja}: ${samples} 標本では "${text}" の安全は示せません。許容幅がないので、いくつあっても示せません。記録には "not shown harmful" と書かれます`,
  )
}

/** For a multiple the number of requests depends on the error rate, the number of errors does not. */
function noteMultiple(multiple: number, share: number, text: string, where: Localized, at: Located): readonly Note[] {
  if (multiple <= 1) return []
  const errors = Math.ceil(estimateErrorsToShowSafety(multiple, share))
  return [
    note(
      'evidence-budget',
      'info',
      at,
      `${where.en}: to show safety for "${text}", the canary must have seen requests enough for about ${errors} errors at the usual rate. Until then the record says "not shown harmful"`,
      `${where.ja}: "${text}" の安全を示すには、ふだんの率で約 ${errors} 件の誤りが出るだけの要求がカナリアに要ります。それまで記録には "not shown harmful" と書かれます`,
    ),
  ]
}
