/** A Template document as data, with the placeholders it uses: whoever sends it must be able to fill each. */
import type { Place } from './compiled-plan.ts'
import type { PlanDocument } from './plan-documents.ts'
import type { YamlNode } from './yaml-node.ts'
import { getText, getValue, textOf } from './yaml-node.ts'

export interface TemplateDocument {
  readonly name: string
  readonly channel: string | null
  readonly priority: string | null
  readonly ja: TemplateText | null
  readonly en: TemplateText | null
  /** Names between {{ and }}, each once, in the order they first appear. */
  readonly placeholders: readonly string[]
  readonly place: Place
}

export interface TemplateText {
  readonly title: string | null
  readonly body: string
}

export function readTemplateDocuments(documents: readonly PlanDocument[]): readonly TemplateDocument[] {
  return documents.filter(({ kind }) => kind === 'Template').map(readTemplateDocument)
}

function readTemplateDocument({ name, root }: PlanDocument): TemplateDocument {
  const ja = readText(getValue(root, 'ja'))
  const en = readText(getValue(root, 'en'))
  const all = [ja, en].map(text => `${text?.title ?? ''} ${text?.body ?? ''}`).join(' ')
  return {
    name,
    channel: getText(root, 'channel'),
    priority: getText(root, 'priority'),
    ja,
    en,
    placeholders: [...new Set([...all.matchAll(placeholderForm)].map(match => match[1] ?? ''))],
    place: root.place,
  }
}

export const placeholderForm = /\{\{ ([A-Za-z][A-Za-z0-9_.]{0,63}) \}\}/gu

/** Text alone is a body. */
function readText(node: YamlNode | null): TemplateText | null {
  const body = textOf(node) ?? getText(node, 'body')
  return body === null ? null : { title: getText(node, 'title'), body }
}
