import { renderDuration, renderShare, type Wording } from '@dankai/insight'
import type { Trace, TraceEvent } from '../trace.ts'
import { glyphs, type Ink, type Paint } from './palette.ts'
import { moreImportant, type Stretch } from './stretch.ts'
import type { TimeAxis } from './time-axis.ts'

/** One line of a drawing: what it is about, marks over time, and a note at its end. */
export interface Lane {
  readonly label: string
  readonly cells: string
  readonly note: string
}

export interface Cell {
  readonly mark: string
  readonly ink: Ink
}

const blank: Cell = { mark: ' ', ink: 'plain' }

/** Neighbours in the same ink share one escape sequence. */
export function paintCells(cells: readonly Cell[], paint: Paint): string {
  let text = ''
  let run = ''
  let ink: Ink = 'plain'
  for (const cell of cells) {
    if (cell.ink !== ink) {
      text += paint(run, ink)
      run = ''
      ink = cell.ink
    }
    run += cell.mark
  }
  return text + paint(run, ink)
}

// ── Phases ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What the release did while in a phase (null: before the first), and how it left it. */
export function phaseCells(
  trace: Trace,
  stretches: readonly Stretch[],
  phase: number | null,
  axis: TimeAxis,
): readonly Cell[] {
  const shown: (Stretch | undefined)[] = Array.from({ length: axis.columns })
  for (const stretch of stretches) {
    if (stretch.phase !== phase) continue
    for (let column = axis.columnOf(stretch.from); column <= axis.columnOf(stretch.to - 1); column += 1) {
      const other = shown[column]
      shown[column] = other ? moreImportant(other, stretch) : stretch
    }
  }
  const cells: Cell[] = shown.map(stretch => (stretch ? glyphs[stretch.doing] : blank))
  for (const { at, mark, ink } of endMarks(trace, phase)) cells[axis.columnOf(at)] = { mark, ink }
  return cells
}

function endMarks(
  trace: Trace,
  phase: number | null,
): readonly { readonly at: number; readonly mark: string; readonly ink: Ink }[] {
  let current: number | null = null
  const marks: { at: number; mark: string; ink: Ink }[] = []
  for (const { at, body } of trace.events) {
    if (body.type === 'PhaseEntered') current = body.phase
    if (current !== phase) continue
    if (body.type === 'PhasePromoted' || body.type === 'Completed') marks.push({ at, mark: '✓', ink: 'good' })
    if (body.type === 'RollbackStarted') marks.push({ at, mark: '✗', ink: 'bad' })
    if (body.type === 'Halted') marks.push({ at, mark: '■', ink: 'bad' })
  }
  return marks
}

/** `hold 2m, took 2m10s`, counted from confirmed exposure to the way out. */
export function phaseNote(trace: Trace, phase: number, wording: Wording): string {
  const plan = trace.plan.phases[phase]
  if (!plan) return ''
  const reached = trace.anchors[plan.name]
  const left = trace.events.find(
    ({ at, body }) =>
      reached !== undefined &&
      at >= reached &&
      ((body.type === 'PhasePromoted' && body.phase === phase) ||
        body.type === 'RollbackStarted' ||
        body.type === 'Completed'),
  )
  const hold =
    plan.holdMs === null
      ? wording.language === 'ja'
        ? '終了まで'
        : 'open'
      : renderDuration(plan.holdMs, wording.language)
  if (reached === undefined) return wording.language === 'ja' ? `保持 ${hold}` : `hold ${hold}`
  const took = renderDuration((left?.at ?? trace.end) - reached, wording.language)
  return wording.language === 'ja' ? `保持 ${hold} 実際 ${took}` : `hold ${hold}, took ${took}`
}

export function phaseLabel(trace: Trace, phase: number): string {
  const plan = trace.plan.phases[phase]!
  const { exposure } = plan
  const short = exposure.cohorts.length === 0 && !exposure.shadow ? renderShare(exposure.share) : plan.exposeText
  return `${plan.name} ${short}`
}

// ── Rules and verdicts ──────────────────────────────────────────────────────────────────────────────────────────────

/** Rules that were ever pending or fired, in the order they first stirred. */
export function stirredRules(trace: Trace): readonly { readonly rule: string; readonly name: string }[] {
  const rules = new Map<string, string>()
  for (const { body } of trace.events)
    if ((body.type === 'TriggerPending' || body.type === 'TriggerFired') && !rules.has(body.rule))
      rules.set(body.rule, body.name)
  return [...rules].map(([rule, name]) => ({ rule, name }))
}

