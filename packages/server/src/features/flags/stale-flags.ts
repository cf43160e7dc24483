/**
 * Which flags ask for somebody's hand, and the tasks that are open for people.
 *
 * 1. Past its retention, or soon: packages/flags says when.
 * 2. Always one variant: a release or experiment flag that has decided nothing for 30 days is a constant in disguise.
 *    Operations and permission flags stand still for years and are right.
 * 3. Not evaluated for 30 days, though it was once, or was made longer ago.
 * 4. A task is open while its reason lasts: it ends when the flag is removed, reviewed, or used again.
 */
import type { staleFlagSchema } from '@dankai/contract'
import { compileFlag, type FlagDefinition, stageTexts } from '@dankai/flags'
import type { FlagStore, Scope, StoredFlag } from '@dankai/store'
import type { z } from 'zod'
import { retentionOf } from './flag-view.ts'
import type { EvaluationTimes } from './last-evaluated.ts'

export type StaleFlag = z.infer<typeof staleFlagSchema>
type Reason = StaleFlag['reasons'][number]

const dayMs = 86_400_000
/** A monthly job has run once by then. */
const quietMs = 30 * dayMs

/** null: nothing to say. `watchedSince`: since when evaluations are counted; null while they are not. */
export function assessStale(
  flag: StoredFlag,
  now: number,
  lastEvaluated: EvaluationTimes['lastEvaluated'],
  watchedSince: number | null,
): StaleFlag | null {
  const { key, definition, care } = flag
  const retention = retentionOf(flag, now)
  const lastEvaluatedAt = lastEvaluated(flag)
  const reasons = [
    ...(retention.state === 'kept' ? [] : [{ reason: retention.state, message: retention.message }]),
    ...oneVariant(flag, now),
    ...notEvaluated(flag, now, lastEvaluatedAt, watchedSince),
  ]
  const task = taskOf(flag, retention.state === 'overdue' ? retention.task : null, retention.until)
  if (reasons.length === 0 && task === null) return null
  const { title, owner, service } = care
  return { key, kind: definition.kind, title, owner, service, reasons, retention, task, lastEvaluatedAt }
}

function taskOf(
  { key, care, changedAt }: StoredFlag,
  overdue: 'remove' | 'review' | null,
  until: number | null,
): StaleFlag['task'] {
  const cleanup = care.stage === null ? null : stageTexts[care.stage].task
  if (cleanup !== null) return { kind: 'remove', text: cleanup, openedAt: care.stageSince ?? changedAt }
  if (overdue === null || until === null) return null
  const text = overdue === 'remove' ? `Remove flag ${key} and its checks from the code` : `Review flag ${key}`
  return { kind: overdue, text, openedAt: until }
}

function oneVariant({ definition, changedAt }: StoredFlag, now: number): readonly Reason[] {
  const { kind } = definition
  const days = Math.floor((now - changedAt) / dayMs)
  if ((kind !== 'release' && kind !== 'experiment') || now - changedAt < quietMs) return []
  const variant = onlyVariantOf(definition)
  return variant === null
    ? []
    : [{ reason: 'one variant', message: `Serves "${variant}" to everybody for ${days} days.` }]
}

/** null when different people can have different variants. */
export function onlyVariantOf(definition: FlagDefinition): string | null {
  const { constant, everybody } = compileFlag(definition)
  if (constant !== null) return constant.variant
  const { onVariant, prerequisites, targets, rules, exposure, otherwise } = definition
  if (prerequisites.length > 0 || targets.some(({ keys }) => keys.length > 0)) return null
  const isSelective = rules.some(({ share }) => share > 0)
  if (isSelective) return null
  if (everybody) return onVariant
  const cohorts = exposure.shadow ? [] : exposure.cohorts.filter(({ share, mix }) => share > 0 || mix !== null)
  if (cohorts.length > 0 || (exposure.share > 0 && !exposure.shadow)) return null
  if ('variant' in otherwise) return otherwise.variant
  const parts = otherwise.split.filter(({ weight }) => weight > 0)
  return parts.length === 1 ? (parts[0]?.variant ?? null) : null
}

function notEvaluated(
  { care, changedAt }: StoredFlag,
  now: number,
  lastEvaluatedAt: number | null,
  watchedSince: number | null,
): readonly Reason[] {
  if (watchedSince === null) return []
  const since = Math.max(lastEvaluatedAt ?? care.createdAt ?? changedAt, watchedSince)
  const days = Math.floor((now - since) / dayMs)
  return now - since < quietMs ? [] : [{ reason: 'not evaluated', message: `Nobody asked for it for ${days} days.` }]
}

/** Every flag of an environment, page after page. */
export async function* flagsOf(
  store: Pick<FlagStore, 'list'>,
  scope: Scope,
  from: string | null = null,
): AsyncGenerator<StoredFlag> {
  for (let after = from; ; ) {
    const page = await store.list(scope, { limit: 200, after })
    yield* page.items
    if (page.next === null) return
    after = page.next
  }
}
