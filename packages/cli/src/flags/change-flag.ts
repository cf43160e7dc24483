/**
 * Commands that change a flag. Each reads it first and sends the version it saw, so that whoever changed it in between
 * is told, and not overwritten.
 */
import type { stageResultSchema } from '@dankai/contract'
import { answeredNo, type CommandEnd, misused } from '../command-end.ts'
import { type Context, print, say } from '../context.ts'
import { type Flag, type FlagView, findFlag, flagPath, getFlag, queryOf, type ScopeOptions, seen } from './flag-api.ts'
import { exposureText, stateOf } from './flag-lines.ts'

export interface ChangeOptions extends ScopeOptions {
  readonly why?: string
  readonly breakGlass?: boolean
  /** The version the person saw, when not the present one. */
  readonly seen?: number
}

export interface FieldOptions {
  readonly on?: boolean
  readonly off?: boolean
  readonly share?: string
  readonly kind?: string
  readonly field: readonly string[]
}

export interface SetOptions extends ChangeOptions, FieldOptions {
  readonly title?: string
  readonly description?: string
  readonly owner?: string
  readonly service?: string
  readonly client?: boolean
  readonly reviewed?: boolean
  readonly ended?: boolean
}

export async function setFlag(context: Context, key: string, options: SetOptions): Promise<void> {
  // A mistake in the line is said before anything is asked.
  fieldsOf(options, null)
  const present = await findFlag(context, key, options)
  const flag = { ...present?.flag, ...fieldsOf(options, present?.flag ?? null) }
  await write(context, key, flag, careOf(options), present, options)
}

export async function toggleFlag(context: Context, key: string, options: ChangeOptions): Promise<void> {
  const present = await getFlag(context, key, options)
  await write(context, key, { ...present.flag, on: !present.flag.on }, undefined, present, options)
}

async function write(
  context: Context,
  key: string,
  flag: Partial<Flag>,
  care: object | undefined,
  present: FlagView | null,
  options: ChangeOptions,
): Promise<void> {
  const version = options.seen ?? present?.flag.version ?? 0
  const body = { flag, ...(care === undefined ? {} : { care }), ...reasonOf(options) }
  const after = await context.api.put<FlagView>(flagPath(key, options), body, version === 0 ? {} : seen(version))
  print(context, after, () => [summaryOf(context, after)])
  if (after.flag.version === 1) sayNewEnvironment(context, options)
}

/** An environment is there as soon as it has a flag, so that a slip of the pen makes one instead of failing. */
function sayNewEnvironment(context: Context, { environment, project }: ChangeOptions): void {
  const named = [project, environment].filter(name => name !== undefined).join('/')
  if (named === '' || context.json) return
  context.terminal.error(
    say(
      context,
      `This is the first flag of "${named}". Remove it there if another environment was meant.`,
      `"${named}" の最初のフラグです。別の環境のつもりなら、そこで削除してください。`,
    ),
  )
}

const reasonOf = ({ why, breakGlass = false }: ChangeOptions) => ({ why: why || null, breakGlass })

function summaryOf(context: Context, { flag, stopped }: FlagView): string {
  const what = `${flag.key}: ${stateOf({ flag, stopped })}, ${exposureText(flag)}`
  return say(context, `${what} (version ${flag.version})`, `${what} (版 ${flag.version})`)
}

export async function removeFlag(context: Context, key: string, options: ChangeOptions): Promise<void> {
  const { flag } = await getFlag(context, key, options)
  const { why } = options
  const path = `/v1/flags/${encodeURIComponent(key)}${queryOf(options, why ? { why } : {})}`
  await context.api.delete(path, seen(options.seen ?? flag.version))
  print(context, { removed: key }, () => [
    say(
      context,
      `removed ${key}; take it back with: dankai flags restore ${key} ${flag.version}`,
      `${key} を削除しました。元に戻すには: dankai flags restore ${key} ${flag.version}`,
    ),
  ])
}

export async function restoreFlag(
  context: Context,
  key: string,
  version: number,
  options: ChangeOptions,
): Promise<void> {
  const present = await findFlag(context, key, options)
  const body = { version, ...reasonOf(options) }
  const headers = present === null ? {} : seen(options.seen ?? present.flag.version)
  const after = await context.api.post<FlagView>(flagPath(key, options, '/restore'), body, headers)
  print(context, after, () => [summaryOf(context, after)])
}

