import type { ActionRequestInput, ReleaseDetail, ReleaseSummary } from '@dankai/contract'
import type { EventBody, ReleaseStatus } from '@dankai/core'
import { renderEvent, renderStatus, renderTime } from '@dankai/insight'
import { type Context, print } from '../context.ts'
import { CommandEnd, exitCode } from '../exit-code.ts'
import { readPlanFiles } from '../plan-files.ts'
import { wordingFor } from '../wording.ts'

interface ApplyResult {
  readonly ok: boolean
  readonly problems: readonly { severity: string; file: string; line: number; column: number; message: string }[]
  readonly changes: readonly { kind: string; name: string; change: string; diff: readonly string[] }[]
}

/** `dankai apply -f DIR`: idempotent; shows the difference first; safe in CI with --dry-run. */
export async function applyPlans(
  context: Context,
  paths: readonly string[],
  options: { dryRun: boolean },
): Promise<void> {
  const files = readPlanFiles(context.terminal, paths).map(({ path, text }) => ({
    file: path,
    text: new TextDecoder().decode(text),
  }))
  const preview = await postPlans(context, files, true)
  if (!preview.ok) return endApply(context, preview)
  const result = options.dryRun ? preview : await postPlans(context, files, false)
  endApply(context, result)
}

async function postPlans(
  context: Context,
  files: readonly { file: string; text: string }[],
  dryRun: boolean,
): Promise<ApplyResult> {
  return await context.api.post('/v1/plans', { files, dryRun, locale: context.language })
}

function endApply(context: Context, result: ApplyResult): void {
  const problems = result.problems.map(
    problem => `${problem.file}:${problem.line}:${problem.column} ${problem.message}`,
  )
  const changes = result.changes.flatMap(change => [
    `${change.change} ${change.kind} ${change.name}`,
    ...change.diff.map(line => `  ${line}`),
  ])
  if (!result.ok) throw new CommandEnd(exitCode.no, problems.join('\n'), result)
  print(context, result, () => [...problems, ...changes])
}

export interface StartOptions {
  readonly version: string
  readonly strategy?: string
  readonly type?: string
  readonly label?: readonly string[]
  readonly why?: string
}

export async function startPlan(context: Context, plan: string, options: StartOptions): Promise<void> {
  const release = await context.api.post<ReleaseDetail>('/v1/releases', {
    plan,
    version: options.version,
    strategy: options.strategy ?? null,
    releaseType: options.type ?? null,
    labels: options.label ?? [],
    exemption: options.why ?? null,
  })
  print(context, release, () => statusLines(context, release))
}

export async function showStatus(context: Context, name: string | undefined): Promise<void> {
  if (name !== undefined) {
    const release = await context.api.release(name)
    print(context, release, () => statusLines(context, release))
    return
  }
  const { items } = await context.api.get<{ items: ReleaseSummary[] }>('/v1/releases?limit=50')
  print(context, items, () =>
    items.length === 0
      ? ['No release yet. Start one with "dankai start PLAN --version V".']
      : items.map(item => summaryLine(context, item)),
  )
}

function summaryLine(context: Context, release: ReleaseSummary): string {
  const { headline } = renderStatus(release.status as unknown as ReleaseStatus, wordingFor(context))
  return `${release.id}  ${release.plan}  ${release.version}  ${headline}`
}

function statusLines(context: Context, release: ReleaseDetail): readonly string[] {
  const rendered = renderStatus(release.status as unknown as ReleaseStatus, wordingFor(context))
  const isJapanese = context.language === 'ja'
  return [
    `${release.title ?? release.plan}  ${release.version}  (${release.id})`,
    phaseBar(release),
    rendered.headline,
    ...rendered.reasons.map(line => `  ${isJapanese ? '理由' : 'because'}  ${line}`),
    ...rendered.waitingOn.map(line => `  ${isJapanese ? '待ち' : 'waits for'}  ${line}`),
    ...rendered.criteria.map(line => `  ${line}`),
    ...(rendered.next === null ? [] : [`  ${isJapanese ? '次' : 'next'}  ${rendered.next}`]),
  ]
}

