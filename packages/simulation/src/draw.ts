import { inLanguage, type Language, renderDuration, renderTime, type Wording, wordingOf } from '@dankai/insight'
import { curveRows, drawExposure } from './drawing/exposure-curve.ts'
import {
  type Cell,
  judgedCriteria,
  missingCells,
  missingMetrics,
  paintCells,
  peopleCells,
  phaseCells,
  phaseLabel,
  phaseNote,
  ruleCells,
  stirredRules,
  verdictCells,
} from './drawing/lanes.ts'
import { createPaint, doingWords, glyphs, type Ink, type Paint } from './drawing/palette.ts'
import { type Doing, type Stretch, stretchesOf } from './drawing/stretch.ts'
import { drawEvidence, drawHappenings, drawNotes, drawWaits } from './drawing/tables.ts'
import { fitTo, padTo, widthOf } from './drawing/text-width.ts'
import { createTimeAxis, drawAxis, type TimeAxis } from './drawing/time-axis.ts'
import type { Outcome, Trace } from './trace.ts'

export interface DrawOptions {
  readonly language: Language
  /** Columns of the terminal; 80 to 120 are used. */
  readonly width: number
  readonly color: boolean
  /** Shown above the drawing: the scenario's name, or what the world is. */
  readonly heading: string | null
  /** What the plan's author should know: evidence budgets, rules that can hardly fire. */
  readonly notes: readonly string[]
}

/**
 * A simulated release as a picture for a terminal: the exposure curve, a bar per phase, what stirred, what people did;
 * below it what happened when, what it waited for and how long, and what the evidence cost.
 */
export function drawTrace(trace: Trace, options: DrawOptions): string {
  const wording = wordingOf(trace.plan, options.language)
  const width = Math.min(120, Math.max(80, options.width))
  const sheet = createSheet(trace, wording, width, createPaint(options.color))
  return [
    ...drawHead(trace, options.heading, sheet),
    '',
    ...drawPicture(trace, sheet),
    '',
    ...drawLegend(sheet),
    ...section(sheet, { en: 'What happened', ja: '起きたこと' }, drawHappenings(trace, wording, width)),
    ...section(sheet, { en: 'Waited for', ja: '待ったもの' }, drawWaits(trace, wording, width)),
    ...section(sheet, { en: 'Evidence', ja: '証拠' }, drawEvidence(trace, wording, width)),
    ...section(
      sheet,
      { en: 'Refused', ja: '拒否された操作' },
      drawNotes(
        trace.refusals.map(({ message }) => message),
        width,
      ),
    ),
    ...section(sheet, { en: 'Notes', ja: '注意' }, drawNotes(options.notes, width)),
    '',
  ].join('\n')
}

interface Sheet {
  readonly wording: Wording
  readonly width: number
  readonly paint: Paint
  readonly axis: TimeAxis
  readonly stretches: readonly Stretch[]
}

const labelWidth = 20
const noteWidth = 24
const rulesShown = 6
const criteriaShown = 8

function createSheet(trace: Trace, wording: Wording, width: number, paint: Paint): Sheet {
  const columns = width - labelWidth - noteWidth - 2
  return { wording, width, paint, axis: createTimeAxis(trace.start, trace.end, columns), stretches: stretchesOf(trace) }
}

// ── Head ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const outcomeWords: Readonly<Record<Outcome, { readonly en: string; readonly ja: string; readonly ink: Ink }>> = {
  completed: { en: 'completed', ja: '完了', ink: 'good' },
  'rolled back': { en: 'rolled back', ja: 'ロールバック済み', ink: 'bad' },
  'rollback incomplete': { en: 'rollback incomplete', ja: 'ロールバック未完', ink: 'bad' },
  contained: { en: 'contained', ja: '封じ込め済み', ink: 'bad' },
  running: { en: 'still running', ja: '進行中', ink: 'warn' },
}

function drawHead(trace: Trace, heading: string | null, { wording, paint }: Sheet): readonly string[] {
  const { plan } = trace
  const strategy = plan.strategy === null ? '' : ` · ${plan.strategy}`
  const outcome = outcomeWords[trace.outcome]
  const took = renderDuration(trace.end - trace.start, wording.language)
  const times = `${renderTime(trace.start, wording)} → ${renderTime(trace.end, wording)} (${took})`
  const seed = inLanguage(wording, { en: `seed ${trace.seed}`, ja: `シード ${trace.seed}` })
  return [
    `${paint(plan.title ?? plan.name, 'bold')}  ${plan.name}${strategy}`,
    ...(heading === null ? [] : [heading]),
    `${times}  ${paint(inLanguage(wording, outcome), outcome.ink)}  ${paint(seed, 'dim')}`,
  ]
}

