import type { JsonValue } from '@dankai/flags'

/** Names for variations, which have none in what clients read: `on` and `off`, texts by themselves, others by place. */
export function variantNames(variations: readonly JsonValue[]): readonly string[] {
  const taken = new Set<string>()
  return variations.map((value, index) => {
    const name = nameOf(value)
    const free = name === null || taken.has(name) ? `variation-${index}` : name
    taken.add(free)
    return free
  })
}

function nameOf(value: JsonValue): string | null {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  // Keys that read as whole numbers would not stay in their order, and the order of variations is told by number.
  return typeof value === 'string' && /^[A-Za-z][\w .-]{0,60}$/.test(value) ? value : null
}