type StageResult = ReturnType<typeof stageResultSchema.parse>

export async function setStage(
  context: Context,
  key: string,
  stage: string,
  options: ChangeOptions & { readonly step?: number; readonly in: readonly string[] },
): Promise<void> {
  const body = {
    stage,
    why: options.why || null,
    ...(options.step === undefined ? {} : { step: options.step }),
    ...(options.in.length === 0 ? {} : { environments: options.in }),
  }
  const headers = options.seen === undefined ? {} : seen(options.seen)
  const result = await context.api.post<StageResult>(flagPath(key, options, '/stage'), body, headers)
  print(context, result, () => [
    ...result.environments.map(({ environment, result: outcome, detail }) =>
      [`${environment}: ${outcome}`, ...(detail === null ? [] : [detail])].join(', '),
    ),
    ...(result.task === null ? [] : [`${say(context, 'task', '作業')}: ${result.task}`]),
  ])
  if (result.environments.some(({ result: outcome }) => outcome === 'held' || outcome === 'conflict'))
    throw answeredNo()
}

const nobody: Flag['exposure'] = { share: 0, cohorts: [], shadow: false }

/** Fields of a definition from a command line. */
export function fieldsOf(options: FieldOptions, before: Flag | null): Partial<Flag> {
  const { on, off, share, kind, field } = options
  if (on === true && off === true) throw bothSwitches()
  return {
    ...(on === true ? { on: true } : off === true ? { on: false } : {}),
    ...(kind === undefined ? {} : { kind: kind as Flag['kind'] }),
    ...(share === undefined ? {} : { exposure: { ...(before?.exposure ?? nobody), share: readPercent(share) } }),
    ...Object.fromEntries(field.map(readField)),
  }
}

function careOf(options: SetOptions): object | undefined {
  const { title, description, owner, service, client, reviewed, ended } = options
  const texts = Object.entries({ title, description, owner, service }).filter(([, text]) => text !== undefined)
  const care = {
    ...Object.fromEntries(texts.map(([name, text]) => [name, text || null])),
    ...(client === undefined ? {} : { client }),
    ...(reviewed === true ? { reviewedAt: 'now' } : {}),
    ...(ended === true ? { experimentEndedAt: 'now' } : {}),
  }
  return Object.keys(care).length === 0 ? undefined : care
}

export function readPercent(text: string): number {
  const found = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text)?.[1]
  const share = found === undefined ? Number.NaN : Number(found) / 100
  if (share >= 0 && share <= 1) return share
  throw misused(
    { cannot: 'read the share', found: `"${text}"`, expected: 'a percentage from 0% to 100%', next: 'Write 25%.' },
    {
      cannot: '割合を読めません',
      found: `"${text}" があります`,
      expected: '0% から 100%',
      next: '25% のように書いてください。',
    },
  )
}

/** `name=json`; a text without quotes is a text, but no list or object that is not closed. */
function readField(text: string): readonly [string, unknown] {
  const [, name, value] = /^([A-Za-z]\w*)=(.*)$/su.exec(text) ?? []
  if (name === undefined || value === undefined) throw wrongField(text)
  try {
    return [name, JSON.parse(value)]
  } catch {
    if (/^\s*[[{]/.test(value)) throw wrongField(text)
    return [name, value]
  }
}

function wrongField(text: string): CommandEnd {
  const shown = text.slice(0, 100)
  return misused(
    { cannot: 'read a field', found: `"${shown}"`, expected: 'NAME=JSON', next: 'Write seed=spring or killed=true.' },
    {
      cannot: '項目を読めません',
      found: `"${shown}" があります`,
      expected: 'NAME=JSON',
      next: 'seed=spring や killed=true のように書いてください。',
    },
  )
}

function bothSwitches(): CommandEnd {
  return misused(
    { cannot: 'change the flag', found: '--on and --off', expected: 'one of them', next: 'Leave one out.' },
    {
      cannot: 'フラグを変えられません',
      found: '--on と --off があります',
      expected: 'どちらか 1 つ',
      next: '一方を消してください。',
    },
  )
}
