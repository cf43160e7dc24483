/**
 * Names of attributes here, and where LaunchDarkly's clients find them.
 *
 * A name with dots is here the attribute of that whole name, or a path. `custom.x` is, besides, the attribute `x`
 * itself: contexts of LaunchDarkly carry what used to be `custom` beside the key (see `read-context.ts`).
 */
export interface AttributeReference {
  readonly attribute: string
  /** Makes the attribute a reference; left out it is a literal name. */
  readonly contextKind?: 'user'
}

/** Every place where the attribute may stand; any one suffices. */
export function referencesTo(attribute: string): readonly AttributeReference[] {
  if (attribute === 'targetingKey') return [{ attribute: 'key' }]
  if (!attribute.includes('.')) return [{ attribute }]
  const [first, ...rest] = attribute.split('.')
  const path = pathReference(attribute)
  return first === 'custom' ? [referenceTo(rest.join('.')), path] : [{ attribute }, path]
}

/** The one place to read a bucket from. */
export function referenceTo(attribute: string): AttributeReference {
  if (attribute === 'targetingKey') return { attribute: 'key' }
  if (attribute.startsWith('custom.')) return referenceTo(attribute.slice('custom.'.length))
  return attribute.includes('.') ? pathReference(attribute) : { attribute }
}

/** As a reference whatever the name, for where `contextKind` is always given. */
export function escapedReference({ attribute, contextKind }: AttributeReference): string {
  return contextKind === undefined && /[/~]/.test(attribute) ? `/${escapeComponent(attribute)}` : attribute
}

/** The name here of what a clause reads; null when a path has a step that cannot be written with dots. */
export function attributeOf(attribute: string, contextKind: string | undefined): string | null {
  const isReference = contextKind !== undefined && attribute.startsWith('/')
  const steps = isReference ? attribute.slice(1).split('/').map(unescapeComponent) : [attribute]
  if (steps.some(step => step === '')) return null
  if (steps.length > 1 && steps.some(step => step.includes('.'))) return null
  const name = steps.join('.')
  return name === 'key' ? 'targetingKey' : name
}

const pathReference = (attribute: string): AttributeReference => ({
  attribute: `/${attribute.split('.').map(escapeComponent).join('/')}`,
  contextKind: 'user',
})

const escapeComponent = (step: string): string => step.replaceAll('~', '~0').replaceAll('/', '~1')

const unescapeComponent = (step: string): string => step.replaceAll('~1', '/').replaceAll('~0', '~')
