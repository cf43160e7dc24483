/** A release as lines for a person: where it is, why, what it waits for and what to type next. */
import type { ReleaseDetail, ReleaseSummary } from '@dankai/contract'
import type { EventBody, ReleaseStatus, WaitingOn } from '@dankai/core'
import { renderEvent, renderStatus, renderTime, type Wording } from '@dankai/insight'
import type { CompiledPlan } from '@dankai/plan'
import { type Context, say } from './context.ts'

export interface TimelineEvent {
  readonly seq: number
  readonly at: number
  readonly body: EventBody
}

/** Times are shown in the zone of the person's machine: they compare them with the clock on the wall. */
export function wordingFor(context: Context, plan: CompiledPlan | null = null): Wording {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions()
  return { language: context.language, timezone: timeZone, plan }
}

/** The plan as it was pinned, for the names of its steps and the units of its numbers; texts do without it if need be. */
export async function pinnedPlan(context: Context, id: string): Promise<CompiledPlan | null> {
  if (context.json) return null
  return await context.api.get<CompiledPlan>(`/v1/releases/${id}/plan`).catch(() => null)
}

export async function statusLines(context: Context, release: ReleaseDetail): Promise<readonly string[]> {
  const wording = wordingFor(context, await pinnedPlan(context, release.id))
  const status = statusOf(release)
  const rendered = renderStatus(status, wording)
  const word = (en: string, ja: string): string => say(context, en.padEnd(9), ja)
  return [
    `${release.title ?? release.plan}  ${release.version}  (${release.id})`,
    phaseBar(release),
    rendered.headline,
    ...rendered.reasons.map(line => `  ${word('because', '理由')}  ${line}`),
    ...status.waitingOn.flatMap((waiting, index) => [
      `  ${word('waits for', '待ち')}  ${rendered.waitingOn[index]}`,
      ...commandsFor(waiting, release.plan).map(command => `  ${word('', '  ')}  → ${command}`),
    ]),
    ...rendered.criteria.map(line => `  ${word('criterion', '条件')}  ${line}`),
    ...(rendered.next === null ? [] : [`  ${word('next', '次')}  ${rendered.next}`]),
  ]
}

export function summaryLines(context: Context, releases: readonly ReleaseSummary[]): readonly string[] {
  const width = (texts: readonly string[]): number => Math.max(...texts.map(text => text.length))
  const plans = width(releases.map(({ plan }) => plan))
  const versions = width(releases.map(({ version }) => version))
  return releases.map(release => {
    const { headline } = renderStatus(statusOf(release), wordingFor(context))
    const { id, plan, version, live } = release
    return `${live ? '●' : '○'} ${id}  ${plan.padEnd(plans)}  ${version.padEnd(versions)}  ${headline}`
  })
}

export function eventLine(event: TimelineEvent, wording: Wording): string {
  return `${String(event.seq).padStart(4)}  ${renderTime(event.at, wording)}  ${renderEvent(event, wording)}`
}

const statusOf = (release: ReleaseSummary): ReleaseStatus => release.status as unknown as ReleaseStatus

/** `▰▰▱▱ canary 5% · early 20% · [half 50%] · all 100%`. */
function phaseBar({ status, phases }: ReleaseDetail): string {
  const index = status.phase?.index ?? (status.stage === 'completed' ? phases.length : -1)
  const bar = phases.map(phase => (phase.index <= index ? '▰' : '▱')).join('')
  const names = phases.map(({ index: at, name, expose }) =>
    at === index ? `[${name} ${expose}]` : `${name} ${expose}`,
  )
  return `${bar} ${names.join(' · ')}`
}

/** What a person types to answer. Only where it is theirs to answer. */
function commandsFor(waiting: WaitingOn, plan: string): readonly string[] {
  switch (waiting.kind) {
    case 'approval':
      return [`dankai approve ${plan} --role ${quoted(waiting.role)}`]
    case 'confirmation':
      return [`dankai confirm ${plan} ${quoted(waiting.name)}`]
    case 'retryOrSkip':
      return [`dankai retry ${plan} ${quoted(waiting.name)}`, `dankai skip ${plan} ${quoted(waiting.name)} --why …`]
    case 'decision':
      return [`dankai answer ${plan} rollback|continue --why …`]
    case 'latched':
      return [`dankai cancel ${plan} ${quoted(waiting.name)} --why …`]
    case 'resume':
    case 'halted':
      return [`dankai resume ${plan}`]
    case 'close':
      return [`dankai close ${plan}`]
    default:
      return []
  }
}

const quoted = (text: string): string => (/^[\w.:/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)
