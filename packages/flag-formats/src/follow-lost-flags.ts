/**
 * A flag that comes without some who have it there (switched off, without a strategy, or not at all) changes who meets
 * the prerequisites of others: fewer do, or more where they ask for its off variant. The first is named; the second
 * would show a change to people it was kept from, so that the flag that asks comes switched off.
 */
import type { FlagDefinition } from '@dankai/flags'
import type { FlagImport, NotCarried } from './flag-import.ts'

export function followLostFlags(
  imported: readonly FlagDefinition[],
  isLostItself: (key: string, flag: FlagDefinition | undefined) => boolean,
): FlagImport {
  const byKey = new Map(imported.map(flag => [flag.key, flag]))
  const lost = lostFlags(byKey, isLostItself)
  const notCarried: NotCarried[] = []
  const flags = imported.map(flag => {
    const asked = flag.on ? flag.prerequisites.filter(one => lost.has(one.flag)) : []
    let isForMore = false
    for (const { flag: key, variants } of asked) {
      const offVariant = byKey.get(key)?.offVariant
      const isMetByMore = offVariant !== undefined && variants.includes(offVariant)
      if (isMetByMore) isForMore = true
      const why = isMetByMore
        ? `whoever has "${key}" there but not here would meet this; the flag comes switched off`
        : `"${key}" comes without some who have it there, and they do not meet this here`
      notCarried.push({ flag: flag.key, what: `prerequisites.${key}`, why })
    }
    return isForMore ? { ...flag, on: false } : flag
  })
  return { flags, notCarried }
}

/** Those that are lost themselves, and those that ask for such. */
function lostFlags(
  byKey: ReadonlyMap<string, FlagDefinition>,
  isLostItself: (key: string, flag: FlagDefinition | undefined) => boolean,
): ReadonlySet<string> {
  const asked = [...byKey.values()].flatMap(flag => flag.prerequisites.map(one => one.flag))
  const lost = new Set([...byKey.keys(), ...asked].filter(key => isLostItself(key, byKey.get(key))))
  for (let size = -1; size !== lost.size; ) {
    size = lost.size
    for (const { key, prerequisites } of byKey.values())
      if (prerequisites.some(one => lost.has(one.flag))) lost.add(key)
  }
  return lost
}
