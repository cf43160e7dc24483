import type { flagSchema, flagViewSchema } from '@dankai/contract'
import type { Page } from '../api.ts'
import { CommandEnd } from '../command-end.ts'
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

export function getFlag(context: Context, key: string, scope: ScopeOptions): Promise<FlagView> {
  return context.api.get<FlagView>(flagPath(key, scope))
}

/** null: there is no such flag. */
export async function findFlag(context: Context, key: string, scope: ScopeOptions): Promise<FlagView | null> {
  return await getFlag(context, key, scope).catch(error => {
    if (error instanceof CommandEnd && error.failure?.code === 'not-found') return null
    throw error
  })
}

/** A project with more flags than this has another problem. */
const pagesMax = 500

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
    const query = queryOf(scope, { ...more, limit: '200', ...(cursor === null ? {} : { cursor }) })
    const page: Page<Item> = await context.api.page<Item>(`${path}${query}`)
    items.push(...page.items)
    if (page.next === null) break
    cursor = String(page.next)
  }
  return items
}
