import { alertTemplate } from '@dankai/core'
import type { MessageTemplate, MessageText, Templates } from '@dankai/integrations'
import { type PlanDocument, parsePlanDocuments } from '@dankai/plan'
import type { DocumentStore } from '@dankai/store'

/** Alerts need no template of the plan. */
const builtIn: Readonly<Record<string, MessageTemplate>> = {
  [alertTemplate]: {
    name: alertTemplate,
    ja: {
      title: '[{{ severity }}] {{ title }} {{ version }}',
      body: '{{ reason }}（フェーズ {{ phase }}、公開 {{ exposure }}）',
    },
    en: {
      title: '[{{ severity }}] {{ title }} {{ version }}',
      body: '{{ reason }} (phase {{ phase }}, exposure {{ exposure }})',
    },
  },
}

/** Template documents as they are applied now. */
export function createStoredTemplates(documents: DocumentStore): Templates {
  return {
    async find(scope, name) {
      const document = await documents.get(scope, 'Template', name)
      if (document === null) return builtIn[name] ?? null
      const parsed = parsePlanDocuments([{ path: `applied/Template/${name}.yaml`, text: document.text }])
      const root = parsed.documents[0]?.root
      return root === undefined ? null : { name, ja: textIn(root, 'ja'), en: textIn(root, 'en') }
    },
  }
}

function textIn(root: PlanDocument['root'], language: 'ja' | 'en'): MessageText | null {
  const value = root.entries.get(language)?.value
  if (value?.kind === 'text') return { title: null, body: value.text }
  if (value?.kind !== 'map') return null
  const scalar = (key: string): string | null => {
    const found = value.entries.get(key)?.value
    return found?.kind === 'text' ? found.text : null
  }
  const body = scalar('body') ?? scalar('text')
  return body === null ? null : { title: scalar('title') ?? scalar('subject'), body }
}
