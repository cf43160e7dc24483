import { type AddCommand, wholeNumber } from '../command-parts.ts'
import { type Context, say } from '../context.ts'

/** Commands that need no server. */
export function addPlanCommands(add: AddCommand, context: Context): void {
  const text = (en: string, ja: string): string => say(context, en, ja)

  add('init <name>', 'write a first plan and its tests', '最初の計画とその試験を書く').action(async (name: string) => {
    const { initPlan } = await import('./init.ts')
    initPlan(context, name)
  })

  add(
    'validate <paths...>',
    'check plans; every mistake with file, line and column',
    '計画を確かめ、誤りをすべてファイル・行・列で示す',
  ).action(async (paths: string[]) => {
    const { validatePlans } = await import('./validate.ts')
    validatePlans(context, paths)
  })

  add('simulate <paths...>', 'run a plan against a world and draw it', '計画を仮想の世界で動かして描く')
    .option('--plan <name>', text('which plan, when the files hold several', '計画が複数あるときの名前'))
    .option(
      '--scenario <name>',
      text(
        'a scenario of the plan (a part of its name); default: a world in which all goes well',
        '計画の筋書き (名前の一部でよい)。省くとすべてが順調な世界',
      ),
    )
    .option('--strategy <name>', text('the strategy to choose', '選ぶ戦略'))
    .option(
      '--seed <number>',
      text('a world of random troubles, the same for the same seed', 'ランダムな困難の世界。同じ番号なら同じ世界'),
      wholeNumber,
    )
    .option('--full', text('bucket by bucket instead of event by event', '出来事ごとでなく、標本の区切りごとに動かす'))
    .action(async (paths: string[], options) => {
      const { simulatePlan } = await import('./simulate.ts')
      await simulatePlan(context, paths, options)
    })

  add('test <paths...>', 'run the scenarios of plans', '計画の筋書きを試す')
    .option('--plan <name>', text('only scenarios of this plan', 'この計画の筋書きだけ'))
    .option('--scenario <name>', text('only scenarios whose name contains this', '名前にこれを含む筋書きだけ'))
    .action(async (paths: string[], options) => {
      const { testPlans } = await import('./test.ts')
      await testPlans(context, paths, options)
    })

  add(
    'schema [kind]',
    'print the JSON Schema of a kind of document, for editors; default: ReleasePlan',
    '文書の種類の JSON Schema をエディター向けに出力する。省くと ReleasePlan',
  ).action(async (kind: string = 'ReleasePlan') => {
    const { printSchema } = await import('./schema.ts')
    printSchema(context, kind)
  })
}
