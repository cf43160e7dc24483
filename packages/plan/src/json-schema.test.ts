import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import { checkPlan } from './check-plan.ts'
import { documentKinds, isDocumentKind } from './language/documents.ts'
import type { JsonSchema } from './language/json-schema.ts'
import { jsonSchema } from './language/json-schema.ts'
import { draftFiles, parseText, writePlan } from './testing/plan-texts.ts'

/** The keywords our schemas use, of JSON Schema 2020-12; an unknown keyword fails, so that none is ignored. */
function findMismatch(schema: JsonSchema, data: unknown, root: JsonSchema, path = '$'): string | null {
  for (const [keyword, value] of Object.entries(schema)) {
    const found = checkKeyword(keyword, value, schema, data, root, path)
    if (found !== null) return found
  }
  return null
}

const annotations = new Set(['$schema', '$id', '$defs', '$comment', 'title', 'description', 'examples'])

function checkKeyword(
  keyword: string,
  value: unknown,
  schema: JsonSchema,
  data: unknown,
  root: JsonSchema,
  path: string,
): string | null {
  const isObject = typeof data === 'object' && data !== null && !Array.isArray(data)
  const entries = isObject ? Object.entries(data) : []
  const fits = (part: unknown, item: unknown) => findMismatch(part as JsonSchema, item, root, path) === null
  const first = (found: readonly (string | null)[]) => found.find(mismatch => mismatch !== null) ?? null
  const refuse = (isWrong: boolean) => (isWrong ? `${path}: ${keyword}` : null)
  if (annotations.has(keyword)) return null
  switch (keyword) {
    case '$ref': {
      const definitions = root['$defs'] as Record<string, JsonSchema>
      const target = definitions[String(value).replace('#/$defs/', '')]
      return target ? findMismatch(target, data, root, path) : `${path}: no definition ${value}`
    }
    case 'type':
      return refuse(
        ![value].flat().includes(typeOf(data)) && !([value].flat().includes('number') && typeOf(data) === 'integer'),
      )
    case 'enum':
      return refuse(!(value as unknown[]).includes(data))
    case 'pattern':
      return refuse(typeof data === 'string' && !new RegExp(String(value), 'u').test(data))
    case 'minimum':
      return refuse(typeof data === 'number' && data < Number(value))
    case 'maximum':
      return refuse(typeof data === 'number' && data > Number(value))
    case 'required':
      return refuse(isObject && (value as string[]).some(name => !Object.hasOwn(data, name)))
    case 'maxItems':
      return refuse(Array.isArray(data) && data.length > Number(value))
    case 'maxProperties':
      return refuse(entries.length > Number(value))
    case 'items':
      return Array.isArray(data)
        ? first(data.map((item, index) => findMismatch(value as JsonSchema, item, root, `${path}[${index}]`)))
        : null
    case 'properties':
      return first(
        entries.map(([name, item]) => {
          const part = (value as Record<string, JsonSchema>)[name]
          return part ? findMismatch(part, item, root, `${path}.${name}`) : null
        }),
      )
    case 'patternProperties':
      return first(
        entries.flatMap(([name, item]) =>
          Object.entries(value as Record<string, JsonSchema>).flatMap(([form, part]) =>
            new RegExp(form, 'u').test(name) ? [findMismatch(part, item, root, `${path}.${name}`)] : [],
          ),
        ),
      )
    case 'additionalProperties': {
      const known = Object.keys((schema['properties'] as object | undefined) ?? {})
      const forms = Object.keys((schema['patternProperties'] as object | undefined) ?? {})
      const others = entries.filter(
        ([name]) => !known.includes(name) && !forms.some(form => new RegExp(form, 'u').test(name)),
      )
      if (value === false) return others.length > 0 ? `${path}: additional "${others[0]?.[0]}"` : null
      return first(others.map(([name, item]) => findMismatch(value as JsonSchema, item, root, `${path}.${name}`)))
    }
    case 'propertyNames':
      return refuse(entries.some(([name]) => !fits(value, name)))
    case 'not':
      return refuse(fits(value, data))
    case 'anyOf':
      return refuse(!(value as unknown[]).some(part => fits(part, data)))
    case 'oneOf':
      return refuse((value as unknown[]).filter(part => fits(part, data)).length !== 1)
    default:
      return `${path}: unknown keyword ${keyword}`
  }
}

function typeOf(data: unknown): string {
  if (data === null) return 'null'
  if (Array.isArray(data)) return 'array'
  if (typeof data === 'number') return Number.isInteger(data) ? 'integer' : 'number'
  return typeof data
}

const mismatchOf = (kind: string, data: unknown) =>
  isDocumentKind(kind) ? findMismatch(jsonSchema(kind), data, jsonSchema(kind)) : 'no such kind'

describe('the JSON Schema', () => {
  it('accepts every document of the five plans as an editor reads them', () => {
    for (const { path, text } of draftFiles) {
      const documents = parseAllDocuments(text)
      for (const document of Array.isArray(documents) ? documents : []) {
        const data = document.toJS() as { kind: string; name?: string }
        assert.equal(mismatchOf(data.kind, data), null, `${path}: ${data.kind} ${data.name}`)
      }
    }
  })

  it('refuses what the checks refuse for its shape', () => {
    const good = writePlan()
    const table: readonly (readonly [string, RegExp])[] = [
      [good.replace('phases:', 'phasse:'), /additional "phasse"/],
      [good.replace('hold: 10m', 'hold: ten'), /phases/],
      [good.replace('expose: 50%', 'expose: 50 percent'), /phases/],
      [good.replace('{ count: restarts }', '{ count: restarts, last: x }'), /metrics\.restarts: oneOf/],
      [good.replace('{ count: restarts }', '{ title: x }'), /metrics\.restarts: oneOf/],
      [good.replace('run: npm run smoke', 'run: npm run smoke, confirm: x'), /checks/],
      [good.replace('name: sample', 'name: "two words"'), /name: pattern/],
      [good.replace('better: higher', 'better: bigger'), /better: enum/],
      [good.replace('exposure:', 'exposuer:'), /additional/],
    ]
    assert.equal(mismatchOf('ReleasePlan', parse(good)), null)
    for (const [text, mismatch] of table) {
      assert.match(mismatchOf('ReleasePlan', parse(text)) ?? 'none', mismatch)
      assert.ok(!checkPlan(parseText(text)).ok, text)
    }
  })

  it('describes every key of every kind in both languages', () => {
    for (const kind of Object.keys(documentKinds).filter(isDocumentKind)) {
      const [en, ja] = [jsonSchema(kind, 'en'), jsonSchema(kind, 'ja')]
      assert.equal(en['$schema'], 'https://json-schema.org/draft/2020-12/schema')
      for (const schema of [en, ja]) {
        for (const [name, definition] of Object.entries(schema['$defs'] as Record<string, JsonSchema>)) {
          const properties = (definition['properties'] ?? {}) as Record<string, JsonSchema>
          for (const [key, property] of Object.entries(properties))
            assert.ok(property['description'], `${kind} ${name}.${key}`)
        }
      }
      assert.notDeepEqual(en['$defs'], ja['$defs'])
      assert.deepEqual(JSON.parse(JSON.stringify(en)), en)
    }
  })
})
