import { moments } from '../compiled-plan.ts'
import * as format from './formats.ts'
import { hand } from './hand.ts'
import { metric } from './metric.ts'
import { alerts, rules } from './rule.ts'
import type { Declaration, KeyDeclaration, Shape } from './shape.ts'
import { key, listOf, mapOf, named, oneOrMore, text } from './shape.ts'
import { criteria, duringSteps, flagValues, steps, stepsOrSame } from './step.ts'

const notice: Declaration = {
  name: 'Notice',
  description: { en: 'a notice', ja: '知らせ' },
  keys: {
    send: key(text(format.freeName), 'A template', 'テンプレート', { required: true }),
    to: key(oneOrMore(text(format.freeName), 20), 'Channels', '宛先のチャンネル'),
    priority: key(text(format.freeName), 'How urgent it is', '優先度'),
  },
}

const notices: Declaration = {
  name: 'Notices',
  description: { en: 'the moments of a release', ja: 'リリースの時点' },
  keys: Object.fromEntries(
    moments.map(moment => [
      moment,
      key(
        oneOrMore(
          mapOf(() => notice),
          20,
        ),
        `When ${moment}`,
        `${moment} のとき`,
      ),
    ]),
  ),
}

const review: Declaration = {
  name: 'Review',
  description: { en: 'a review after completion', ja: '完了後の振り返り' },
  keys: {
    after: key(text(format.duration), 'How long after completion', '完了からの時間', { required: true }),
    template: key(text(format.freeName), 'A template', 'テンプレート', { required: true }),
    compare: key(oneOrMore(text(format.conditionName), 50), 'Metrics before and after', '前後を比べる指標'),
    confirm: key(oneOrMore(text(format.anyText), 50), 'Sentences a person confirms', '人が確かめる文'),
  },
}

export const phase: Declaration = {
  name: 'Phase',
  description: { en: 'a phase', ja: '段階' },
  keys: {
    name: key(text(format.machineName), 'The machine name', '機械が使う名前', { required: true }),
    title: key(text(format.anyText), 'The name shown', '表示する名前'),
    expose: key(text(format.expose), 'Who sees the change', '変更を見る人', { required: true }),
    hold: key(
      text(format.hold),
      'Time to stay once exposure is confirmed; open = until a person closes the release',
      '公開を確認してからとどまる時間。open は人が閉じるまで',
      { required: true },
    ),
    before: key(stepsOrSame, 'Gates before this raise', 'この引き上げの前の関門'),
    during: key(duringSteps, 'Steps while the phase lasts', '段階の間に行う手順'),
    promoteWhen: key(criteria, 'All must hold to go on', '進むために成り立つべきもの (すべて)'),
    rollbackWhen: key(rules, 'Any one goes back', '戻る理由 (どれか 1 つ)'),
    alerts: key(alerts, 'Alerts of this phase', 'この段階の警報'),
    flags: key(text(format.freeName), 'The flag set of this phase', 'この段階のフラグの組'),
    experiments: key(oneOrMore(text(format.freeName), 20), 'Experiment flags that run', '動かす実験フラグ'),
    mix: key(
      named(format.freeName, named(format.freeName, text(format.percent), 50), 10),
      'Quotas of the sample',
      '標本の割り当て',
    ),
    show: key(oneOrMore(text(format.conditionName), 50), 'More metrics on the dashboard', '画面に加える指標'),
    ifNotMet: key(
      text(format.ifNotMet),
      'After hold, while the criteria do not hold',
      '時間が過ぎても条件を満たさないとき',
      { default: 'wait' },
    ),
  },
}

