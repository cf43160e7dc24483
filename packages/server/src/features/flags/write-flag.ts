/**
 * Every change of a flag by somebody who says which version he saw goes through here; `change-flag.ts` has the others.
 *
 * 1. Whoever did not see the newest version is told what others changed since, and what they were about to change.
 * 2. A flag that a live release moves is changed by breaking the glass only, with a reason.
 * 3. A change is on the streams and in the audit log before it is answered.
 * 4. What would change nothing is not written: it would be news to every client, and cancel what others have planned.
 */
import { isDeepStrictEqual } from 'node:util'
import type { setFlagCareSchema } from '@dankai/contract'
import { checkFlag, completeFlag, type FlagDefinition } from '@dankai/flags'
import { completeCare, type FlagCare, type Scope, type StoredFlag } from '@dankai/store'
import type { z } from 'zod'
import type { Application } from '../../application.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { differenceOf } from './flag-difference.ts'
import { requireOrdinaryNames } from './ordinary-names.ts'
import { requireNoCircle } from './prerequisite-refusals.ts'

export interface FlagChangeRequest {
  readonly definition: FlagDefinition
  /** Absent: as it is. */
  readonly care?: FlagCare
  readonly expectedVersion: number
  readonly breakGlass: boolean
  readonly why: string | null
  readonly by: string
  /** For the audit log, as people say it. */
  readonly action?: string
}

const momentNames: ReadonlySet<string> = new Set(['experimentEndedAt', 'reviewedAt'])

/** Names under which the API has something else. */
const reservedKeys = new Set(['stale', 'import', 'export'])

export function requireSound(definition: FlagDefinition): void {
  if (reservedKeys.has(definition.key))
    throw new HttpProblem(
      'invalid',
      `Cannot name a flag "${definition.key}": found a word of the API, expected another. Choose another key.`,
    )
  const problems = checkFlag(definition)
  if (problems.length > 0)
    throw new HttpProblem('invalid', problems[0]?.message ?? '', { errors: problems.slice(0, 100) })
  requireOrdinaryNames(`flag "${definition.key}"`, definition)
  for (const [name, value] of Object.entries(definition.variants)) requireKept(definition.key, name, value)
}

/** JSON text may say 1e999; read, that is infinite, and stored it would be null. */
function requireKept(key: string, name: string, value: unknown): void {
  if (isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value)) return
  throw new HttpProblem(
    'invalid',
    `Cannot accept flag "${key}": variants.${name}: found a number too large to keep, expected numbers within 1.7e308.`,
  )
}

export async function writeFlag(app: Application, scope: Scope, change: FlagChangeRequest): Promise<StoredFlag> {
  const { definition, expectedVersion, breakGlass, why, by, care, action = 'set flag' } = change
  requireReason(definition.key, breakGlass, why)
  requireSound(definition)
  await requireNoCircle(app, scope, definition)
  const present = await app.store.flags.get(scope, definition.key)
  if (present !== null && changesNothing(present, change)) return present
  const write = { ...scope, definition, expectedVersion, by, why, breakGlass }
  const result = await app.store.flags.put(care === undefined ? write : { ...write, care })
  if (!result.ok) throw await refusalOf(app, scope, definition, expectedVersion, result)
  const said = breakGlass && result.flag.heldBy !== null ? 'break glass over flag' : action
  const detail = { version: result.flag.version, heldBy: result.flag.heldBy }
  const entry = { ...scope, by, action: said, subject: definition.key, why, detail }
  await Promise.all([app.environments.refresh(scope), app.store.audit.append(entry)])
  return result.flag
}

function changesNothing({ version, definition, care, heldBy }: StoredFlag, change: FlagChangeRequest): boolean {
  if (heldBy !== null || version !== change.expectedVersion) return false
  const wanted = { ...change.definition, version }
  return (
    isDeepStrictEqual(wanted, completeFlag(definition)) &&
    (change.care === undefined || isDeepStrictEqual(change.care, care))
  )
}

export function careWith(present: FlagCare | null, given: z.infer<typeof setFlagCareSchema>, now: number): FlagCare {
  const fields = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value === 'now' && momentNames.has(name) ? now : value]],
  )
  return { ...(present ?? completeCare(null)), ...Object.fromEntries(fields) }
}

export function requireReason(key: string, breakGlass: boolean, why: string | null): void {
  if (breakGlass && why === null)
    throw new HttpProblem(
      'invalid',
      `Cannot break the glass over flag "${key}": found no reason, expected one in "why".`,
    )
}

type Refused = Exclude<Awaited<ReturnType<Application['store']['flags']['put']>>, { ok: true }>

export async function refusalOf(
  app: Application,
  scope: Scope,
  wanted: FlagDefinition | { readonly key: string },
  seen: number,
  result: Refused,
): Promise<HttpProblem> {
  const { key } = wanted
  if (result.code === 'held')
    return new HttpProblem(
      'claimed',
      `Cannot change flag "${key}": found it moved by live release ${result.releaseId}, expected it free. Act on the release, or send breakGlass and why.`,
      { release: result.releaseId },
    )
  const { present } = result
  if (present === null)
    return new HttpProblem(
      'conflict',
      `Cannot change flag "${key}": found no such flag, expected the version you named.`,
      { present: null },
    )
  const found = (await app.store.flags.versionOf(scope, key, seen))?.definition ?? null
  const before = found === null ? null : completeFlag(found)
  const now = completeFlag(present.definition)
  const { by, at } = (await app.store.flags.versionOf(scope, key, present.version)) ?? { by: null, at: null }
  const theirs = differenceOf(before, now)
  // Who saw no version, or one that is no longer kept, is told what would become of the present one.
  const yours = 'variants' in wanted ? differenceOf(before ?? now, wanted) : []
  return new HttpProblem(
    'conflict',
    `Cannot change flag "${key}": found version ${present.version}${by === null ? '' : ` by ${by}`}, expected the one you saw. Read it again and name version ${present.version} (--seen, or If-Match).`,
    {
      present: { flag: now, claimedBy: present.heldBy, care: present.care },
      difference: { seen, present: present.version, by, at, theirs, yours },
    },
    { etag: `"${present.version}"` },
  )
}

export const unknownFlag = ({ project, environment }: Scope, key: string): HttpProblem =>
  new HttpProblem(
    'not-found',
    `Cannot find flag "${key}": found no such flag in environment "${environment}" of project "${project}".`,
  )

/** In today's words, whatever program stored it. */
export async function readFlag(app: Application, scope: Scope, key: string): Promise<StoredFlag> {
  const flag = await app.store.flags.get(scope, key)
  if (flag === null) throw unknownFlag(scope, key)
  return { ...flag, definition: completeFlag(flag.definition) }
}

/** Without If-Match the flag must not exist yet. */
export function versionOf(header: string | undefined): number {
  if (header === undefined) return 0
  const version = /^(?:W\/)?"?(\d{1,15})"?$/.exec(header.trim())?.[1]
  if (version === undefined)
    throw new HttpProblem('malformed', `Cannot read If-Match ${header.slice(0, 40)}: expected a version such as "12".`)
  return Number(version)
}
