import type { ReleaseDetail } from '@dankai/contract'
import { type Context, print } from '../context.ts'
import { statusLines } from '../release-lines.ts'

/** Pins the newest applied plan to a running release. */
export async function amendRelease(
  context: Context,
  name: string,
  { why, seen }: { readonly why: string; readonly seen?: number },
): Promise<void> {
  const id = await context.api.releaseId(name)
  const expected = seen === undefined ? null : { seq: seen }
  const release = await context.api.post<ReleaseDetail>(`/v1/releases/${id}/amend`, { why, expected })
  const lines = context.json ? [] : await statusLines(context, release)
  print(context, release, () => lines)
}
