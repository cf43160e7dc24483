import type { ReleaseSummary } from '@dankai/contract'
import { type Context, print, say } from '../context.ts'
import { statusLines, summaryLines } from '../release-lines.ts'

/** One release, or the newest ones; with --json the API's own data. */
export async function showStatus(
  context: Context,
  name: string | undefined,
  { live }: { readonly live?: boolean },
): Promise<void> {
  if (name === undefined) return await listReleases(context, live === true)
  const release = await context.api.release(name)
  const lines = context.json ? [] : await statusLines(context, release)
  print(context, release, () => lines)
}

async function listReleases(context: Context, isLiveOnly: boolean): Promise<void> {
  const page = await context.api.page<ReleaseSummary>(`/v1/releases?limit=50${isLiveOnly ? '&live=true' : ''}`)
  print(context, page, () =>
    page.items.length === 0
      ? [
          say(
            context,
            'No release. Start one with "dankai start PLAN --version V".',
            'リリースはありません。"dankai start PLAN --version V" で始めます。',
          ),
        ]
      : [
          ...summaryLines(context, page.items),
          ...(page.next === null ? [] : [say(context, '… and older ones', '… これより古いものもあります')]),
        ],
  )
}
