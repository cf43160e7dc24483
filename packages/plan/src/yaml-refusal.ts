/** What YAML allows and a plan does not, each with what to write instead. */
import type { Localized } from './problem.ts'
import { quote, refuse } from './problem.ts'

/** The root has no path. */
function nameOf(path: string): string {
  return path === '' ? 'document' : quote(path)
}

export function describeAnchor(path: string, mark: string): Localized {
  return refuse(
    {
      cannot: `read ${nameOf(path)}`,
      found: `the YAML anchor or alias ${quote(mark)}`,
      expected: 'the value itself, because anchors are lost in diffs and messages',
      next: 'Write it out, move it to the plan level, or use: same as PHASE',
    },
    {
      cannot: `${nameOf(path)} を読めません`,
      found: `YAML のアンカーか別名 ${quote(mark)} があります`,
      expected: '差分やメッセージで失われない、値そのもの',
      next: '値を書くか、計画の段に移すか、same as PHASE を使ってください',
    },
  )
}

export function describeTag(path: string, tag: string): Localized {
  return refuse(
    {
      cannot: `read ${nameOf(path)}`,
      found: `the YAML tag ${quote(tag)}`,
      expected: 'a plain value',
      next: 'Delete the tag',
    },
    {
      cannot: `${nameOf(path)} を読めません`,
      found: `YAML のタグ ${quote(tag)} があります`,
      expected: 'ただの値',
      next: 'タグを削除してください',
    },
  )
}

/** A map key that is no text, or a name every JavaScript object already has. */
export function describeKey(path: string, key: string | null): Localized {
  const found =
    key === null
      ? { en: 'a key that is a list or a map', ja: 'リストか集まりであるキーがあります' }
      : { en: `the key ${quote(key)}`, ja: `キー ${quote(key)} があります` }
  return refuse(
    {
      cannot: `read ${nameOf(path)}`,
      found: found.en,
      expected: 'a key that is an ordinary name',
      next: 'Rename the key',
    },
    {
      cannot: `${nameOf(path)} を読めません`,
      found: found.ja,
      expected: 'ふつうの名前のキー',
      next: 'キーの名前を変えてください',
    },
  )
}

export function describeRoot(): Localized {
  return refuse(
    {
      cannot: 'read this document',
      found: 'no keys',
      expected: 'a map with "kind" and "name"',
      next: 'Begin it with kind: ReleasePlan',
    },
    {
      cannot: 'この文書を読めません',
      found: 'キーがありません',
      expected: '"kind" と "name" を持つ集まり',
      next: 'kind: ReleasePlan から始めてください',
    },
  )
}

export function describeDuplicateKey(path: string, key: string, firstLine: number): Localized {
  return refuse(
    {
      cannot: `read ${nameOf(path)}`,
      found: `the key ${quote(key)} a second time (first in line ${firstLine})`,
      expected: 'each key once',
      next: 'Join the two, or delete one',
    },
    {
      cannot: `${nameOf(path)} を読めません`,
      found: `${firstLine} 行目のキー ${quote(key)} がもう一度あります`,
      expected: 'キーごとに 1 回だけの記述',
      next: '1 つにまとめるか、片方を削除してください',
    },
  )
}

export function describeAmbiguousWord(path: string, word: string): Localized {
  const isNumber = word.includes('.')
  const meant = isNumber ? 'a number' : /^(on|yes)$/iu.test(word) ? 'true' : 'false'
  const instead = isNumber ? '' : `${meant}, or `
  return refuse(
    {
      cannot: `read ${nameOf(path)}`,
      found: `the word ${quote(word)}, which some YAML tools read as ${meant}`,
      expected: 'a value that every tool reads alike',
      next: `Write ${instead}"${word}" in quotes`,
    },
    {
      cannot: `${nameOf(path)} を読めません`,
      found: `YAML の道具によって ${isNumber ? '数' : meant} と読まれる語 ${quote(word)} があります`,
      expected: 'どの道具でも同じに読める値',
      next: isNumber
        ? `引用符で囲んで "${word}" と書いてください`
        : `${meant} と書くか、引用符で囲んで "${word}" と書いてください`,
    },
  )
}

export function describeTooMany(what: string, found: string, atMost: number): Localized {
  return refuse(
    { cannot: 'read all of it', found: `${found} ${what}`, expected: `at most ${atMost}`, next: 'Split it' },
    {
      cannot: 'すべては読めません',
      found: `${what} が ${found} あります`,
      expected: `${atMost} 以下`,
      next: '分けてください',
    },
  )
}

/** `warn: > 80%` begins a folded block in YAML. A level says which metric; any other key says where it stands. */
export function describeBlockMarker(path: string, key: string, written: string): Localized {
  const metric = /(?:^|\.)metrics\.([^.]+)\.(target|excellent|warn|critical)$/u.exec(path)?.[1]
  const marker = written.slice(0, 1)
  const en = metric === undefined ? `read ${nameOf(path)}` : `read level "${key}" of metric "${metric}"`
  const ja = metric === undefined ? `${nameOf(path)} を読めません` : `指標 "${metric}" の水準 "${key}" を読めません`
  const comparison = marker === '>'
  return refuse(
    {
      cannot: en,
      found: `the YAML block marker "${marker}"`,
      expected: comparison ? 'a comparison' : 'text',
      next: `Put it in quotes: ${key}: "${written}"`,
    },
    {
      cannot: ja,
      found: `YAML のブロック記号 "${marker}" があります`,
      expected: comparison ? '比較' : '文字列',
      next: `引用符で囲んでください: ${key}: "${written}"`,
    },
  )
}
