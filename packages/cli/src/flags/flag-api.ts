import type { flagSchema, flagViewSchema } from '@dankai/contract'
import type { Page } from '../api.ts'
import { CommandEnd, misused } from '../command-end.ts'
import type { Context } from '../context.ts'

export type FlagView = ReturnType<typeof flagViewSchema.parse>
export type Flag = ReturnType<typeof flagSchema.parse>
export type Serve = Flag['otherwise']

export interface ScopeOptions {
  readonly environment?: string
  readonly project?: string
}

export function flagPath(key: string, scope: ScopeOptions, rest = ''): string {
  return `/v1/flags/${encodeURIComponent(key)}${rest}${queryOf(scope)}`
}

export function queryOf({ environment, project }: ScopeOptions, more: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams({
    ...(environment === undefined ? {} : { environment }),
    ...(project === undefined ? {} : { project }),
    ...more,
  })
  return query.size === 0 ? '' : `?${query}`
}

export const seen = (version: number): { readonly 'if-match': string } => ({ 'if-match': `"${version}"` })

export async function getFlag(context: Context, key: string, scope: ScopeOptions): Promise<FlagView> {
  if (reservedKeys.has(key)) throw reservedKey(key)
  return await context.api.get<FlagView>(flagPath(key, scope))
}

/** Under these names the API has something else; asking for them as flags gives other answers than a flag. */
const reservedKeys: ReadonlySet<string> = new Set(['stale', 'import', 'export'])

function reservedKey(key: string): CommandEnd {
  return misused(
    { cannot: `name a flag "${key}"`, found: 'a word of the API', expected: 'another key', next: 'Choose another.' },
    {
      cannot: `フラグの名前を "${key}" にできません`,
      found: 'API の言葉です',
      expected: '別の名前',
      next: '別の名前にしてください。',
    },
  )
}

/** null: there is no such flag. */
export async function findFlag(context: Context, key: string, scope: ScopeOptions): Promise<FlagView | null> {
  return await getFlag(context, key, scope).catch(error => {
    if (error instanceof CommandEnd && error.failure?.code === 'not-found') return null
    throw error
  })
}

/** A hundred thousand flags: whoever has more asks for fewer. */
const pagesMax = 500
const pageLimit = 200

/** Every item of a list, page after page. */
export async function readAll<Item>(
  context: Context,
  path: string,
  scope: ScopeOptions,
  more: Readonly<Record<string, string>> = {},
): Promise<readonly Item[]> {
  const items: Item[] = []
  let cursor: string | null = null
  for (let count = 0; count < pagesMax; count++) {
    const query = queryOf(scope, { ...more, limit: String(pageLimit), ...(cursor === null ? {} : { cursor }) })
    const page: Page<Item> = await context.api.page<Item>(`${path}${query}`)
    items.push(...page.items)
    if (page.next === null) return items
    cursor = String(page.next)
  }
  throw tooMany(path)
}

function tooMany(path: string): CommandEnd {
  const most = pagesMax * pageLimit
  return misused(
    { cannot: `read ${path}`, found: `more than ${most} entries`, expected: 'fewer', next: 'Name an environment.' },
    {
      cannot: `${path} を読めません`,
      found: `${most} 件を超えています`,
      expected: 'それ以下の件数',
      next: '環境を指定してください。',
    },
  )
}
