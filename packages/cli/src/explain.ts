/**
 * From whatever ended a command to one answer and an exit code.
 *
 *  1. Never a stack trace, unless DANKAI_DEBUG=1 asks for it.
 *  2. With --json the answer is one JSON value on stdout, and nothing is on stderr.
 *  3. Exit code 0 done, 1 the answer is no, 2 wrong usage, 3 could not reach something.
 */
import { CommanderError } from 'commander'
import { CommandEnd, type ExitCode, exitCode, type Failure } from './command-end.ts'
import { type Context, inLanguage } from './context.ts'
import { describeMisuse } from './describe-misuse.ts'
import { refuse } from './localized.ts'

/** More lines than this under a message hide it. */
const moreLinesMax = 20

export function explain(error: unknown, context: Context, args: readonly string[]): ExitCode {
  const end = asEnd(error, args)
  if (end.failure !== null) tell(context, end.failure)
  const isExpected = error instanceof CommandEnd || error instanceof CommanderError
  if (!isExpected && error instanceof Error && context.terminal.environment['DANKAI_DEBUG'] === '1')
    context.terminal.error(error.stack ?? error.message)
  return end.exit
}

function tell({ json, terminal, language }: Context, { code, message, more = [], problem }: Failure): void {
  const text = inLanguage(language, message)
  if (json) {
    const error = { code, message: text, ...(problem === undefined ? {} : { problem }) }
    terminal.out(JSON.stringify({ error }))
    return
  }
  terminal.error(text)
  for (const line of more.slice(0, moreLinesMax)) terminal.error(`  ${line}`)
}

function asEnd(error: unknown, args: readonly string[]): CommandEnd {
  if (error instanceof CommandEnd) return error
  if (error instanceof CommanderError) return endOfMisuse(error, args)
  return new CommandEnd(exitCode.unreachable, isSystemError(error) ? brokenAccess(error) : brokenInside(error, args))
}

function endOfMisuse(error: CommanderError, args: readonly string[]): CommandEnd {
  if (error.exitCode === 0) return new CommandEnd(exitCode.done)
  return new CommandEnd(exitCode.usage, { code: 'usage', message: describeMisuse(error, args) })
}

/** A failed call of the operating system: it knows what it was about. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error
}

/** The system's names of its calls, for the few this command makes. */
const callWords: Readonly<Record<string, { readonly en: string; readonly ja: string }>> = {
  open: { en: 'open', ja: '開けません' },
  read: { en: 'read', ja: '読めません' },
  opendir: { en: 'read folder', ja: '読めません' },
  mkdir: { en: 'make folder', ja: '作れません' },
}

function brokenAccess({ code = 'an error', path, syscall = '' }: NodeJS.ErrnoException): Failure {
  const call = callWords[syscall] ?? { en: 'use', ja: '使えません' }
  const object = path === undefined ? syscall : `"${path}"`
  return {
    code: 'io',
    message: refuse(
      {
        cannot: `${call.en} ${object}`,
        found: code,
        expected: 'access to it',
        next: 'Check that it is there and who may use it.',
      },
      {
        cannot: `${object} を${call.ja}`,
        found: `${code} になりました`,
        expected: 'それを使えること',
        next: '存在と権限を確かめてください。',
      },
    ),
  }
}

function brokenInside(error: unknown, args: readonly string[]): Failure {
  const line = (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).split('\n')[0] ?? ''
  const found = [...line].slice(0, 200).join('')
  const command = args.find(arg => !arg.startsWith('-')) ?? ''
  return {
    code: 'internal',
    message: {
      en: `Cannot finish "dankai ${command}": found an unexpected ${found}. This is a mistake in Dankai: report it in the project's issues with this line; DANKAI_DEBUG=1 shows more.`,
      ja: `"dankai ${command}" を終えられません: 予期しない ${found} が起きました。Dankai の誤りです。この行を添えて issue で知らせてください。DANKAI_DEBUG=1 で詳しく表示します。`,
    },
  }
}
