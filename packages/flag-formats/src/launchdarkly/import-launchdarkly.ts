import type { FlagDefinition } from '@dankai/flags'
import type { FlagImport, NotCarried } from '../flag-import.ts'
import { followLostFlags } from '../follow-lost-flags.ts'
import { fieldsOf, isFields } from '../given-json.ts'
import { flagProblem } from '../sound-part.ts'
import { FlagImporter, type GivenFlag, type GivenSegments } from './import-flag.ts'

/** What `/sdk/latest-all` answers (or the first event of `/all`, its `data`), as our flags. Never throws. */
export function importLaunchDarkly(given: unknown): FlagImport {
  const data = isFields(given) && isFields(given['data']) ? given['data'] : given
  if (!isFields(data) || !isFields(data['flags']))
    return {
      flags: [],
      notCarried: [{ flag: '', what: '', why: 'found no "flags", expected the answer of /sdk/latest-all' }],
    }
  const flags = data['flags'] as Readonly<Record<string, GivenFlag>>
  const segments = fieldsOf(data['segments']) as GivenSegments
  const imported: FlagDefinition[] = []
  const notCarried: NotCarried[] = []
  for (const [key, flag] of Object.entries(flags)) {
    const one = importFlag(key, flag, flags, segments)
    notCarried.push(...one.notCarried)
    imported.push(...one.flags)
  }
  const followed = followLostFlags(
    imported,
    (key, flag) => Object.hasOwn(flags, key) && isOnThere(flags[key]) && flag?.on !== true,
  )
  const forClients = Object.keys(flags).filter(key => isForClients(flags[key]))
  return { flags: followed.flags, notCarried: [...notCarried, ...followed.notCarried], forClients }
}

/** `clientSide` is what older exports say. */
function isForClients(given: unknown): boolean {
  if (!isFields(given)) return false
  const { clientSide, clientSideAvailability } = given
  const found = isFields(clientSideAvailability) ? clientSideAvailability : { usingEnvironmentId: clientSide }
  return found['usingEnvironmentId'] === true || found['usingMobileKey'] === true
}

const isOnThere = (given: unknown): boolean => isFields(given) && given['on'] === true && given['deleted'] !== true

function importFlag(
  key: string,
  given: GivenFlag,
  others: Readonly<Record<string, GivenFlag>>,
  segments: GivenSegments,
): FlagImport {
  const not = (why: string): FlagImport => ({ flags: [], notCarried: [{ flag: key, what: '', why }] })
  if (isFields(given) && given.deleted === true) return not('it is deleted there')
  if (!isFields(given) || !Array.isArray(given.variations)) return not('found no variations, expected a flag')
  const importer = new FlagImporter(key, given, segments)
  try {
    const flag = importer.import(others)
    const problem = flagProblem(flag)
    return problem === null ? { flags: [flag], notCarried: importer.notCarried } : not(problem)
  } catch (error) {
    // The export may have any shape; what reads like no flag is named as such.
    if (error instanceof TypeError) return not(`it reads like no flag of LaunchDarkly (${error.message})`)
    throw error
  }
}
