import { documentKinds } from '@dankai/plan'

type Declaration = (typeof documentKinds)[keyof typeof documentKinds]
type KeyDeclaration = Declaration['keys'][string]
type Shape = KeyDeclaration['shape']

/** Every kind of document, then every part that stands in them, each once: the very tables the checks use. */
export function renderPlanLanguage(): string {
  const kinds = Object.values(documentKinds)
  const sections = new Map<string, Declaration>()
  for (const kind of kinds) gather(kind, sections)
  const parts = [...sections.values()].filter(section => !kinds.includes(section))
  return ['## Documents', ...kinds.map(renderSection), '## Parts', ...parts.map(renderSection)].join('\n\n')
}

function gather(declaration: Declaration, sections: Map<string, Declaration>): void {
  if (sections.has(declaration.name)) return
  sections.set(declaration.name, declaration)
  for (const key of keysOf(declaration)) gatherShape(key.shape, sections)
}

function gatherShape(shape: Shape, sections: Map<string, Declaration>): void {
  if (shape.type === 'map') gather(shape.declaration(), sections)
  if (shape.type === 'list' || shape.type === 'named') gatherShape(shape.of, sections)
  if (shape.type === 'either') for (const option of shape.of) gatherShape(option.shape, sections)
}

const keysOf = ({ keys, formKeys }: Declaration): readonly KeyDeclaration[] => [
  ...Object.values(keys),
  ...(formKeys === undefined ? [] : [formKeys.key]),
]

function renderSection(declaration: Declaration): string {
  const { name, description, keys, exactlyOne, formKeys, unknownKeys } = declaration
  const rows = Object.entries(keys).map(([key, value]) => renderRow(key, value))
  const formRows = formKeys === undefined ? [] : [renderRow(`${formKeys.shownAs} …`, formKeys.key)]
  const shown = description.en.charAt(0).toUpperCase() + description.en.slice(1)
  const rules = [
    ...(exactlyOne === undefined
      ? []
      : [
          `Exactly one ${exactlyOne.what.en}: ${exactlyOne.keys.map(code).join(' ')}${formKeys === undefined ? '' : ` or ${code(formKeys.shownAs)} and the like`}.`,
        ]),
    ...(unknownKeys !== undefined ? ['More keys may stand here, as the text above says.'] : []),
  ]
  return [
    `### ${name}`,
    '',
    [`${shown}.`, ...rules].join(' '),
    '',
    '| key | value | meaning |',
    '|---|---|---|',
    ...rows,
    ...formRows,
  ].join('\n')
}

function renderRow(key: string, { shape, description, isRequired, default: byDefault }: KeyDeclaration): string {
  const traits = isRequired ? ' **Required.**' : byDefault === null ? '' : ` Default: ${code(byDefault)}.`
  return `| ${code(key)} | ${cell(describeShape(shape))} | ${cell(description.en)}.${traits} |`
}

function describeShape(shape: Shape): string {
  switch (shape.type) {
    case 'text':
      return describeText(shape.format)
    case 'map':
      return `[${shape.declaration().name}](#${shape.declaration().name.toLowerCase()})`
    case 'data':
      return 'any value'
    case 'named':
      return `name → ${describeShape(shape.of)}`
    case 'either':
      return shape.of.map(option => describeShape(option.shape)).join(' or ')
    case 'list':
      return shape.orOne ? `${describeShape(shape.of)}, or a list` : `list of ${describeShape(shape.of)}`
  }
}

function describeText({ expected, example, choices, pattern }: Extract<Shape, { type: 'text' }>['format']): string {
  if (choices !== undefined) return choices.map(code).join(' ')
  return pattern === undefined && !expected.en.includes('condition') && !expected.en.includes('comparison')
    ? expected.en
    : `${expected.en}: ${code(example)}`
}

const code = (text: string): string => `\`${text}\``
const cell = (text: string): string => text.replaceAll('|', '\\|')
