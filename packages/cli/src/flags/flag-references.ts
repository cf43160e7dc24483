import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { answeredNo, misused } from '../command-end.ts'
import { type Context, print, say } from '../context.ts'
import { type FlagView, readAll, type ScopeOptions } from './flag-api.ts'
import { findKeys } from './flag-keys.ts'
import { walkSources } from './source-files.ts'

export interface ReferenceOptions extends ScopeOptions {
  /** A file with one key a line in place of the server's flags. */
  readonly keys?: string
  readonly strict?: boolean
}

interface Reference {
  readonly file: string
  readonly line: number
}

/** A flag named more often than this is named everywhere. */
const referencesMax = 1_000
/** Lines for people; programs get all. */
const shownMax = 10

/**
 * Where code names flags. Flags that no code names can be removed; keys that code evaluates and that are no flags are
 * spelled wrong or gone. With `--strict` the answer is no while there are any of either.
 */
export async function showReferences(context: Context, folder: string, options: ReferenceOptions): Promise<void> {
  const { terminal } = context
  const walk = walkSources(terminal, folder)
  const keys = options.keys === undefined ? await keysOfServer(context, options) : keysOfFile(context, options.keys)
  const flags = new Map<string, Reference[]>(keys.map(key => [key, []]))
  const unknown = new Map<string, Reference[]>()
  const known = new Set(keys)
  let files = 0
  for (const { path, text } of walk.files) {
    files += 1
    for (const { key, line, isKnown } of findKeys(text, known)) {
      const references = isKnown ? flags.get(key) : (unknown.get(key) ?? [])
      if (references === undefined || references.length >= referencesMax) continue
      references.push({ file: path, line })
      if (!isKnown) unknown.set(key, references)
    }
  }
  const named = [...flags].map(([key, references]) => ({ key, references }))
  const data = {
    files,
    leftOut: walk.leftOut(),
    flags: named.filter(({ references }) => references.length > 0),
    unreferenced: named.filter(({ references }) => references.length === 0).map(({ key }) => key),
    unknown: [...unknown].map(([key, references]) => ({ key, references })),
  }
  print(context, data, () => linesOf(context, data))
  if (options.strict === true && data.unreferenced.length + data.unknown.length > 0) throw answeredNo()
}

interface Found {
  readonly files: number
  readonly leftOut: number
  readonly flags: readonly { readonly key: string; readonly references: readonly Reference[] }[]
  readonly unreferenced: readonly string[]
  readonly unknown: readonly { readonly key: string; readonly references: readonly Reference[] }[]
}

function linesOf(context: Context, { files, leftOut, flags, unreferenced, unknown }: Found): readonly string[] {
  const places = (references: readonly Reference[]): readonly string[] => [
    ...references.slice(0, shownMax).map(({ file, line }) => `  ${file}:${line}`),
    ...(references.length > shownMax
      ? [say(context, `  … and ${references.length - shownMax} more`, `  … 他に ${references.length - shownMax} 件`)]
      : []),
  ]
  return [
    ...flags.flatMap(({ key, references }) => [key, ...places(references)]),
    ...unreferenced.map(key => say(context, `${key}: in no code`, `${key}: コードにありません`)),
    ...unknown.flatMap(({ key, references }) => [
      say(context, `${key}: no such flag`, `${key}: そのフラグはありません`),
      ...places(references),
    ]),
    say(
      context,
      `${files} files: ${flags.length} flags named, ${unreferenced.length} not, ${unknown.length} unknown keys`,
      `${files} ファイル: 使われるフラグ ${flags.length}、使われないもの ${unreferenced.length}、未知の鍵 ${unknown.length}`,
    ),
    ...(leftOut === 0
      ? []
      : [say(context, `${leftOut} files were too large or too many`, `大きすぎるか多すぎるファイル: ${leftOut}`)]),
  ]
}

async function keysOfServer(context: Context, options: ScopeOptions): Promise<readonly string[]> {
  return (await readAll<FlagView>(context, '/v1/flags', options)).map(({ flag }) => flag.key)
}

function keysOfFile(context: Context, file: string): readonly string[] {
  const text = readFileSync(resolve(context.terminal.workingFolder, file), 'utf8')
  const keys = text.split(/\r?\n/).map(line => line.trim())
  const named = [...new Set(keys.filter(key => key !== '' && !key.startsWith('#')))]
  if (named.length > 0) return named
  throw misused(
    { cannot: `read keys in "${file}"`, found: 'none', expected: 'one a line', next: 'Write the keys of your flags.' },
    {
      cannot: `"${file}" の鍵を読めません`,
      found: '1 つもありません',
      expected: '1 行に 1 つ',
      next: 'フラグの鍵を書いてください。',
    },
  )
}
