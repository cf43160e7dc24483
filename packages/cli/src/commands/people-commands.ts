import type { ActionRequestInput } from '@dankai/contract'
import type { Command } from 'commander'
import { type CommandEnd, misused } from '../command-end.ts'
import { type AddCommand, wholeNumber } from '../command-parts.ts'
import { type Context, say } from '../context.ts'

interface PersonOptions {
  readonly why?: string
  readonly seen?: number
}

/** What people answer, ask and report. A release is named by its id, or by its plan while only one of it is live. */
export function addPeopleCommands(add: AddCommand, context: Context): void {
  const text = (en: string, ja: string): string => say(context, en, ja)
  const person = (usage: string, en: string, ja: string): Command =>
    add(usage, en, ja)
      .option('--why <reason>', text('kept in the record', '記録に残す理由'))
      .option(
        '--seen <seq>',
        text(
          'number of the newest event you saw: refused when there is a newer one',
          '見た最新の出来事の番号。新しいものがあれば断られる',
        ),
        wholeNumber,
      )
  const send = async (name: string, { why, seen }: PersonOptions, body: ActionRequestInput): Promise<void> => {
    const { act } = await import('./act.ts')
    await act(context, name, { ...body, why: why || null }, seen ?? null)
  }

  person('approve <release>', 'give an approval a release waits for', 'リリースが待つ承認を与える')
    .option('--role <role>', text('for which role, when you have several', '複数の役割があるとき、どれとしてか'))
    .option('--step <step>', text('which step', 'どの手順か'))
    .action((name: string, options) =>
      send(name, options, { type: 'approve', step: options.step ?? null, role: options.role ?? null }),
    )
  person('confirm <release> <step>', 'say that a step is done', '手順が済んだと知らせる')
    .option('--evidence <text>', text('a link or note that shows it', 'それを示すリンクやメモ'))
    .action((name: string, step: string, options) =>
      send(name, options, { type: 'confirm', step, evidence: options.evidence ?? null }),
    )
  person('reject <release> <step>', 'refuse an approval or confirmation', '承認や確認を断る').action(
    (name: string, step: string, options) => send(name, options, { type: 'reject', step }),
  )
  person(
    'report <release> <signal>',
    'report what only a person can see: data loss, a vulnerability …',
    '人にしか見えないことを知らせる (データ消失、脆弱性など)',
  ).action((name: string, signal: string, options) => send(name, options, { type: 'report', signal }))
  person('withdraw <release> <signal>', 'take a report back', '知らせを取り下げる').action(
    (name: string, signal: string, options) => send(name, options, { type: 'withdraw', signal }),
  )
  person(
    'promote <release>',
    'go on now: over holds and criteria, never over a gate or a firing rule',
    '今すぐ進む。時間と条件は越えるが、関門と成立中の規則は越えない',
  ).action((name: string, options) => send(name, options, { type: 'promote' }))
  person('pause <release>', 'stop raising; watching goes on', '引き上げを止める。監視は続く').action(
    (name: string, options) => send(name, options, { type: 'pause' }),
  )
  person('resume <release>', 'go on after a pause or a halt', '一時停止や停止の後に再開する').action(
    (name: string, options) => send(name, options, { type: 'resume' }),
  )
  person('close <release>', 'close a release whose last phase is held open', '開いたままの最後の段階を閉じる').action(
    (name: string, options) => send(name, options, { type: 'close' }),
  )
  person(
    'abort <release>',
    'expose nobody, without the rest of the runbook',
    '公開を 0 にする。手順書の残りは行わない',
  ).action((name: string, options) => send(name, options, { type: 'abort' }))
  person('rollback <release>', 'take everybody back; nothing blocks it', '全員を元に戻す。何にも妨げられない')
    .option('--runbook <name>', text('another runbook of the plan', '計画の別の手順書'))
    .action((name: string, options) => send(name, options, { type: 'rollback', runbook: options.runbook ?? null }))
  person(
    'answer <release> <answer>',
    'answer an open decision: rollback or continue',
    '判断の問いに rollback か continue で答える',
  )
    .option('--rule <rule>', text('which question, when several are open', '問いが複数あるとき、どれか'))
    .action((name: string, answer: string, options) =>
      send(name, options, { type: 'answer', rule: options.rule ?? null, answer: answerOf(answer) }),
    )
  person(
    'cancel <release> <rule>',
    'cancel a rollback that is due within a time',
    '期限付きのロールバックを取り消す',
  ).action((name: string, rule: string, options) => send(name, options, { type: 'cancel', rule }))
  person('retry <release> <step>', 'try a failed step again', '失敗した手順をもう一度行う').action(
    (name: string, step: string, options) => send(name, options, { type: 'retry', step }),
  )
  person('skip <release> <step>', 'give a failed step of a runbook up', '失敗した手順書の手順をあきらめる').action(
    (name: string, step: string, options) => send(name, options, { type: 'skip', step }),
  )
  person('runbook <release> <name>', 'start a runbook of the plan', '計画の手順書を始める').action(
    (name: string, runbook: string, options) => send(name, options, { type: 'startRunbook', runbook }),
  )
  addUrgentCommands(add, context)
}

function addUrgentCommands(add: AddCommand, context: Context): void {
  const text = (en: string, ja: string): string => say(context, en, ja)

  add(
    'amend <release>',
    'pin the newest applied plan to a running release',
    '動いているリリースに、適用済みの最新の計画を使わせる',
  )
    .requiredOption('--why <reason>', text('kept in the record', '記録に残す理由'))
    .option('--seen <seq>', text('number of the newest event you saw', '見た最新の出来事の番号'), wholeNumber)
    .action(async (name: string, options) => {
      const { amendRelease } = await import('./amend.ts')
      await amendRelease(context, name, options)
    })

  add(
    'emergency <action>',
    'stop: nobody has any change of a release, at once; clear: lift it; list: what is stopped now',
    'stop: すべての変更を直ちに全員から外す。clear: それを解く。list: 今の停止を並べる',
  )
    .option(
      '--why <reason>',
      text('kept in the record; stop and clear need it', '記録に残す理由。stop と clear に要る'),
    )
    .option('--release <release>', text('only this release', 'このリリースだけ'))
    .option('--flag <key>', text('only this flag', 'このフラグだけ'))
    .option('--id <id>', text('with clear: only this stop', 'clear のとき、この停止だけ'))
    .option(
      '--offline',
      text('no server answers: use DATABASE_URL from here', 'サーバーが応えないとき、ここから DATABASE_URL を使う'),
    )
    .option(
      '--plan <file>',
      text('with --offline: the plan whose hands are lowered', '--offline のとき、手を下げる計画'),
    )
    .option(
      '--environment <name>',
      text("there (default: the key's, else production)", 'そこで (省略時はキーのもの、なければ production)'),
    )
    .option(
      '--project <name>',
      text("of that project (default: the key's, else default)", 'その計画の (省略時はキーのもの、なければ default)'),
    )
    .action(async (action: string, options) => {
      const { actInEmergency } = await import('./emergency.ts')
      await actInEmergency(context, action, options)
    })
}

function answerOf(text: string): 'rollback' | 'continue' {
  if (text === 'rollback' || text === 'continue') return text
  throw wrongAnswer(text)
}

function wrongAnswer(text: string): CommandEnd {
  return misused(
    {
      cannot: `answer "${text}"`,
      found: 'another word',
      expected: '"rollback" or "continue"',
      next: 'Give one of them.',
    },
    {
      cannot: `"${text}" とは答えられません`,
      found: '別の語です',
      expected: '"rollback" か "continue"',
      next: 'どちらかを指定してください。',
    },
  )
}