/** Keys that add up: plan, then strategy. */
const addingKeys: Readonly<Record<string, KeyDeclaration>> = {
  metrics: key(
    named(
      format.conditionName,
      mapOf(() => metric),
      200,
    ),
    'Names used in conditions',
    '条件で使う名前',
  ),
  signals: key(
    named(format.conditionName, text(format.anyText), 200),
    'What only a person can report',
    '人だけが報告できること',
  ),
  before: key(steps, 'Gates before the first exposure', '最初の公開の前の関門'),
  promoteWhen: key(criteria, 'All must hold, in every phase', 'どの段階でも成り立つべきもの (すべて)'),
  rollbackWhen: key(rules, 'Any one goes back, in every phase', 'どの段階でも戻る理由 (どれか 1 つ)'),
  followUp: key(steps, 'Tasks after a rollback', 'ロールバック後の仕事'),
  runbooks: key(named(format.machineName, steps, 100), 'Started by hand or from an alert', '人か警報から始める手順書'),
  checks: key(
    named(format.conditionName, steps, 100),
    'Named sets of steps: smoke passed',
    '名前付きの手順の組: smoke passed',
  ),
  flags: key(
    named(format.machineName, flagValues, 50),
    'Named flag sets; a flag not named is off',
    '名前付きのフラグの組。書かないフラグは無効',
  ),
  alerts: key(alerts, 'Alerts', '警報'),
  notify: key(
    mapOf(() => notices),
    'Notices by moment',
    '時点ごとの知らせ',
  ),
  channels: key(named(format.machineName, text(format.channel), 100), 'Names for addresses', '宛先の名前'),
  labels: key(
    oneOrMore(text(format.machineName), 100),
    'Facts about one release, read by when',
    'when が読む、リリースごとの事実',
  ),
  review: key(
    listOf(
      mapOf(() => review),
      10,
    ),
    'Tasks after completion',
    '完了後の仕事',
  ),
}

/** Keys that cannot add: given in the plan or in strategies, never in both. */
const singleKeys: Readonly<Record<string, KeyDeclaration>> = {
  exposure: key(
    listOf(
      mapOf(() => hand),
      10,
    ),
    'The hands; the first splits the users',
    '手。最初のものが利用者を分ける',
  ),
  evidence: key(
    text(format.evidence),
    'When a comparison with the baseline lets the release go on',
    '比較がいつ先へ進ませるか',
    { default: 'shown safe' },
  ),
  phases: key(
    listOf(
      mapOf(() => phase),
      50,
    ),
    'The phases in order',
    '順に並べた段階',
  ),
  rollback: key(steps, 'The way back', '戻り方'),
}

export const singlePlaceKeys = Object.keys(singleKeys)

export const strategy: Declaration = {
  name: 'Strategy',
  description: { en: 'a strategy', ja: '戦略' },
  keys: {
    default: key(text(format.boolean), 'Chosen when nothing else is', '他に選ばれないときに使う'),
    types: key(oneOrMore(text(format.machineName), 20), 'Release types that choose it', 'これを選ぶリリース種別'),
    title: key(text(format.anyText), 'The name shown', '表示する名前'),
    ...singleKeys,
    ...addingKeys,
  },
}

export const releasePlan: Declaration = {
  name: 'ReleasePlan',
  description: { en: 'a release plan', ja: 'リリース計画' },
  keys: {
    kind: key(text(format.choice('ReleasePlan')), 'ReleasePlan', 'ReleasePlan', { required: true }),
    name: key(text(format.machineName), 'The machine name', '機械が使う名前', { required: true }),
    title: key(text(format.anyText), 'The name shown', '表示する名前'),
    service: key(text(format.machineName), 'What is released', 'リリースするもの', { default: 'the name' }),
    calendar: key(
      text(format.freeName),
      'A Calendar document: the start and each raise wait for it',
      'Calendar 文書。開始と引き上げがこれを待つ',
    ),
    escalation: key(text(format.freeName), 'An Escalation document: who is called', 'Escalation 文書。誰を呼ぶか'),
    baseline: key(text(format.baseline), 'What baseline means', 'baseline の意味', { default: 'stable' }),
    ...singleKeys,
    ...addingKeys,
    strategies: key(
      named(
        format.machineName,
        mapOf(() => strategy),
        20,
      ),
      'One is chosen at start; it only adds',
      '開始時に 1 つ選ぶ。足すだけ',
    ),
  },
}

export const phaseListKeys: Readonly<Record<string, Shape>> = {
  before: stepsOrSame,
  during: duringSteps,
  promoteWhen: criteria,
  rollbackWhen: rules,
  alerts,
}
