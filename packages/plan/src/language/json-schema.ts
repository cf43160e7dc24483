/**
 * JSON Schema 2020-12 for editors, generated from the same declarations the checks use. An editor's YAML reader types
 * its scalars, so a value that the language reads as text may be a number or a boolean here.
 */
import type { Language } from '../problem.ts'
import type { DocumentKind } from './documents.ts'
import { documentKinds } from './documents.ts'
import type { Declaration, KeyDeclaration, Shape, TextFormat } from './shape.ts'

export interface JsonSchema {
  readonly [key: string]: unknown
}

export function jsonSchema(kind: DocumentKind, language: Language = 'en'): JsonSchema {
  const writer = createWriter(language)
  const root = writer.reference(documentKinds[kind])
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `https://dankai.dev/schema/${kind}.json`,
    title: kind,
    ...root,
    $defs: writer.definitions(),
  }
}

interface SchemaWriter {
  reference(declaration: Declaration): JsonSchema
  definitions(): JsonSchema
}

function createWriter(language: Language): SchemaWriter {
  const definitions = new Map<string, JsonSchema>()
  const writer: SchemaWriter = {
    reference(declaration) {
      if (!definitions.has(declaration.name)) {
        // Held first, so that a step inside a step finds itself.
        definitions.set(declaration.name, {})
        definitions.set(declaration.name, describeDeclaration(declaration, language, writer))
      }
      return { $ref: `#/$defs/${declaration.name}` }
    },
    definitions: () => Object.fromEntries(definitions),
  }
  return writer
}

function describeDeclaration(declaration: Declaration, language: Language, writer: SchemaWriter): JsonSchema {
  const { exactlyOne, formKeys } = declaration
  const required = Object.entries(declaration.keys).filter(([, { isRequired }]) => isRequired)
  return {
    type: 'object',
    description: declaration.description[language],
    properties: Object.fromEntries(
      Object.entries(declaration.keys).map(([name, key]) => [name, describeKey(key, language, writer)]),
    ),
    ...(formKeys ? { patternProperties: { [formKeys.form]: describeKey(formKeys.key, language, writer) } } : {}),
    ...(required.length > 0 ? { required: required.map(([name]) => name) } : {}),
    ...(exactlyOne ? { oneOf: describeExactlyOne(exactlyOne.keys, formKeys?.form) } : {}),
    ...(declaration.unknownKeys === undefined ? { additionalProperties: false } : {}),
  }
}

/** A key that follows a form cannot be "required", so it is a map that has one property of that form. */
function describeExactlyOne(keys: readonly string[], form: string | undefined): readonly JsonSchema[] {
  const listed = keys.map(key => ({ required: [key] }))
  if (form === undefined) return listed
  const anyOfForm = { not: { propertyNames: { not: { pattern: form } } } }
  return [...listed, anyOfForm]
}

function describeKey(key: KeyDeclaration, language: Language, writer: SchemaWriter): JsonSchema {
  const described = key.default === null ? {} : { $comment: `default: ${key.default}` }
  return { description: key.description[language], ...described, ...describeShape(key.shape, language, writer) }
}

function describeShape(shape: Shape, language: Language, writer: SchemaWriter): JsonSchema {
  switch (shape.type) {
    case 'text':
      return describeText(shape.format)
    case 'map':
      return writer.reference(shape.declaration())
    case 'data':
      return {}
    case 'either':
      return { anyOf: shape.of.map(option => describeShape(option.shape, language, writer)) }
    case 'named':
      return {
        type: 'object',
        propertyNames: describePattern(shape.names),
        additionalProperties: describeShape(shape.of, language, writer),
        maxProperties: shape.atMost,
      }
    case 'list': {
      const items = describeShape(shape.of, language, writer)
      const list = { type: 'array', items, maxItems: shape.atMost }
      return shape.orOne ? { anyOf: [items, list] } : list
    }
  }
}

function describePattern(format: TextFormat): JsonSchema {
  return format.pattern === undefined ? {} : { pattern: format.pattern }
}

function describeText(format: TextFormat): JsonSchema {
  if (format.choices) return { enum: format.choices }
  if (format.json === 'boolean') return { type: 'boolean' }
  if (format.json === 'integer') return { type: 'integer', minimum: format.minimum, maximum: format.maximum }
  const type = format.json === 'scalar' ? ['string', 'number', 'boolean'] : 'string'
  return { type, ...describePattern(format), examples: [format.example] }
}
