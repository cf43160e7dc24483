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

const budgetsShown = 8

/** Per comparison with the baseline: how long and how many samples it took to be shown safe, or what is still missing. */
export function drawEvidence(trace: Trace, wording: Wording, width: number): readonly string[] {
  const lines = trace.plan.phases.flatMap(phase => budgetsOf(trace, phase.name, wording))
  return lines.slice(0, budgetsShown).map(line => fitTo(`  ${line}`, width).trimEnd())
}

function budgetsOf(trace: Trace, phase: string, wording: Wording): readonly string[] {
  const inPhase = trace.statuses.filter(({ status }) => status.phase?.name === phase)
  const compared = new Set(
    inPhase.flatMap(({ status }) => status.criteria.filter(each => each.verdict !== null).map(each => each.criterion)),
  )
  return [...compared].flatMap(id => {
    const looks = inPhase.flatMap(({ at, status }) =>
      status.criteria.filter(each => each.criterion === id).map(look => ({ at, look })),
    )
    const shown = looks.find(({ look }) => look.verdict === 'safe' || look.verdict === 'harmful') ?? looks.at(-1)
    if (!shown) return []
    const since = shown.at - (trace.anchors[phase] ?? shown.at)
    const samples = shown.look.samples ?? 0
    const { text, verdict } = shown.look
    const after = renderDuration(Math.max(0, since), wording.language)
    return [
      inLanguage(wording, {
        en: `${phase}: ${text} — ${verdict ?? 'undecided'} after ${after}, ${samples.toLocaleString('en-US')} samples`,
        ja: `${phase}: ${text} — ${after}・${samples.toLocaleString('en-US')} 件で ${verdict ?? 'undecided'}`,
      }),
    ]
  })
}
