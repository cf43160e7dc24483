import type { ActionRequestInput, ReleaseDetail } from '@dankai/contract'
import { type Context, print } from '../context.ts'
import { statusLines } from '../release-lines.ts'

/** What goes back, stops or reports must get through whatever the release has done meanwhile. */
const unconditional: ReadonlySet<ActionRequestInput['type']> = new Set([
  'rollback',
  'abort',
  'pause',
  'report',
  'withdraw',
])

/**
 * Sends what a person asks. What leads forward carries what they saw, so that two people acting on one sight cannot both
 * succeed: `--seen` names the event, and without it the present one is asked for a moment before.
 */
export async function act(
  context: Context,
  name: string,
  body: ActionRequestInput,
  seen: number | null,
): Promise<void> {
  const id = await context.api.releaseId(name)
  const expected =
    seen !== null ? { seq: seen } : unconditional.has(body.type) ? null : await presentOf(context, id, body)
  const release = await context.api.post<ReleaseDetail>(`/v1/releases/${id}/actions`, { ...body, expected })
  const lines = context.json ? [] : await statusLines(context, release)
  print(context, release, () => lines)
}

/** Events of the log pass by while people answer gates; only a promotion must name the very last one. */
async function presentOf(context: Context, id: string, { type }: ActionRequestInput) {
  const { seq, status } = await context.api.release(id)
  const phase = status.stage === 'running' ? (status.phase?.name ?? null) : null
  return type === 'promote' ? { phase, seq } : { phase }
}
