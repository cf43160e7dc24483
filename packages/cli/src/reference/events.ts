import { readFileSync } from 'node:fs'

/** Every event of the log with its fields, from the module that declares them. */
export function renderEvents(): string {
  const source = readFileSync(new URL('./event.ts', import.meta.resolve('@dankai/core')), 'utf8')
  const union = /export type EventBody =([\s\S]*?)\n\n/.exec(source)?.[1] ?? ''
  return [...union.matchAll(/\| (\w+)/g)].map(([, name = '']) => renderEvent(source, name)).join('\n\n')
}

function renderEvent(source: string, name: string): string {
  const declared = new RegExp(
    `(?:/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\n)?export interface ${name} \\{([\\s\\S]*?)\\n\\}`,
  ).exec(source)
  const [, comment = '', fieldLines = ''] = declared ?? []
  const body = `${fieldLines}\n`
  const fields = [
    ...body.matchAll(
      /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?readonly (\w+): ([\s\S]*?)\n(?=\s*(?:\/\*\*|readonly)|$)/g,
    ),
  ]
    .filter(([, , field]) => field !== 'type')
    .map(
      ([, note = '', field, type = '']) =>
        `| \`${field}\` | \`${type.trim().replaceAll('|', '\\|')}\` | ${text(note)} |`,
    )
  return [
    `## ${name}`,
    ...(comment === '' ? [] : ['', text(comment)]),
    ...(fields.length === 0 ? [] : ['', '| field | type | |', '|---|---|---|', ...fields]),
  ].join('\n')
}

const text = (comment: string): string =>
  comment
    .replace(/\s*\*?\s+/g, ' ')
    .trim()
    .replaceAll('|', '\\|')
