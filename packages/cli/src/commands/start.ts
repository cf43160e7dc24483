import type { ReleaseDetail } from '@dankai/contract'
import { type Context, print } from '../context.ts'
import { statusLines } from '../release-lines.ts'
import { watchRelease } from './watch.ts'

export interface StartCommandOptions {
  readonly version: string
  readonly strategy?: string
  readonly type?: string
  readonly label: readonly string[]
  readonly why?: string
  readonly watch?: boolean
}

export async function startPlan(context: Context, plan: string, options: StartCommandOptions): Promise<void> {
  const release = await context.api.post<ReleaseDetail>('/v1/releases', {
    plan,
    version: options.version,
    strategy: options.strategy ?? null,
    releaseType: options.type ?? null,
    labels: options.label,
    exemption: options.why || null,
  })
  if (options.watch === true) return await watchRelease(context, release.id)
  const lines = context.json ? [] : await statusLines(context, release)
  print(context, release, () => lines)
}
