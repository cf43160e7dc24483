import type { Command } from 'commander'
import { type AddCommand, collect, wholeNumber, withPlace } from '../command-parts.ts'
import { type Context, say } from '../context.ts'

type Under = (parent: Command) => AddCommand

/** `dankai flags …`: what stands beside releases, changed by people. */
export function addFlagCommands(addToRoot: AddCommand, under: Under, context: Context): void {
  const group = addToRoot(
    'flags',
    'read, change, plan and tidy flags',
    'フラグを読み、変え、予定し、片付ける',
  ).helpCommand(false)
  const inGroup = under(group)
  const text = (en: string, ja: string): string => say(context, en, ja)
  const add: AddCommand = (usage, en, ja) => withPlace(inGroup(usage, en, ja), context)
  const change: AddCommand = (usage, en, ja) =>
    add(usage, en, ja)
      .option('--why <reason>', text('kept in the record', '記録に残す理由'))
      .option('--seen <version>', text('the version you saw', '見た版'), wholeNumber)
      .option('--break-glass', text('although a live release moves it', '動いているリリースのフラグでも'))
  const withFields = (command: Command): Command =>
    command
      .option('--on', text('switch it on', '入れる'))
      .option('--off', text('switch it off', '切る'))
      .option('--share <percent>', text('share of everybody who is in', '公開する割合'))
      .option('--kind <kind>', 'release, ops, experiment, permission')
      .option(
        '--field <name=json>',
        text('any other field; may be given several times', '他の項目。何度でも'),
        collect,
        [],
      )

  add('list', 'list flags', 'フラグを並べる')
    .option('--kind <kind>', 'release, ops, experiment, permission')
    .action(async options => (await import('../flags/read-flags.ts')).listFlags(context, options))
  add('get <key>', 'show a flag', 'フラグを表示する').action(async (key: string, options) =>
    (await import('../flags/read-flags.ts')).showFlag(context, key, options),
  )
  withFields(
    change('set <key>', 'make a flag, or change what is given of it', 'フラグを作る、または指定した所を変える'),
  )
    .option('--title <text>', text('a name for people', '人のための名前'))
    .option('--description <text>', text('what it does', '働き'))
    .option('--owner <name>', text('who removes it', '片付ける人'))
    .option('--service <name>', text('whose release it may block when overdue', '期限切れでリリースを止めるサービス'))
    .option('--client', text('browsers and apps read it too', 'ブラウザーとアプリにも読ませる'))
    .option('--no-client', text('only servers read it', 'サーバーだけに読ませる'))
    .option('--reviewed', text('it was reviewed now', '今、見直した'))
    .option('--ended', text('its experiment ended now', '実験が今、終わった'))
    .action(async (key: string, options) => (await import('../flags/change-flag.ts')).setFlag(context, key, options))
  change('toggle <key>', 'switch a flag on or off', 'フラグの入切を替える').action(async (key: string, options) =>
    (await import('../flags/change-flag.ts')).toggleFlag(context, key, options),
  )
  change('stage <key> <stage>', 'take a flag to a stage of its life', 'フラグを生涯の段階に進める')
    .option('--step <number>', text('which share of the stage, from 0', '段階の何番目の割合か。0 から'), wholeNumber)
    .option('--in <environment>', text('only there; may be given several times', 'そこだけ。何度でも'), collect, [])
    .action(async (key: string, stage: string, options) =>
      (await import('../flags/change-flag.ts')).setStage(context, key, stage, options),
    )
  change('remove <key>', 'remove a flag', 'フラグを削除する').action(async (key: string, options) =>
    (await import('../flags/change-flag.ts')).removeFlag(context, key, options),
  )
  add('history <key>', 'every version of a flag, with who and why', 'フラグの全ての版と、誰がなぜ変えたか')
    .option('--limit <number>', text('at most so many', 'この数まで'), wholeNumber, 20)
    .action(async (key: string, options) => (await import('../flags/read-flags.ts')).showHistory(context, key, options))
  const restore = change('restore <key> <version>', 'make a flag what it was at a version', 'フラグをある版に戻す')
  restore.registeredArguments[1]?.argParser(wholeNumber)
  restore.action(async (key: string, version: number, options) =>
    (await import('../flags/change-flag.ts')).restoreFlag(context, key, version, options),
  )
  withFields(
    change('schedule <key>', 'plan a change, list or cancel what is planned', '変更を予定する、予定を見る、取り消す'),
  )
    .option('--at <time>', text('when: 2026-11-24T09:00:00+09:00', '時刻。2026-11-24T09:00:00+09:00'))
    .option('--anyway', text('also when somebody changes the flag before', 'それまでに誰かが変えても行う'))
    .option('--cancel <id>', text('cancel this planned change', 'この予定を取り消す'))
    .action(async (key: string, options) =>
      (await import('../flags/flag-schedule.ts')).scheduleFlag(context, key, options),
    )
  add('stale', 'flags that ask to be removed or reviewed', '片付けや見直しが要るフラグ')
    .option('--strict', text('exit code 1 while one is overdue', '期限切れがあれば終了コード 1'))
    .action(async options => (await import('../flags/read-flags.ts')).showStale(context, options))
  add('policy', 'what this environment asks of its flags', 'この環境がフラグに求めること')
    .option(
      '--block-overdue',
      text(
        'no release of a service starts while a flag of it is overdue',
        '期限切れのフラグがあるサービスは公開できない',
      ),
    )
    .option('--allow-overdue', text('overdue flags block nothing', '期限切れのフラグは何も止めない'))
    .action(async options => (await import('../flags/flag-policy.ts')).flagPolicy(context, options))
  add('evaluations <key>', 'who evaluates a flag, and when last', 'フラグを評価している者と最後の時刻').action(
    async (key: string, options) => (await import('../flags/flag-clients.ts')).showEvaluations(context, key, options),
  )
  add(
    'clients [key]',
    'SDKs and what they serve; of a flag: which clients get it',
    'SDK とその状態。フラグを指定すれば、届くクライアント',
  ).action(async (key: string | undefined, options) => {
    const { showClients, showClientsOf } = await import('../flags/flag-clients.ts')
    await (key === undefined ? showClients(context, options) : showClientsOf(context, key, options))
  })
  add('sets [plan]', 'flag sets of the applied plans', '適用済みの計画のフラグの組').action(
    async (plan: string | undefined, options) =>
      (await import('../flags/flag-sets.ts')).listFlagSets(context, plan, options),
  )
  add(
    'apply-set <plan> <set>',
    'set every flag of a plan at once; one that the set does not name is off',
    '計画の全フラグをまとめて置き換える。組に無いものは切る',
  )
    .option('--exposure <percent>', text('for values that follow a release', 'リリースに従う値のための割合'))
    .option('--why <reason>', text('kept in the record', '記録に残す理由'))
    .option('--break-glass', text('although a live release moves it', '動いているリリースのフラグでも'))
    .action(async (plan: string, set: string, options) =>
      (await import('../flags/flag-sets.ts')).applyFlagSet(context, plan, set, options),
    )
  add('refs <folder>', 'where code names flags', 'コードのどこにフラグがあるか')
    .option(
      '--keys <file>',
      text("keys, one a line, in place of the server's flags", 'サーバーの代わりに、1 行 1 つの鍵'),
    )
    .option('--strict', text('exit code 1 while a flag or a key is without the other', '片方しか無ければ終了コード 1'))
    .action(async (folder: string, options) =>
      (await import('../flags/flag-references.ts')).showReferences(context, folder, options),
    )
  const formats = 'unleash, launchdarkly, flagd, growthbook, dankai'
  add('import <file>', 'take over the flags of another system', '他の仕組みのフラグを取り込む')
    .requiredOption('--format <format>', formats)
    .option('--replace', text('also flags that are there already', '既にあるフラグも'))
    .option('--client', text('browsers and apps read them too', 'ブラウザーとアプリにも読ませる'))
    .option('--no-client', text('only servers read them', 'サーバーだけに読ませる'))
    .option('--dry-run', text('say what would come in, change nothing', '結果を示すだけで何も変えない'))
    .option('--why <reason>', text('kept in the record', '記録に残す理由'))
    .action(async (file: string, options) =>
      (await import('../flags/transfer-flags.ts')).importFlags(context, file, options),
    )
  add('export', 'write flags as another system reads them', 'フラグを他の仕組みの形で書き出す')
    .requiredOption('--format <format>', formats)
    .action(async options => (await import('../flags/transfer-flags.ts')).exportFlags(context, options))
}