/** `?` while the condition is true and its duration runs, `!` when it fires. */
export function ruleCells(trace: Trace, rule: string, axis: TimeAxis): readonly Cell[] {
  const cells: Cell[] = Array.from({ length: axis.columns }, () => blank)
  let pendingFrom: number | null = null
  const fill = (to: number): void => {
    if (pendingFrom === null) return
    for (let column = axis.columnOf(pendingFrom); column <= axis.columnOf(to); column += 1)
      if (cells[column]?.mark !== '!') cells[column] = { mark: '?', ink: 'warn' }
    pendingFrom = null
  }
  for (const { at, body } of trace.events) {
    if (body.type === 'RollbackStarted') fill(at)
    if (!('rule' in body) || body.rule !== rule) continue
    if (body.type === 'TriggerPending') pendingFrom = at
    if (body.type === 'TriggerCleared') fill(at)
    if (body.type === 'TriggerFired') {
      fill(at)
      cells[axis.columnOf(at)] = { mark: '!', ink: 'bad' }
    }
  }
  fill(trace.end)
  return cells
}

/** Metrics that went missing, each with the columns they were missing in. */
export function missingCells(trace: Trace, metric: string, axis: TimeAxis): readonly Cell[] {
  const cells: Cell[] = Array.from({ length: axis.columns }, () => blank)
  let from: number | null = null
  const fill = (to: number): void => {
    if (from === null) return
    for (let column = axis.columnOf(from); column <= axis.columnOf(to); column += 1) cells[column] = glyphs.gap
    from = null
  }
  for (const { body } of trace.events) {
    if (body.type === 'DataMissing' && body.metric === metric) from = body.since
    if (body.type === 'DataRestored' && body.metric === metric) fill(body.until)
  }
  fill(trace.end)
  return cells
}

export function missingMetrics(trace: Trace): readonly string[] {
  return [...new Set(trace.events.flatMap(({ body }) => (body.type === 'DataMissing' ? [body.metric] : [])))]
}

/** One criterion may stand in several phases; each change of its answer is marked: ✓ met, ✗ not met, ? not known. */
export function verdictCells(trace: Trace, text: string, axis: TimeAxis): readonly Cell[] {
  const cells: Cell[] = Array.from({ length: axis.columns }, () => blank)
  for (const { at, body } of trace.events)
    if (body.type === 'VerdictChanged' && body.text === text) cells[axis.columnOf(at)] = verdictMarks[body.met]
  return cells
}

const verdictMarks: Readonly<Record<'yes' | 'no' | 'unknown', Cell>> = {
  yes: { mark: '✓', ink: 'good' },
  no: { mark: '✗', ink: 'bad' },
  unknown: { mark: '?', ink: 'dim' },
}

/** Sentences of criteria that were judged, in the order they first were. */
export function judgedCriteria(trace: Trace): readonly string[] {
  return [...new Set(trace.events.flatMap(({ body }) => (body.type === 'VerdictChanged' ? [body.text] : [])))]
}

/** Marks for what people did: approvals and confirmations are small, interventions are letters of their own. */
export function peopleCells(trace: Trace, axis: TimeAxis): readonly Cell[] {
  const cells: Cell[] = Array.from({ length: axis.columns }, () => blank)
  for (const { at, body } of trace.events) {
    const cell = personCell(body)
    const column = axis.columnOf(at)
    if (cell && (cells[column]?.mark === ' ' || cell.ink !== 'info')) cells[column] = cell
  }
  return cells
}

function personCell(body: TraceEvent['body']): Cell | null {
  switch (body.type) {
    case 'GateAnswered':
      return body.answer === 'rejected' ? { mark: 'x', ink: 'bad' } : { mark: '•', ink: 'info' }
    case 'Paused':
      return { mark: 'p', ink: 'warn' }
    case 'Resumed':
      return { mark: 'r', ink: 'good' }
    case 'DecisionAsked':
      return { mark: '?', ink: 'warn' }
    case 'DecisionAnswered':
      return body.by === null ? { mark: '…', ink: 'dim' } : { mark: 'd', ink: 'good' }
    case 'SignalReported':
      return { mark: '!', ink: 'bad' }
    case 'ActionTaken':
      return { mark: 'a', ink: 'plain' }
    default:
      return null
  }
}
