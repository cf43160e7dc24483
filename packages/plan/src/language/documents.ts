import * as format from './formats.ts'
import { releasePlan } from './release-plan.ts'
import { scenarios } from './scenarios.ts'
import type { Declaration, KeyDeclaration } from './shape.ts'
import { anyData, either, key, listOf, mapOf, named, oneOrMore, text } from './shape.ts'
import { step } from './step.ts'

function documentKeys(kind: string): Readonly<Record<string, KeyDeclaration>> {
  return {
    kind: key(text(format.choice(kind)), kind, kind, { required: true }),
    name: key(text(format.machineName), 'The machine name', '機械が使う名前', { required: true }),
    title: key(text(format.anyText), 'The name shown', '表示する名前'),
  }
}

const attributes = named(format.freeName, oneOrMore(text(format.anyText), 500), 50)

const segment: Declaration = {
  name: 'Segment',
  description: { en: 'a segment', ja: '利用者の組' },
  keys: {
    ...documentKeys('Segment'),
    include: key(attributes, 'Attributes and their accepted values', '属性と、受け入れる値'),
    where: key(text(format.anyText), 'A rule in words of the service', 'サービスの言葉で書いた規則'),
    size: key(text(format.integer(0, 1_000_000_000)), 'How many people it has', '人数'),
  },
}

const flag: Declaration = {
  name: 'Flag',
  description: { en: 'a flag', ja: 'フラグ' },
  keys: {
    ...documentKeys('Flag'),
    type: key(text(format.choice('release', 'ops', 'experiment', 'permission')), 'What it is for', '用途', {
      required: true,
    }),
    description: key(text(format.anyText), 'What it does', '働き'),
    owner: key(text(format.freeName), 'Who removes it', '片付ける人'),
    variants: key(named(format.freeName, anyData, 20), 'Values by variant', '種類ごとの値', {
      default: 'on: true, off: false',
    }),
    default: key(text(format.freeName), 'The variant nobody else gets', '他に当たらない人の種類'),
    allocation: key(named(format.freeName, text(format.percent), 20), 'Share of each variant', '種類ごとの割合'),
    include: key(attributes, 'Who is always in', '常に含める人'),
    segments: key(oneOrMore(text(format.freeName), 20), 'Segments that are always in', '常に含める組'),
    removeAfter: key(text(format.duration), 'When it should be gone', '片付ける時期'),
    client: key(
      text(format.boolean),
      'Meant for browsers and apps too; a note for people, their keys read every flag',
      'ブラウザやアプリでも使う（人への覚え書き。それらのキーはすべてのフラグを読める）',
      {
        default: 'false',
      },
    ),
  },
}

const group: Declaration = {
  name: 'ChecklistGroup',
  description: { en: 'a group of items', ja: '項目の組' },
  keys: {
    group: key(text(format.anyText), 'The heading', '見出し', { required: true }),
    items: key(
      listOf(
        either(
          { shape: mapOf(() => group), ifHas: 'group' },
          mapOf(() => step),
        ),
        200,
      ),
      'Steps or groups',
      '手順か組',
      { required: true },
    ),
  },
}

const checklist: Declaration = {
  name: 'Checklist',
  description: { en: 'a checklist', ja: 'チェックリスト' },
  keys: {
    ...documentKeys('Checklist'),
    items: key(
      listOf(
        either(
          { shape: mapOf(() => group), ifHas: 'group' },
          mapOf(() => step),
        ),
        200,
      ),
      'Steps or groups',
      '手順か組',
      { required: true },
    ),
  },
}

const train: Declaration = {
  name: 'Train',
  description: { en: 'a release train', ja: 'リリース列車' },
  keys: {
    freeze: key(text(format.weekday), 'The day of the freeze', '凍結の曜日', { required: true }),
    staging: key(text(format.weekday), 'The day of staging', 'ステージングの曜日', { required: true }),
    release: key(text(format.weekdayTime), 'The day and time of the release', 'リリースの曜日と時刻', {
      required: true,
    }),
  },
}

const period: Declaration = {
  name: 'Period',
  description: { en: 'a period', ja: '期間' },
  keys: {
    name: key(text(format.anyText), 'The name shown', '表示する名前'),
    from: key(text(format.monthDay), 'First day of the year', '最初の日'),
    to: key(text(format.monthDay), 'Last day of the year', '最後の日'),
    every: key(text(format.weeklyWindow), 'A window of every week', '毎週の時間帯'),
    reason: key(text(format.anyText), 'Why', '理由'),
    purpose: key(text(format.anyText), 'What for', '目的'),
    policy: key(text(format.anyText), 'What applies then', 'その間の方針'),
    needs: key(text(format.machineName), 'The label a release needs then', 'その間に要るラベル'),
    except: key(oneOrMore(text(format.machineName), 20), 'Release types it does not stop', '止めないリリース種別'),
    reasons: key(oneOrMore(text(format.machineName), 20), 'Labels that lift it with a reason', '理由付きで解くラベル'),
  },
}

