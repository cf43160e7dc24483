import { type DocumentKind, documentKinds, jsonSchema } from '@dankai/plan'
import { misused } from '../command-end.ts'
import { type Context, print } from '../context.ts'

/** `dankai schema KIND`: from the same tables the checks use. */
export function printSchema(context: Context, kind: string): void {
  if (!isKind(kind)) throw unknownKind(kind)
  const schema = jsonSchema(kind, context.language)
  print(context, schema, () => JSON.stringify(schema, null, 2).split('\n'))
}

const isKind = (kind: string): kind is DocumentKind => Object.hasOwn(documentKinds, kind)

function unknownKind(kind: string): Error {
  const known = Object.keys(documentKinds).join(', ')
  return misused(
    {
      cannot: `print the schema of "${kind}"`,
      found: 'no such kind',
      expected: `one of ${known}`,
      next: 'Give one of them.',
    },
    {
      cannot: `"${kind}" のスキーマを出力できません`,
      found: 'その種類はありません',
      expected: `${known} のどれか`,
      next: 'どれかを指定してください。',
    },
  )
}
