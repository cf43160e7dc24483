/** A message in ja and en, as a Template document of the plan's repository gives it. */
export interface MessageTemplate {
  readonly name: string
  readonly ja: MessageText | null
  readonly en: MessageText | null
}

export interface MessageText {
  readonly title: string | null
  readonly body: string
}

/** Where notices find their templates. */
export interface Templates {
  find(scope: { readonly project: string; readonly environment: string }, name: string): Promise<MessageTemplate | null>
}

export type Locale = 'ja' | 'en'

/** A template that has only the other language is better than no message. */
export function renderTemplate(
  template: MessageTemplate,
  locale: Locale,
  values: Readonly<Record<string, string>>,
): MessageText | null {
  const text = locale === 'ja' ? (template.ja ?? template.en) : (template.en ?? template.ja)
  if (text === null) return null
  return { title: text.title === null ? null : fill(text.title, values), body: fill(text.body, values) }
}

/** A name without a value stays as written: a reader sees what is missing, and the message still goes out. */
function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{\{\s*([A-Za-z_][A-Za-z0-9_.]*)\s*\}\}/g, (written, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? written) : written,
  )
}
