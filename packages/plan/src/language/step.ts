import * as format from './formats.ts'
import type { Declaration, KeyDeclaration, Shape } from './shape.ts'
import { anyData, either, key, listOf, mapOf, named, oneOrMore, text } from './shape.ts'

/** Every verb there is. One list: gates, checklists, phases, runbooks and follow-ups are all made of these. */
export const verbs = [
  'run',
  'sql',
  'http',
  'expose',
  'flags',
  'notify',
  'confirm',
  'check',
  'approve',
  'checklist',
  'needs',
  'halt',
  'wait',
  'do',
] as const

/** The value of a flag: `exposure` as text stands for the present percentage. */
export const flagValues: Shape = named(format.freeName, anyData)

const verbKeys: Readonly<Record<(typeof verbs)[number], KeyDeclaration>> = {
  run: key(text(format.anyText), 'A command for the runner an admin made', '管理者が用意した実行環境で動かすコマンド'),
  sql: key(text(format.anyText), 'SQL text, or the path of a file with it', 'SQL の文か、そのファイルのパス'),
  http: key(
    text(format.httpCall),
    'A method and an address; SERVICE/path is allowed',
    'メソッドと宛先。SERVICE/path も可',
  ),
  expose: key(text(format.percent), 'Move the exposure', '公開率を動かす'),
  flags: key(
    either(text(format.freeName), flagValues),
    'Apply a flag set, or set only the flags named here',
    'フラグの組を適用するか、ここに書いたフラグだけを設定する',
  ),
  notify: key(text(format.freeName), 'Send a template', 'テンプレートを送る'),
  confirm: key(text(format.anyText), 'A person did or saw this', '人が行った、または確かめた'),
  check: key(oneOrMore(text(format.condition), 50), 'Conditions that must hold', '成り立つべき条件'),
  approve: key(text(format.freeName), 'A role that must approve', '承認する役割'),
  checklist: key(text(format.freeName), 'All items of a Checklist document', 'Checklist 文書のすべての項目'),
  needs: key(text(format.freeName), 'Another plan whose release is completed', 'リリースが完了しているべき別の計画'),
  halt: key(text(format.freeName), 'Freeze the release of another plan', '別の計画のリリースを止める'),
  wait: key(text(format.duration), 'Wait so long', '待つ時間'),
  do: key(listOf(either(mapOf(() => step)), 100), 'Steps in order', '順に行う手順'),
}

const optionKeys: Readonly<Record<string, KeyDeclaration>> = {
  name: key(text(format.anyText), 'The name shown', '表示する名前'),
  by: key(text(format.freeName), 'The role that does it', '行う役割'),
  at: key(
    text(format.anyText),
    'Where: a directory, or "previous version"',
    '場所: ディレクトリ、または previous version',
  ),
  when: key(
    text(format.labelTest),
    'Only if the release has (or has not) the label',
    'リリースのラベルの有無による条件',
  ),
  within: key(
    text(format.duration),
    'Deadline, counted from the start of the runbook or gate',
    'ランブックや関門の開始から数えた期限',
  ),
  takes: key(text(format.duration), "The step's own time, counted from its start", '手順の開始から数えた所要時間'),
  expect: key(
    text(format.anyText),
    'rows, no rows, a status such as 200, a comparison such as count = 0, or text the output contains',
    'rows、no rows、200 のような状態、count = 0 のような比較、または出力が含む文字列',
  ),
  keep: key(text(format.boolean), 'Keep the output in the record', '出力を記録に残す', { default: 'false' }),
  optional: key(text(format.boolean), 'May be left out', '省いてよい', { default: 'false' }),
  evidence: key(text(format.anyText), 'What shows that it was done', '行ったことを示すもの'),
  irreversible: key(
    text(format.freeName),
    'The runbook that is the way back from here on',
    'ここから先の戻り道となるランブック',
  ),
  onFail: key(text(format.onFail), 'stop, go on, or ask ROLE', 'stop、go on、ask ROLE のどれか'),
  count: key(text(format.integer(1, 20)), 'How many people must approve', '必要な承認の人数', { default: '1' }),
  to: key(
    oneOrMore(text(format.freeName), 20),
    'Channels, or "affected users"',
    '宛先のチャンネル、または affected users',
  ),
}

const toDuring = { en: 'Move the step to during of a phase', ja: '手順を段階の during に移してください' }

export const step: Declaration = {
  name: 'Step',
  description: { en: 'a step: one verb and its options', ja: '手順 (動詞 1 つとその選択肢)' },
  keys: { ...verbKeys, ...optionKeys },
  exactlyOne: { keys: verbs, what: { en: 'verb', ja: '動詞' } },
  elsewhere: { every: toDuring, days: toDuring },
}

/** A step of `during` also says when it comes. */
export const duringStep: Declaration = {
  ...step,
  name: 'DuringStep',
  keys: {
    ...step.keys,
    every: key(text(format.interval), 'Repeated from the start of the phase', '段階の開始から繰り返す間隔'),
    days: key(text(format.days), 'Days of the phase, counted from 1', '1 から数えた段階の日'),
  },
}

export const steps: Shape = listOf(
  mapOf(() => step),
  100,
)
export const stepsOrSame: Shape = oneOrMore(
  either(
    mapOf(() => step),
    text(format.sameAs),
  ),
  100,
)
export const duringSteps: Shape = oneOrMore(
  either(
    mapOf(() => duringStep),
    text(format.sameAs),
  ),
  100,
)
/** Conditions as text, all else as steps. */
export const criteria: Shape = oneOrMore(
  either(
    mapOf(() => step),
    text(format.condition),
  ),
  100,
)
