/** Who is served flags: the SDKs of an environment, clients of other protocols, and who evaluated a flag when last. */
import type { flagClientsSchema, flagUsageSchema, sdkSchema, servedClientsSchema } from '@dankai/contract'
import { type Context, print, say } from '../context.ts'
import { flagPath, queryOf, readAll, type ScopeOptions } from './flag-api.ts'
import { alignColumns } from './flag-lines.ts'

type Usage = ReturnType<typeof flagUsageSchema.parse>
type FlagClients = ReturnType<typeof flagClientsSchema.parse>
type Served = ReturnType<typeof servedClientsSchema.parse>
type Sdk = ReturnType<typeof sdkSchema.parse>

const timeOf = (at: number): string => new Date(at).toISOString()

export async function showEvaluations(context: Context, key: string, scope: ScopeOptions): Promise<void> {
  const usage = await context.api.get<Usage>(flagPath(key, scope, '/evaluations'))
  print(context, usage, () => usageLines(context, usage))
}

function usageLines(context: Context, { since, items }: Usage): readonly string[] {
  if (since === null)
    return [say(context, 'No client has reported evaluations yet.', '評価を知らせたクライアントはまだありません。')]
  const from = say(context, `counted since ${timeOf(since)}`, `${timeOf(since)} から数えています`)
  if (items.length === 0) return [from, say(context, 'Nobody evaluated it.', '誰も評価していません。')]
  return [
    from,
    ...alignColumns([
      [
        say(context, 'who', '評価者'),
        say(context, 'variant', '種類'),
        say(context, 'count', '回数'),
        lastWord(context),
      ],
      ...items.map(({ who, variant, count, lastAt }) => [
        who ?? say(context, '(not known)', '(不明)'),
        variant ?? '-',
        String(count),
        timeOf(lastAt),
      ]),
    ]),
  ]
}

const lastWord = (context: Context): string => say(context, 'last', '最後')

/** Of one flag: which clients that evaluate by themselves are given it. */
export async function showClientsOf(context: Context, key: string, scope: ScopeOptions): Promise<void> {
  const found = await context.api.get<FlagClients>(flagPath(key, scope, '/clients'))
  print(context, found, () =>
    alignColumns(
      found.clients.map(({ client, isServed, why, ownBuckets }) => [
        client,
        isServed ? say(context, 'served', '届く') : say(context, 'not served', '届かない'),
        ownBuckets
          ? say(
              context,
              'by its own buckets, to other users than the flag chooses: otherBuckets permits it',
              'otherBuckets の許可により、フラグとは別の利用者を自ら選びます',
            )
          : (why ?? ''),
      ]),
    ),
  )
}

/** Of the environment: every SDK and what it serves, then the flags that other clients are not given. */
export async function showClients(context: Context, scope: ScopeOptions): Promise<void> {
  const served = await context.api.get<Served>(`/v1/flag-clients${queryOf(scope)}`)
  const sdks = await readAll<Sdk>(context, '/v1/sdks', scope)
  print(context, { ...served, sdks }, () => [
    say(
      context,
      `version ${served.version}: ${served.acknowledged} of ${served.known} server SDKs have it`,
      `版 ${served.version}: サーバーの SDK ${served.known} 個のうち ${served.acknowledged} 個が受け取りました`,
    ),
    ...sdkLines(context, served.version, sdks),
    ...served.refused.flatMap(refusal => refusalLines(context, refusal)),
  ])
}

function sdkLines(context: Context, version: number, sdks: readonly Sdk[]): readonly string[] {
  if (sdks.length === 0) return []
  const word = (en: string, ja: string): string => say(context, en, ja)
  const rows = sdks
    .toSorted((one, other) => one.name.localeCompare(other.name) || one.sdk.localeCompare(other.sdk))
    .map(sdk => [
      sdk.name,
      sdk.kind,
      sdk.version >= version ? word('acknowledged', '受け取り済み') : word('silent', '応答なし'),
      String(sdk.version),
      sdk.connected ? word('connected', '接続中') : word('away', '切断'),
      timeOf(sdk.seenAt),
    ])
  const head = [
    word('name', '名前'),
    word('kind', '種別'),
    word('state', '状態'),
    word('version', '版'),
    word('stream', '接続'),
    word('last heard', '最後の知らせ'),
  ]
  return alignColumns([head, ...rows].map(([name = '', ...rest]) => [`  ${name}`, ...rest]))
}

function refusalLines(context: Context, { client, flags, more }: Served['refused'][number]): readonly string[] {
  if (flags.length === 0) return []
  return [
    say(context, `not served to ${client} clients:`, `${client} のクライアントに届かないもの:`),
    ...alignColumns(flags.map(({ flag, why }) => [`  ${flag}`, why])),
    ...(more ? [say(context, '  … and more', '  … 他にもあります')] : []),
  ]
}