const exempt: Declaration = {
  name: 'Exemption',
  description: { en: 'an exemption', ja: '例外' },
  keys: {
    types: key(oneOrMore(text(format.machineName), 20), 'Release types', 'リリース種別', { required: true }),
    needs: key(text(format.choice('reason', 'nothing')), 'What they need', '要るもの', { default: 'reason' }),
  },
}

const periods = listOf(
  mapOf(() => period),
  100,
)

const calendar: Declaration = {
  name: 'Calendar',
  description: { en: 'a calendar', ja: '暦' },
  keys: {
    ...documentKeys('Calendar'),
    timezone: key(text(format.timezone), 'The time zone of all times here', 'ここの時刻の時間帯', { required: true }),
    train: key(
      mapOf(() => train),
      'The weekly release train',
      '毎週のリリース列車',
    ),
    startOn: key(text(format.choice('train', 'any open day')), 'When a release may start', '開始できる日', {
      default: 'train if there is one',
    }),
    open: key(named(format.machineName, text(format.openWindow), 20), 'Windows by release type', '種別ごとの時間帯'),
    blocked: key(periods, 'No start and no raise', '開始も引き上げもしない期間'),
    caution: key(periods, 'Allowed with a label', 'ラベルがあれば許す期間'),
    maintenance: key(periods, 'Maintenance windows', '保守の時間帯'),
    exempt: key(
      mapOf(() => exempt),
      'Release types that are not blocked',
      '止められないリリース種別',
    ),
  },
}

const escalationLevel: Declaration = {
  name: 'EscalationLevel',
  description: { en: 'a level', ja: '段' },
  keys: {
    who: key(text(format.anyText), 'Who is called', '呼ばれる人', { required: true }),
    respondWithin: key(text(format.duration), 'How soon they must answer', '応答の期限', { required: true }),
    next: key(text(format.duration), 'From entering this level to the next', 'この段に入ってから次の段までの時間'),
    does: key(text(format.anyText), 'What they do', '行うこと'),
    emergenciesOnly: key(text(format.boolean), 'Called in emergencies only', '緊急時だけ呼ぶ', { default: 'false' }),
    call: key(
      listOf(named(format.freeName, text(format.anyText), 10), 20),
      'People and how to reach them',
      '人と連絡方法',
    ),
  },
}

const escalation: Declaration = {
  name: 'Escalation',
  description: { en: 'an escalation', ja: '連絡の段階' },
  keys: {
    ...documentKeys('Escalation'),
    levels: key(
      listOf(
        mapOf(() => escalationLevel),
        20,
      ),
      'From the first called to the last',
      '最初に呼ぶ人から順に',
      { required: true },
    ),
  },
}

const templateText: Declaration = {
  name: 'TemplateText',
  description: { en: 'the text of a template', ja: 'テンプレートの文' },
  keys: {
    title: key(text(format.anyText), 'The title; {{ name }} is filled in', '題名。{{ name }} は埋められる'),
    body: key(text(format.anyText), 'The body; {{ name }} is filled in', '本文。{{ name }} は埋められる', {
      required: true,
    }),
  },
}

const template: Declaration = {
  name: 'Template',
  description: { en: 'a template', ja: 'テンプレート' },
  keys: {
    ...documentKeys('Template'),
    channel: key(text(format.freeName), 'Where it goes when nothing else is said', '他に指定がないときの宛先'),
    priority: key(text(format.freeName), 'How urgent it is', '優先度'),
    ja: key(
      either(
        text(format.anyText),
        mapOf(() => templateText),
      ),
      'Japanese',
      '日本語',
    ),
    en: key(
      either(
        text(format.anyText),
        mapOf(() => templateText),
      ),
      'English',
      '英語',
    ),
  },
}

const service: Declaration = {
  name: 'Service',
  description: { en: 'a service', ja: 'サービス' },
  keys: {
    ...documentKeys('Service'),
    traffic: key(text(format.traffic), 'Requests as they usually come; used for notes', 'ふだんの要求数。注記に使う'),
    tracks: key(oneOrMore(text(format.machineName), 10), 'Names of the versions served', '提供する版の名前', {
      default: 'stable, canary',
    }),
  },
}

export const documentKinds = {
  ReleasePlan: releasePlan,
  Segment: segment,
  Flag: flag,
  Checklist: checklist,
  Calendar: calendar,
  Escalation: escalation,
  Template: template,
  Service: service,
  Scenarios: scenarios,
} as const satisfies Record<string, Declaration>

export type DocumentKind = keyof typeof documentKinds

export function isDocumentKind(kind: string): kind is DocumentKind {
  return Object.hasOwn(documentKinds, kind)
}
