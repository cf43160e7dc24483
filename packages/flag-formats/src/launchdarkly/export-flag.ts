import { checkFlag, type FlagDefinition } from '@dankai/flags'
import { permitsOtherBuckets } from '../followed-flag.ts'
import { CannotFollow, endsItsClients, isInherited } from './cannot-follow.ts'
import { ClauseExport } from './export-clause.ts'
import { exportRules } from './export-rules.ts'
import type { LaunchDarklyFlag, LaunchDarklySegment } from './launchdarkly-flag.ts'

export type LaunchDarklyExport =
  | { readonly ok: true; readonly flag: LaunchDarklyFlag; readonly segments: readonly LaunchDarklySegment[] }
  | { readonly ok: false; readonly why: string }

/** A flag for clients that evaluate with LaunchDarkly's formula, but for its prerequisites, which need the others. */
export function exportFlag(flag: FlagDefinition): LaunchDarklyExport {
  const [problem] = checkFlag(flag)
  if (problem !== undefined) return { ok: false, why: problem.message }
  if (isInherited(flag.key)) return { ok: false, why: endsItsClients(flag.key) }
  const isOn = flag.on && !flag.killed
  const clauses = new ClauseExport(flag)
  try {
    const { rules, salt } = exportRules(flag, clauses, permitsOtherBuckets(flag, 'launchdarkly'))
    const last = rules.at(-1)
    const { rollout, variation } = last ?? {}
    return {
      ok: true,
      segments: [...clauses.segments.values()],
      flag: {
        ...headOf(flag),
        on: isOn,
        salt,
        rules: rules.slice(0, -1),
        fallthrough: rollout === undefined ? { variation: variation ?? 0 } : { rollout },
      },
    }
  } catch (error) {
    if (!(error instanceof CannotFollow)) throw error
    // Off it serves everybody the same, whatever its rules would say.
    if (!isOn) return { ok: true, segments: [], flag: { ...headOf(flag), on: false } }
    return { ok: false, why: error.message }
  }
}

/** What a server hands on to pages and apps (`clientSideOnly`); a definition does not say it, people do. */
export const launchDarklyClientSide = (
  isForClients: boolean,
): Pick<LaunchDarklyFlag, 'clientSide' | 'clientSideAvailability'> => ({
  clientSide: isForClients,
  clientSideAvailability: { usingMobileKey: isForClients, usingEnvironmentId: isForClients },
})

function headOf(flag: FlagDefinition): LaunchDarklyFlag {
  const names = Object.keys(flag.variants)
  const offVariation = names.indexOf(flag.offVariant)
  return {
    key: flag.key,
    version: flag.version,
    on: true,
    salt: '',
    variations: Object.values(flag.variants),
    offVariation,
    fallthrough: { variation: offVariation },
    targets: flag.targets.map(({ variant, keys }) => ({ variation: names.indexOf(variant), values: keys })),
    contextTargets: [],
    rules: [],
    prerequisites: [],
    ...launchDarklyClientSide(false),
    trackEvents: false,
    trackEventsFallthrough: false,
    debugEventsUntilDate: null,
    deleted: false,
  }
}