// ── Picture ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function drawPicture(trace: Trace, sheet: Sheet): readonly string[] {
  const { axis, stretches, wording, paint } = sheet
  const [labels, ruler] = drawAxis(axis)
  const row = (label: string, cells: readonly Cell[], note = ''): string =>
    `${fitTo(label, labelWidth)}│${paintCells(cells, paint)}│${paint(fitTo(` ${note}`, noteWidth).trimEnd(), 'dim')}`.trimEnd()
  const gates = phaseCells(trace, stretches, null, axis)
  const rules = stirredRules(trace).slice(0, rulesShown)
  const criteria = judgedCriteria(trace).slice(0, criteriaShown)
  const people = peopleCells(trace, axis)
  return [
    ...drawCurve(trace, sheet),
    `${padTo('', labelWidth)} ${paint(ruler, 'dim')}`,
    `${padTo('', labelWidth)} ${paint(labels, 'dim')}`,
    ...(isBlank(gates) ? [] : [row(inLanguage(wording, { en: 'before', ja: '開始前' }), gates)]),
    ...trace.plan.phases.map((phase, index) =>
      row(phaseLabel(trace, index), phaseCells(trace, stretches, index, axis), phaseNote(trace, phase.index, wording)),
    ),
    ...rules.map(({ rule, name }) =>
      row(`! ${name}`, ruleCells(trace, rule, axis), consequenceNote(trace, rule, wording)),
    ),
    ...missingMetrics(trace).map(metric =>
      row(`· ${metric}`, missingCells(trace, metric, axis), inLanguage(wording, { en: 'no data', ja: 'データなし' })),
    ),
    ...criteria.map(text => row(`= ${text}`, verdictCells(trace, text, axis))),
    ...(isBlank(people) ? [] : [row(inLanguage(wording, { en: 'people', ja: '人' }), people)]),
  ]
}

function isBlank(cells: readonly Cell[]): boolean {
  return cells.every(cell => cell.mark === ' ')
}

function drawCurve(trace: Trace, { axis, wording, paint }: Sheet): readonly string[] {
  const name = inLanguage(wording, { en: 'exposure', ja: '公開' })
  return drawExposure(trace, axis).map((cells, index) => {
    const level = index === 0 ? '100%' : index === curveRows - 1 ? '0%' : ''
    const label = index === 0 ? fitTo(name, labelWidth - 6) : padTo('', labelWidth - 6)
    return `${label} ${level.padStart(4)} │${paint(cells.trimEnd(), 'good')}`
  })
}

function consequenceNote(trace: Trace, id: string, wording: Wording): string {
  const consequence = trace.plan.rules.find(rule => rule.id === id)?.consequence
  switch (consequence?.kind) {
    case 'now':
      return inLanguage(wording, { en: 'rollback now', ja: '即時ロールバック' })
    case 'within': {
      const within = renderDuration(consequence.ms, wording.language)
      return inLanguage(wording, { en: `rollback within ${within}`, ja: `${within}以内にロールバック` })
    }
    case 'decide': {
      const within = renderDuration(consequence.ms, wording.language)
      return inLanguage(wording, { en: `decide within ${within}`, ja: `${within}以内に判断` })
    }
    case 'halt':
      return inLanguage(wording, { en: 'halt', ja: '停止' })
    case 'hold':
      return inLanguage(wording, { en: 'hold', ja: '保留' })
    case undefined:
      return ''
  }
}

/** Only the marks that stand in this drawing. */
function drawLegend({ stretches, wording, width, paint }: Sheet): readonly string[] {
  const doings = [...new Set<Doing>(stretches.map(stretch => stretch.doing))]
  const bars = doings.map(doing => `${glyphs[doing].mark} ${inLanguage(wording, doingWords[doing])}`)
  const items = [...bars, ...markWords.map(words => inLanguage(wording, words))]
  const lines: string[] = []
  for (const item of items) {
    const last = lines.at(-1)
    const longer = last === undefined ? item : `${last}  ${item}`
    if (last !== undefined && widthOf(longer) > width) lines.push(item)
    else lines.splice(-1, 1, longer)
  }
  return lines.map(line => paint(line, 'dim'))
}

const markWords: readonly Readonly<Record<Language, string>>[] = [
  { en: '✓ passed', ja: '✓ 通過' },
  { en: '✗ rolled back', ja: '✗ ロールバック' },
  { en: '! fired', ja: '! 発動' },
  { en: '• answered', ja: '• 回答' },
]

function section(sheet: Sheet, title: Readonly<Record<Language, string>>, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', sheet.paint(inLanguage(sheet.wording, title), 'bold'), ...lines]
}
