import * as format from './formats.ts'
import type { Declaration, KeyDeclaration } from './shape.ts'
import { key, listOf, oneOrMore, text } from './shape.ts'

export const quantileForm = '^p(\\d{1,2})(\\.\\d{1,2})?$'
export const levelNames = ['target', 'excellent', 'warn', 'critical'] as const

const level = (en: string, ja: string): KeyDeclaration => key(text(format.level), en, ja)

export const metric: Declaration = {
  name: 'Metric',
  description: { en: 'a metric', ja: '指標' },
  exactlyOne: {
    keys: ['ratio', 'mean', 'count', 'last', 'highest', 'query'],
    what: { en: 'measure', ja: '測り方' },
  },
  formKeys: {
    form: quantileForm,
    shownAs: 'p99',
    key: key(text(format.anyText), 'A quantile of a series', '系列の分位点'),
  },
  keys: {
    ratio: key(text(format.anyText), 'One series by another: A / B', '系列の比: A / B'),
    mean: key(text(format.anyText), 'The mean of a series', '系列の平均'),
    count: key(text(format.anyText), 'The sum of a series', '系列の合計'),
    last: key(text(format.anyText), 'The newest value of a series', '系列の最新の値'),
    highest: key(listOf(text(format.conditionName), 20), 'The highest of other metrics', '他の指標の最大値'),
    query: key(text(format.anyText), 'A query in the language of the source', 'ソースの言語で書いた問い合わせ'),
    source: key(text(format.freeName), 'A connection, or people', '接続の名前、または people', { default: 'dankai' }),
    unit: key(
      text(format.choice('ms', '%', 'USD')),
      'The unit of the samples; none for plain numbers',
      '標本の単位。ただの数なら書かない',
    ),
    better: key(text(format.choice('lower', 'higher')), 'Which side is good', 'どちらが良いか', { default: 'lower' }),
    every: key(text(format.every), 'How often a sample comes', '標本の間隔', { default: '10s' }),
    baseline: key(text(format.baseline), 'What baseline means here', 'ここでの baseline の意味'),
    minSamples: key(
      text(format.integer(0, 1_000_000)),
      'Fewer samples give no value',
      'これより少ない標本では値がない',
      { default: '20' },
    ),
    title: key(text(format.anyText), 'The name shown', '表示する名前'),
    target: level('Score card: reached', '評価表: 達成'),
    excellent: level('Score card: excellent', '評価表: 優秀'),
    warn: level('Colour, and an alert if alert is given', '色と、alert があれば警報'),
    critical: level('Colour, and an alert if alert is given', '色と、alert があれば警報'),
    alert: key(oneOrMore(text(format.freeName), 20), 'Channels for warn and critical', 'warn と critical の宛先'),
  },
}
