import { type AddCommand, collect, wholeNumber } from '../command-parts.ts'
import { type Context, say } from '../context.ts'

/** The server, and releases on it. */
export function addReleaseCommands(add: AddCommand, context: Context): void {
  const text = (en: string, ja: string): string => say(context, en, ja)

  add('serve', 'run the server in this terminal', 'この端末でサーバーを動かす').action(async () => {
    const { serve } = await import('./serve.ts')
    await serve(context)
  })

  add(
    'apply [paths...]',
    'send plans to the server; shows the difference first, changes nothing twice',
    '計画をサーバーに送る。先に差分を示し、同じものは二度変えない',
  )
    .option(
      '-f, --file <path>',
      text('file or folder; may be given several times', 'ファイルかフォルダ。何度でも'),
      collect,
      [],
    )
    .option('--dry-run', text('show the difference, change nothing', '差分だけを示し、何も変えない'))
    .option('--why <reason>', text('kept in the record', '記録に残す理由'))
    .action(async (paths: string[], options) => {
      const { applyPlans } = await import('./apply.ts')
      await applyPlans(context, paths, options)
    })

  add('start <plan>', 'start a release', 'リリースを始める')
    .requiredOption('--version <version>', text('what is released', 'リリースする版'))
    .option('--strategy <name>', text('a strategy of the plan', '計画の戦略'))
    .option(
      '--type <type>',
      text('release type; chooses a strategy and is a label', 'リリース種別。戦略を選び、ラベルにもなる'),
    )
    .option(
      '--label <label>',
      text('a fact about this release; may be given several times', 'このリリースの事実。何度でも'),
      collect,
      [],
    )
    .option('--why <reason>', text('reason to pass a calendar block', 'カレンダーの禁止を通る理由'))
    .option('--watch', text('follow it until it ends', '終わるまで追う'))
    .action(async (plan: string, options) => {
      const { startPlan } = await import('./start.ts')
      await startPlan(context, plan, options)
    })

  add(
    'status [release]',
    'what a release does, why, what it waits for and what comes next; without one, all of them',
    'リリースが何をし、なぜか、何を待ち、次に何が来るか。省くと一覧',
  )
    .option('--live', text('list only live releases', '進行中のものだけを並べる'))
    .action(async (name: string | undefined, options) => {
      const { showStatus } = await import('./status.ts')
      await showStatus(context, name, options)
    })

  add(
    'watch <release>',
    'follow a release until it ends; exit code 1 when it was rolled back',
    'リリースを終わりまで追う。ロールバックされたら終了コード 1',
  ).action(async (name: string) => {
    const { watchRelease } = await import('./watch.ts')
    await watchRelease(context, name)
  })

  add('events <release>', 'the log of a release', 'リリースの記録')
    .option('--since <seq>', text('only events after this one', 'この番号より後の出来事だけ'), wholeNumber, 0)
    .action(async (name: string, options) => {
      const { listEvents } = await import('./events.ts')
      await listEvents(context, name, options)
    })
}
