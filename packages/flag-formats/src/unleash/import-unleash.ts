/**
 * The body of `GET /api/client/features`, as our flags. Never throws.
 *
 * 1. Each strategy becomes a rule, in its order; the last one, when it is for everybody, becomes the exposure, which a
 *    release can move.
 * 2. A strategy that cannot be carried over whole is left out whole and named: fewer users are in, never more.
 */
import type { FlagDefinition } from '@dankai/flags'
import type { FlagImport, NotCarried } from '../flag-import.ts'
import { followLostFlags } from '../follow-lost-flags.ts'
import { type Fields, isFields, listOf, textOf } from '../given-json.ts'
import { flagProblem } from '../sound-part.ts'
import { importFeature, leftOut } from './import-feature.ts'

export function importUnleash(given: unknown): FlagImport {
  if (!isFields(given) || !Array.isArray(given['features']))
    return {
      flags: [],
      notCarried: [{ flag: '', what: '', why: 'found no "features", expected the body of GET /api/client/features' }],
    }
  const flags: FlagDefinition[] = []
  const notCarried: NotCarried[] = []
  const byName = new Map<string, Fields>()
  for (const [index, feature] of given['features'].entries()) {
    const what = `features[${index}]`
    const name = isFields(feature) ? textOf(feature['name']) : null
    if (name === null) notCarried.push({ flag: '', what, why: 'found something without a name, expected a feature' })
    else if (byName.has(name))
      notCarried.push({ flag: name, what, why: 'the name is there already; the first is kept' })
    else byName.set(name, feature)
  }
  const segments = new Map(
    listOf(given['segments'])
      .filter(isFields)
      .map(segment => [segment['id'], segment]),
  )
  const fewer = new Set<string>()
  for (const [name, feature] of byName) {
    const note = (what: string, why: string): number => {
      if (why.endsWith(leftOut)) fewer.add(name)
      return notCarried.push({ flag: name, what, why })
    }
    const flag = importFeature(name, feature, { features: byName, segments }, note)
    const problem = flagProblem(flag)
    if (problem === null) flags.push(flag)
    else note('', problem)
  }
  const followed = followLostFlags(flags, (key, flag) => fewer.has(key) || (flag === undefined && byName.has(key)))
  return { flags: followed.flags, notCarried: [...notCarried, ...followed.notCarried] }
}
