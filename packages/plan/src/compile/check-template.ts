import type { PlanDocument } from '../plan-documents.ts'
import type { ProblemLog } from '../problem.ts'
import { quote, refuse } from '../problem.ts'
import { placeholderForm } from '../template-document.ts'
import { getValue, textOf } from '../yaml-node.ts'

export function checkTemplate({ name, root }: PlanDocument, log: ProblemLog): void {
  const languages = ['ja', 'en'].flatMap(key => getValue(root, key) ?? [])
  if (languages.length === 0) {
    const en = {
      cannot: `read template ${quote(name)}`,
      found: 'neither "ja" nor "en"',
      expected: 'one of them',
      next: 'Add ja: { body: … }',
    }
    const ja = {
      cannot: `テンプレート ${quote(name)} を読めません`,
      found: '"ja" も "en" もありません',
      expected: 'どちらか',
      next: 'ja: { body: … } を加えてください',
    }
    log.add('template', root, refuse(en, ja))
  }
  for (const node of languages.flatMap(language => [
    language,
    getValue(language, 'title'),
    getValue(language, 'body'),
  ])) {
    const rest = (textOf(node) ?? '').replace(placeholderForm, '')
    const stray = /\{\{.{0,40}|.{0,40}\}\}/u.exec(rest)?.[0]
    if (node === null || stray === undefined) continue
    const en = {
      cannot: `read ${quote(node.path)} of template ${quote(name)}`,
      found: quote(stray),
      expected: 'placeholders such as {{ version }}',
      next: 'Correct the placeholder',
    }
    const ja = {
      cannot: `テンプレート ${quote(name)} の ${quote(node.path)} を読めません`,
      found: `${quote(stray)} があります`,
      expected: '{{ version }} のような差し込み',
      next: '差し込みを直してください',
    }
    log.add('template', node, refuse(en, ja))
  }
}
