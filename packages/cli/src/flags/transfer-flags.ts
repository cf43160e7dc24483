import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { exportResultSchema, importResultSchema } from '@dankai/contract'
import { answeredNo, type CommandEnd, misused } from '../command-end.ts'
import { type Context, print, say } from '../context.ts'
import { queryOf, type ScopeOptions } from './flag-api.ts'

type ImportResult = ReturnType<typeof importResultSchema.parse>
type ExportResult = ReturnType<typeof exportResultSchema.parse>

export interface ImportOptions extends ScopeOptions {
  readonly format: string
  readonly replace?: boolean
  readonly dryRun?: boolean
  readonly client?: boolean
  readonly why?: string
}

/** The answer is no when nothing came in, or a flag was there already and was not to be replaced. */
export async function importFlags(context: Context, file: string, options: ImportOptions): Promise<void> {
  const { format, replace = false, dryRun = false, client, why } = options
  const data = readJson(context, file)
  const body = { format, data, replace, dryRun, client, why: why || null }
  const result = await context.api.postPatiently<ImportResult>(`/v1/flags/import${queryOf(options)}`, body)
  print(context, result, () => importLines(context, result, options))
  const { imported, unchanged, skipped } = result
  if (skipped.length > 0 || imported.length + unchanged.length === 0) throw answeredNo()
}

function importLines(
  context: Context,
  result: ImportResult,
  { format, dryRun: isDryRun = false }: ImportOptions,
): readonly string[] {
  const { imported, unchanged, skipped, notCarried } = result
  // What is wrong with the whole file has no place in it.
  const place = (flag: string, what: string): string => [flag, what].filter(text => text !== '').join(' ') || format
  return [
    ...imported.map(key => `  ${key}`),
    ...skipped.map(({ flag, why }) =>
      say(context, `  not imported: ${flag}: ${why}`, `  取り込めません: ${flag}: ${why}`),
    ),
    ...notCarried.map(({ flag, what, why }) =>
      say(context, `  not carried over: ${place(flag, what)}: ${why}`, `  移せないもの: ${place(flag, what)}: ${why}`),
    ),
    isDryRun
      ? say(context, `would import ${imported.length}`, `取り込むと: ${imported.length}`)
      : say(
          context,
          `imported ${imported.length}, unchanged ${unchanged.length}, not imported ${skipped.length}`,
          `取り込み ${imported.length}、同じ ${unchanged.length}、取り込めないもの ${skipped.length}`,
        ),
  ]
}

/** The file of that format on stdout, ready to be written to disk; what it cannot hold on stderr. */
export async function exportFlags(
  context: Context,
  { format, ...scope }: ScopeOptions & { readonly format: string },
): Promise<void> {
  const result = await context.api.get<ExportResult>(`/v1/flags/export${queryOf(scope, { format })}`)
  print(context, result, () => [JSON.stringify(result.data, null, 2)])
  if (context.json) return
  for (const { flag, why } of result.leftOut)
    context.terminal.error(say(context, `left out: ${flag}: ${why}`, `入らないもの: ${flag}: ${why}`))
}

function readJson(context: Context, file: string): unknown {
  const text = readText(resolve(context.terminal.workingFolder, file))
  try {
    return JSON.parse(text)
  } catch {
    throw noJson(file)
  }
}

/** The system's own error does not always say which file it was. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw Object.assign(error as Error, { path })
  }
}

function noJson(file: string): CommandEnd {
  return misused(
    { cannot: `import "${file}"`, found: 'no JSON', expected: 'the export as JSON', next: 'Export it again.' },
    {
      cannot: `"${file}" を取り込めません`,
      found: 'JSON ではありません',
      expected: '書き出した JSON',
      next: 'もう一度書き出してください。',
    },
  )
}