/** `▰▰▱▱ canary 5% · early 20% · [half 50%] · all 100%`. */
function phaseBar(release: ReleaseDetail): string {
  const index = release.status.phase?.index ?? (release.status.stage === 'completed' ? release.phases.length : -1)
  const bar = release.phases.map(phase => (phase.index <= index ? '▰' : '▱')).join('')
  const names = release.phases.map(phase =>
    phase.index === index ? `[${phase.name} ${phase.expose}]` : `${phase.name} ${phase.expose}`,
  )
  return `${bar} ${names.join(' · ')}`
}

/** Follows a release until it ends; exit code 1 when it was rolled back. */
export async function watchRelease(context: Context, name: string): Promise<void> {
  const release = await context.api.release(name)
  const ending = new AbortController()
  for await (const message of context.api.stream(`/v1/releases/${release.id}/timeline`, ending.signal)) {
    if (message.event !== 'event') continue
    const event = JSON.parse(message.data) as { seq: number; at: number; body: EventBody }
    print(context, event, () => [
      `${renderTime(event.at, wordingFor(context))}  ${renderEvent(event, wordingFor(context))}`,
    ])
    const { type } = event.body
    if (type === 'Completed') break
    if (type === 'RolledBack' || type === 'Contained') throw new CommandEnd(exitCode.no, '', null)
  }
  ending.abort()
}

export async function listEvents(context: Context, name: string, since: number): Promise<void> {
  const release = await context.api.release(name)
  let from: number | null = since
  while (from !== null) {
    const page: { items: { seq: number; at: number; body: EventBody }[]; next: number | null } = await context.api.get(
      `/v1/releases/${release.id}/events?since=${from}&limit=500`,
    )
    for (const event of page.items) {
      print(context, event, () => [
        `${String(event.seq).padStart(4)}  ${renderTime(event.at, wordingFor(context))}  ${renderEvent(event, wordingFor(context))}`,
      ])
    }
    from = page.next
  }
}

/** Sends what a person asks; the state they saw goes with it, so acting on a stale sight is refused. */
export async function act(context: Context, name: string, body: ActionRequestInput): Promise<void> {
  const release = await context.api.release(name)
  const phase = release.status.stage === 'running' ? (release.status.phase?.name ?? null) : null
  const result = await context.api.post<ReleaseDetail>(`/v1/releases/${release.id}/actions`, {
    ...body,
    expected: { phase, seq: null },
  })
  print(context, result, () => statusLines(context, result))
}

/** Promoting is the one action where two people on one sight must not both succeed, so it names the very event. */
export async function promoteRelease(context: Context, name: string, why: string | null): Promise<void> {
  const release = await context.api.release(name)
  const result = await context.api.post<ReleaseDetail>(`/v1/releases/${release.id}/actions`, {
    type: 'promote',
    why,
    expected: { phase: release.status.phase?.name ?? null, seq: release.seq },
  })
  print(context, result, () => statusLines(context, result))
}

export async function amendRelease(context: Context, name: string, why: string): Promise<void> {
  const release = await context.api.release(name)
  const result = await context.api.post<ReleaseDetail>(`/v1/releases/${release.id}/amend`, { why })
  print(context, result, () => statusLines(context, result))
}

interface EmergencyResult {
  readonly stopped: boolean
  readonly acknowledged: number
  readonly connected: number
  readonly silent: readonly { sdk: string; name: string }[]
}

export async function stopEverything(
  context: Context,
  stop: boolean,
  why: string,
  options: { release?: string; flag?: string },
): Promise<void> {
  const target = {
    ...(options.release === undefined ? {} : { release: options.release }),
    ...(options.flag === undefined ? {} : { flag: options.flag }),
  }
  const result = await context.api.post<EmergencyResult>('/v1/emergency', { stop, why, ...target })
  print(context, result, () => [
    `${result.stopped ? 'stopped' : 'cleared'}: ${result.acknowledged} of ${result.connected} connected SDKs have it`,
    ...result.silent.map(sdk => `  silent: ${sdk.name} (${sdk.sdk})`),
  ])
}
