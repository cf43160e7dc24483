import * as format from './formats.ts'
import type { Declaration, Shape } from './shape.ts'
import { either, key, mapOf, oneOrMore, text } from './shape.ts'

const conditions: Shape = oneOrMore(text(format.condition), 50)

export const rule: Declaration = {
  name: 'Rule',
  description: { en: 'a rule', ja: '規則' },
  keys: {
    if: key(conditions, 'A condition, or a list of which any one counts', '条件。リストならどれか 1 つ', {
      required: true,
    }),
    // biome-ignore lint/suspicious/noThenProperty: `then` is a key of the language; nobody awaits a declaration.
    then: key(text(format.consequence), 'What follows', '起こること', { required: true }),
    otherwise: key(
      text(format.choice('rollback', 'continue')),
      'The answer to silence; decide within needs it',
      '返事がないときの扱い。decide within に必要',
    ),
    name: key(text(format.anyText), 'The name shown', '表示する名前'),
    severity: key(text(format.freeName), 'How grave it is', '重大さ'),
  },
}

export const alert: Declaration = {
  name: 'Alert',
  description: { en: 'an alert', ja: '警報' },
  keys: {
    if: key(conditions, 'A condition, or a list of which any one counts', '条件。リストならどれか 1 つ', {
      required: true,
    }),
    severity: key(text(format.freeName), 'How grave it is', '重大さ', { required: true }),
    to: key(oneOrMore(text(format.freeName), 20), 'Channels', '宛先のチャンネル'),
    name: key(text(format.anyText), 'The name shown', '表示する名前'),
    respondWithin: key(text(format.duration), 'How soon a person must answer', '人が応答するまでの期限'),
    runbook: key(text(format.freeName), 'The runbook offered with it', '一緒に示すランブック'),
  },
}

export const rules: Shape = oneOrMore(
  either(
    mapOf(() => rule),
    text(format.condition),
  ),
  100,
)
export const alerts: Shape = oneOrMore(
  either(
    mapOf(() => alert),
    text(format.sameAs),
  ),
  100,
)
