import type { Localized, Refusal } from './problem.ts'
import { refuse } from './problem.ts'

type Advice = { readonly en: Refusal; readonly ja: Refusal }

const cannot = { en: 'read this line as YAML', ja: 'この行を YAML として読めません' }

/** What an author most often did, for each code of the YAML reader that people meet. */
const adviceByCode: Readonly<Record<string, Advice>> = {
  TAB_AS_INDENT: advice(
    ['a tab', 'spaces for indentation', 'Replace the tab by spaces'],
    ['タブがあります', '字下げには空白', 'タブを空白に置き換えてください'],
  ),
  BAD_SCALAR_START: advice(
    ['a character that has a meaning in YAML at the start of a value', 'text in quotes', 'Put the value in quotes'],
    ['YAML で意味を持つ文字で始まる値があります', '引用符で囲んだ文字列', '値を引用符で囲んでください'],
  ),
  BLOCK_AS_IMPLICIT_KEY: advice(
    ['a second ": " on the line', 'one key and one value', 'Put the value in quotes, or correct the indentation'],
    ['行に 2 つ目の ": " があります', 'キーと値を 1 つずつ', '値を引用符で囲むか、字下げを直してください'],
  ),
  BLOCK_IN_FLOW: advice(
    [
      'a ": " inside [ ] or { } where an item was',
      'items separated by commas',
      'Put the item in quotes, or add the comma',
    ],
    ['[ ] か { } の中の項目に ": " があります', 'コンマで区切った項目', '項目を引用符で囲むか、コンマを加えてください'],
  ),
  BAD_INDENT: advice(
    [
      'an indentation that fits no level above',
      'items of one level in one column',
      'Correct the indentation, or close the bracket',
    ],
    [
      '上のどの段とも合わない字下げがあります',
      '同じ段の項目を同じ桁にそろえること',
      '字下げを直すか、括弧を閉じてください',
    ],
  ),
  MISSING_CHAR: advice(
    ['no closing quote, bracket or comma', 'one', 'Close it'],
    ['閉じる引用符・括弧かコンマがありません', 'それ', '閉じてください'],
  ),
  MULTILINE_IMPLICIT_KEY: advice(
    ['a key that runs over two lines', 'a key on one line', 'Correct the indentation'],
    ['2 行にわたるキーがあります', '1 行のキー', '字下げを直してください'],
  ),
}

function advice(en: [string, string, string], ja: [string, string, string]): Advice {
  return {
    en: { cannot: cannot.en, found: en[0], expected: en[1], next: en[2] },
    ja: { cannot: cannot.ja, found: ja[0], expected: ja[1], next: ja[2] },
  }
}

export function describeYamlError(code: string, message: string): Localized {
  const known = Object.hasOwn(adviceByCode, code) ? adviceByCode[code] : undefined
  if (known) return refuse(known.en, known.ja)
  const [line = ''] = message.split('\n')
  const found = line.slice(0, 160)
  return refuse(
    {
      cannot: cannot.en,
      found: `an error (${found})`,
      expected: 'YAML 1.2',
      next: 'Correct the line, or put the value in quotes',
    },
    {
      cannot: cannot.ja,
      found: `誤り (${found}) があります`,
      expected: 'YAML 1.2',
      next: '行を直すか、値を引用符で囲んでください',
    },
  )
}
