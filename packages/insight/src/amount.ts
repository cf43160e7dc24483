import type { CompiledPlan, Condition, Exposure, MetricUnit } from '@dankai/plan'
import type { Language, Wording } from './wording.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const durationUnits: readonly { readonly ms: number; readonly en: string; readonly ja: string }[] = [
  { ms: day, en: 'd', ja: '日' },
  { ms: hour, en: 'h', ja: '時間' },
  { ms: minute, en: 'm', ja: '分' },
  { ms: second, en: 's', ja: '秒' },
]

/** `2m30s`, `2分30秒`: the two largest units, rounded down, because nobody acts on the seconds of a week. */
export function renderDuration(ms: number, language: Language): string {
  if (ms < 0) return `-${renderDuration(-ms, language)}`
  if (ms > 0 && ms < second) return language === 'ja' ? `${Math.round(ms)}ミリ秒` : `${Math.round(ms)}ms`
  const largest = durationUnits.findIndex(unit => ms >= unit.ms)
  if (largest < 0) return language === 'ja' ? '0秒' : '0s'
  let rest = ms
  let text = ''
  for (const unit of durationUnits.slice(largest, largest + 2)) {
    const count = Math.floor(rest / unit.ms)
    rest -= count * unit.ms
    if (count > 0) text += `${count}${unit[language]}`
  }
  return text
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** Formatters take longer to build than to use; a process sees a handful of zones. */
function formatOf(timezone: string): Intl.DateTimeFormat {
  const known = formats.get(timezone)
  if (known) return known
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, dateStyle: 'short', timeStyle: 'medium' })
  formats.set(timezone, format)
  return format
}

/** `2026-05-06 00:00` in the zone of the wording; seconds only where they say something. */
export function renderTime(at: number, wording: Wording): string {
  const text = formatOf(wording.timezone).format(at)
  return text.endsWith(':00') ? text.slice(0, -3) : text
}

/** `5%`, `0.25%`: at most four digits after the point, so that a share of one in a million still shows. */
export function renderShare(share: number): string {
  return `${trimNumber(share * 100, 4)}%`
}

export function renderExposure(exposure: Exposure, wording: Wording): string {
  if (exposure.shadow) return wording.language === 'ja' ? 'シャドー' : 'shadow'
  const cohorts = exposure.cohorts.map(cohort => renderCohort(cohort.segment, cohort.share, wording.language))
  if (cohorts.length === 0) return renderShare(exposure.share)
  return exposure.share > 0 ? [renderShare(exposure.share), ...cohorts].join(' + ') : cohorts.join(' + ')
}

function renderCohort(segment: string, share: number, language: Language): string {
  if (share >= 1) return segment
  return language === 'ja' ? `${segment} の ${renderShare(share)}` : `${renderShare(share)} of ${segment}`
}

/** A measured value or limit in the unit of its metric. */
export function renderAmount(value: number, unit: MetricUnit | null): string {
  if (unit === 'percent') return renderShare(value)
  if (unit === 'time') return value >= 10_000 ? `${trimNumber(value / second, 1)}s` : `${trimNumber(value, 1)}ms`
  if (unit === 'money') return `${trimNumber(value, 2)} USD`
  return trimNumber(value, 4)
}

function trimNumber(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)))
}

export function unitOfMetric(plan: CompiledPlan | null, metric: string): MetricUnit | null {
  return plan?.metrics[metric]?.unit ?? null
}

/** The unit of the first metric a criterion, rule or alert mentions: its value and limit are printed in it. */
export function unitOfSentence(plan: CompiledPlan | null, id: string, text: string): MetricUnit | null {
  if (plan === null) return unitOfText(text)
  for (const phase of plan.phases)
    for (const criterion of phase.promoteWhen)
      if (criterion.id === id)
        return criterion.kind === 'condition' ? unitOfConditions(plan, [criterion.condition]) : null
  const rule = plan.rules.find(each => each.id === id) ?? plan.alerts.find(each => each.id === id)
  return rule ? unitOfConditions(plan, rule.anyOf) : null
}

/** A reader of an API has no plan at hand; the sentence names the unit of its limit (`> 5%`, `+ 0.5pt`, `< 500ms`). */
function unitOfText(text: string): MetricUnit | null {
  const amount = /[<>=+-]=?\s*\d+(?:\.\d+)?(%|pt|ms|s|m|h|d|USD)?/.exec(text)
  if (amount === null || (amount[1] === '%' && /[+-]/.test(amount[0]))) return null
  if (amount[1] === '%' || amount[1] === 'pt') return 'percent'
  if (amount[1] === 'USD') return 'money'
  return amount[1] === undefined ? null : 'time'
}

function unitOfConditions(plan: CompiledPlan, conditions: readonly Condition[]): MetricUnit | null {
  for (const condition of conditions) {
    if (condition.kind === 'metric' || condition.kind === 'differs') return unitOfMetric(plan, condition.metric)
    if (condition.kind === 'all' || condition.kind === 'any') {
      const unit = unitOfConditions(plan, condition.of)
      if (unit !== null) return unit
    }
  }
  return null
}
