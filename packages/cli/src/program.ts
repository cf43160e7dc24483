import { createRequire } from 'node:module'
import { Command } from 'commander'
import type { AddCommand } from './command-parts.ts'
import { addCohortCommands } from './commands/cohort-commands.ts'
import { addExperimentCommands } from './commands/experiment-commands.ts'
import { addFlagCommands } from './commands/flag-commands.ts'
import { addPeopleCommands } from './commands/people-commands.ts'
import { addPlanCommands } from './commands/plan-commands.ts'
import { addReleaseCommands } from './commands/release-commands.ts'
import { type Context, say } from './context.ts'

const { version } = createRequire(import.meta.url)('../package.json') as { version: string }

/** The whole command line; commands load their work when they run, so that each pays for itself alone. */
export function createProgram(context: Context): Command {
  const root = dress(new Command('dankai'), context)
    .description(
      say(
        context,
        'Runs release plans: exposes a change step by step, measures, promotes, holds or rolls back by itself.',
        'リリース計画を動かします。変更を少しずつ公開し、測り、自分で進み、とどまり、戻ります。',
      ),
    )
    .version(version, '-v, --version', say(context, 'print the version', '版を表示する'))
    .helpCommand('help [command]', say(context, 'show help for a command', 'コマンドの説明を表示する'))
    .enablePositionalOptions()
    .addHelpText('after', `\n${epilogue(context)}`)
  const under =
    (parent: Command): AddCommand =>
    (usage, en, ja) =>
      dress(parent.command(usage), context).description(say(context, en, ja))
  const add = under(root)
  addPlanCommands(add, context)
  addReleaseCommands(add, context)
  addPeopleCommands(add, context)
  addFlagCommands(add, under, context)
  addCohortCommands(add, under, context)
  addExperimentCommands(add, under, context)
  return root
}

function dress(command: Command, context: Context): Command {
  const { terminal, json } = context
  return command
    .option('--json', say(context, 'print JSON for programs', 'プログラム向けに JSON で出力する'))
    .helpOption('-h, --help', say(context, 'show this', 'この説明を表示する'))
    .exitOverride()
    .configureOutput({
      writeOut: text => terminal.out(text.trimEnd()),
      writeErr: text => {
        if (!json) terminal.error(text.trimEnd())
      },
      // Said again in the grammar of all other messages: see explain.ts.
      outputError: () => {},
      getOutHelpWidth: () => terminal.columns,
      getErrHelpWidth: () => terminal.columns,
    })
    .configureHelp({ styleTitle: title => say(context, title, titlesInJapanese[title] ?? title) })
}

const titlesInJapanese: Readonly<Record<string, string>> = {
  'Usage:': '使い方:',
  'Arguments:': '引数:',
  'Options:': 'オプション:',
  'Commands:': 'コマンド:',
}

function epilogue(context: Context): string {
  return say(
    context,
    `Environment:
  DANKAI_URL        the server; several instances are parted by commas (default: http://localhost:4600)
  DANKAI_API_KEY    the key to use; a server on this machine needs none
  DANKAI_LANG       en or ja (default: the locale of the shell)
  DANKAI_DEBUG=1    show where an unexpected error came from

Exit codes: 0 done · 1 the answer is no · 2 wrong usage · 3 could not reach something`,
    `環境変数:
  DANKAI_URL        サーバー。複数のインスタンスはコンマで区切る (省略時 http://localhost:4600)
  DANKAI_API_KEY    使うキー。同じ機械のサーバーには要らない
  DANKAI_LANG       en か ja (省略時 シェルのロケール)
  DANKAI_DEBUG=1    予期しない誤りの出所を表示する

終了コード: 0 完了 · 1 答えは「いいえ」 · 2 使い方の誤り · 3 何かに届かない`,
  )
}
