import type { EventBody, WaitingOn } from '@dankai/core'
import { inLanguage, renderDuration, renderEvent, renderTime, renderWaitingOn, type Wording } from '@dankai/insight'
import type { Trace, TraceEvent } from '../trace.ts'
import { fitTo, padTo, widthOf } from './text-width.ts'

// ── What happened ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Events a person reads first. The rest (each step, each look) is in the log. */
const telling: ReadonlySet<EventBody['type']> = new Set([
  'ReleaseStarted',
  'ExposureReached',
  'ExposureFailed',
  'PhasePromoted',
  'TriggerPending',
  'TriggerFired',
  'TriggerCleared',
  'DecisionAsked',
  'DecisionAnswered',
  'DataMissing',
  'DataRestored',
  'CoverageLost',
  'CoverageRestored',
  'DriftSeen',
  'DriftEnded',
  'SignalReported',
  'SignalWithdrawn',
  'Paused',
  'Resumed',
  'Halted',
  'AlertRaised',
  'ActionTaken',
  'PlanAmended',
  'RunbookStarted',
  'RunbookStepFailed',
  'RollbackStarted',
  'RolledBack',
  'Contained',
  'Completed',
] satisfies EventBody['type'][])

const shownFirst = 24
const shownLast = 15

/** Time, time since the phase, what happened. The middle of a long story is counted, not shown. */
export function drawHappenings(trace: Trace, wording: Wording, width: number): readonly string[] {
  const events = trace.events.filter(isTelling)
  const cut = events.length > shownFirst + shownLast + 1
  const first = cut ? events.slice(0, shownFirst) : events
  const last = cut ? events.slice(-shownLast) : []
  const relativeWidth = Math.min(24, Math.max(8, ...[...first, ...last].map(event => widthOf(event.relative))))
  const line = (event: TraceEvent): string =>
    fitTo(
      `  ${renderTime(event.at, wording).padEnd(19)}  ${padTo(event.relative, relativeWidth)}  ${sentenceOf(trace, event, wording)}`,
      width,
    ).trimEnd()
  const missing = events.length - first.length - last.length
  const gap = inLanguage(wording, { en: `  … ${missing} more`, ja: `  … ほか ${missing} 件` })
  return [...first.map(line), ...(cut ? [gap] : []), ...last.map(line)]
}

function isTelling({ body }: TraceEvent): boolean {
  if (body.type === 'StepEnded') return body.outcome === 'failed' || body.outcome === 'ambiguous'
  return telling.has(body.type)
}

/** "Exposure confirmed" says little without the exposure it confirms. */
function sentenceOf(trace: Trace, event: TraceEvent, wording: Wording): string {
  if (event.body.type !== 'ExposureReached') return renderEvent(event, wording)
  const { generation } = event.body
  const changed = trace.events.find(({ body }) => body.type === 'ExposureChanged' && body.generation === generation)
  return changed ? `${renderEvent(changed, wording)}: ${renderEvent(event, wording)}` : renderEvent(event, wording)
}

// ── What it waited for ──────────────────────────────────────────────────────────────────────────────────────────────

const waitsShown = 8

/** Total time per thing waited for, longest first; holds and open phases are the plan's own time and not listed. */
export function drawWaits(trace: Trace, wording: Wording, width: number): readonly string[] {
  const totals = new Map<string, number>()
  trace.statuses.forEach(({ at, status }, index) => {
    const ms = (trace.statuses[index + 1]?.at ?? trace.end) - at
    const subjects = new Set(status.waitingOn.filter(isWorthNaming).map(waiting => subjectOf(waiting, wording)))
    for (const subject of subjects) totals.set(subject, (totals.get(subject) ?? 0) + ms)
  })
  const longest = [...totals].filter(([, ms]) => ms >= 1000).sort((a, b) => b[1] - a[1])
  const lines = longest
    .slice(0, waitsShown)
    .map(([subject, ms]) => fitTo(`  ${renderDuration(ms, wording.language).padStart(7)}  ${subject}`, width).trimEnd())
  const more = longest.length - waitsShown
  return more > 0 ? [...lines, inLanguage(wording, { en: `  … ${more} more`, ja: `  … ほか ${more} 件` })] : lines
}

function isWorthNaming(waiting: WaitingOn): boolean {
  return waiting.kind !== 'hold' && waiting.kind !== 'close'
}

/** The thing waited for without the numbers that change while waiting, so that one wait is one line. */
function subjectOf(waiting: WaitingOn, wording: Wording): string {
  switch (waiting.kind) {
    case 'criterion':
      return renderWaitingOn({ ...waiting, verdict: null, value: null, limit: null, samples: null }, wording)
    case 'data':
      return inLanguage(wording, { en: `data for ${waiting.metric}`, ja: `${waiting.metric} のデータ` })
    case 'approval':
      return inLanguage(wording, { en: `approval of ${waiting.role}`, ja: `${waiting.role} の承認` })
    case 'exposure':
      return inLanguage(wording, { en: `exposure of ${waiting.hand}`, ja: `${waiting.hand} の公開` })
    case 'coverage':
      return inLanguage(wording, { en: 'observation', ja: '監視の再開' })
    case 'step':
    case 'confirmation':
      return renderWaitingOn({ ...waiting, deadline: null }, wording)
    default:
      return renderWaitingOn(waiting, wording)
  }
}

// ── Evidence ────────────────────────────────────────────────────────────────────────────────────────────────────────

const judgementsShown = 10

/** Each comparison with the baseline as it was judged last in its phase, with the numbers that decided it. */
export function drawEvidence(trace: Trace, wording: Wording, width: number): readonly string[] {
  const judgements = new Map<string, string>()
  let phase = ''
  for (const event of trace.events) {
    if (event.body.type === 'PhaseEntered') phase = event.body.name
    if (event.body.type !== 'VerdictChanged' || event.body.verdict === null) continue
    judgements.set(event.body.criterion, `${phase}: ${renderEvent(event, wording)}`)
  }
  return [...judgements.values()].slice(0, judgementsShown).map(line => fitTo(`  ${line}`, width).trimEnd())
}

/** Long lines are broken between words; a note that is cut off says nothing. */
export function drawNotes(notes: readonly string[], width: number): readonly string[] {
  return notes.flatMap(note => wrapTo(note, width - 4).map((line, index) => `${index === 0 ? '  - ' : '    '}${line}`))
}

function wrapTo(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && widthOf(longer) > width) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line]
}
