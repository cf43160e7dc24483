import type { flagFormats } from '@dankai/contract'
import {
  exportFlagd,
  exportLaunchDarkly,
  exportUnleash,
  type FlagImport,
  flagdSchema,
  importFlagd,
  importGrowthBook,
  importLaunchDarkly,
  importUnleash,
  launchDarklyClientSide,
} from '@dankai/flag-formats'
import { checkFlag, defineFlag, type FlagDefinition } from '@dankai/flags'
import { fieldsOf } from '../../http/fields.ts'

export type FlagFormat = (typeof flagFormats)[number]

export interface FlagExport {
  readonly data: unknown
  readonly leftOut: readonly { readonly flag: string; readonly why: string }[]
}

export const importers: Readonly<Record<FlagFormat, ((data: unknown) => FlagImport) | null>> = {
  dankai: importDankai,
  unleash: importUnleash,
  launchdarkly: importLaunchDarkly,
  flagd: importFlagd,
  growthbook: importGrowthBook,
}

/** null: flags are only read from that format. `forClients`: keys of those that browsers and apps may read. */
type Exporter = (flags: readonly FlagDefinition[], forClients?: readonly string[]) => FlagExport

export const exporters: Readonly<Record<FlagFormat, Exporter | null>> = {
  dankai: (flags, forClients = []) => ({ data: { flags, forClients }, leftOut: [] }),
  unleash(flags) {
    const { features, segments, refused } = exportUnleash(flags)
    return { data: { version: 2, features, segments }, leftOut: refused }
  },
  launchdarkly(flags, forClients = []) {
    const exported = exportLaunchDarkly(flags)
    const all = [...exported.flags.values()]
    const isForClients = new Set(forClients)
    const segments = all.flatMap(one => one.segments.map(segment => [segment.key, segment] as const))
    const data = {
      flags: Object.fromEntries(
        all.map(({ flag }) => [flag.key, { ...flag, ...launchDarklyClientSide(isForClients.has(flag.key)) }]),
      ),
      segments: Object.fromEntries(segments),
    }
    return { data, leftOut: [...exported.refused].map(([flag, why]) => ({ flag, why })) }
  },
  flagd(flags) {
    const results = flags.map(flag => ({ key: flag.key, result: exportFlagd(flag) }))
    const written = results.flatMap(({ key, result }) => (result.ok ? [[key, result.value] as const] : []))
    return {
      data: { $schema: flagdSchema, flags: Object.fromEntries(written) },
      leftOut: results.flatMap(({ key, result }) => (result.ok ? [] : [{ flag: key, why: result.why }])),
    }
  },
  growthbook: null,
}

/** `{ "flags": [ … ], "forClients": [ KEY, … ] }`, as `dankai flags export --format dankai` writes it. */
function importDankai(data: unknown): FlagImport {
  const { flags, forClients } = fieldsOf(data)
  if (!Array.isArray(flags))
    return { flags: [], notCarried: [{ flag: '', what: '', why: 'found no list "flags", expected one' }] }
  const read = flags.map(readDankai)
  return {
    flags: read.flatMap(({ flag }) => (flag === null ? [] : [flag])),
    notCarried: read.flatMap(({ key, problem }) => (problem === null ? [] : [{ flag: key, what: '', why: problem }])),
    ...(Array.isArray(forClients) ? { forClients } : {}),
  }
}

function readDankai(given: unknown, index: number) {
  const fields: Partial<FlagDefinition> = fieldsOf(given)
  const key = typeof fields.key === 'string' ? fields.key : `flags[${index}]`
  const flag = defineFlag({ ...fields, key, version: 0 })
  const [problem] = checkFlag(flag)
  return problem === undefined ? { key, flag, problem: null } : { key, flag: null, problem: problem.message }
}
