/** The names a plan may use while it is compiled, and where what is wrong with them goes. */
import type { FlagSet, MetricUnit } from '../compiled-plan.ts'
import { suggestName } from '../did-you-mean.ts'
import type { PlanDocument } from '../plan-documents.ts'
import type { Localized, Located, ProblemLog } from '../problem.ts'
import { quote, refuse } from '../problem.ts'

/** What a condition needs to know about a metric. */
export interface MetricHead {
  readonly unit: MetricUnit
  readonly better: 'lower' | 'higher'
  readonly measure: string
}

export interface PlanScope {
  readonly log: ProblemLog
  readonly metrics: ReadonlyMap<string, MetricHead>
  readonly signals: ReadonlySet<string>
  readonly checks: ReadonlySet<string>
  readonly flagSets: ReadonlyMap<string, FlagSet>
  readonly runbooks: ReadonlySet<string>
  readonly channels: ReadonlySet<string>
  readonly labels: ReadonlySet<string>
  readonly documents: DocumentIndex
  /** Null when the caller does not know the roles there are. */
  readonly roles: ReadonlySet<string> | null
  /** Every role the plan names, with the first place of each. */
  readonly usedRoles: Map<string, { readonly at: Located; count: number }>
  /** Expanding checklists inside checklists could multiply; this bounds the whole plan. */
  readonly budget: { steps: number; conditions: number }
}

export const stepsAtMost = 2_000
/** Rules are compared with one another, so their number counts twice. */
export const conditionsAtMost = 1_000

export type DocumentIndex = ReadonlyMap<string, ReadonlyMap<string, PlanDocument>>

export function indexDocuments(documents: readonly PlanDocument[]): DocumentIndex {
  const index = new Map<string, Map<string, PlanDocument>>()
  for (const document of documents) {
    const ofKind = index.get(document.kind) ?? new Map<string, PlanDocument>()
    // The first one counts; a second of the same name is a problem of its own.
    if (!ofKind.has(document.name)) ofKind.set(document.name, document)
    index.set(document.kind, ofKind)
  }
  return index
}

/** The document of that kind and name; reports when there is none. */
export function findDocument(scope: PlanScope, kind: string, name: string, at: Located): PlanDocument | null {
  const ofKind = scope.documents.get(kind) ?? new Map<string, PlanDocument>()
  const found = ofKind.get(name)
  if (found) return found
  const what = documentWords[kind] ?? { en: kind, ja: kind }
  reportUnknown(scope.log, `unknown-${kind.toLowerCase()}`, what, name, ofKind.keys(), at)
  return null
}

const documentWords: Readonly<Record<string, Localized>> = {
  ReleasePlan: { en: 'plan', ja: '計画' },
  Checklist: { en: 'checklist', ja: 'チェックリスト' },
  Segment: { en: 'segment', ja: '利用者の組' },
  Flag: { en: 'flag', ja: 'フラグ' },
  Calendar: { en: 'calendar', ja: '暦' },
  Escalation: { en: 'escalation', ja: '連絡の段階' },
  Template: { en: 'template', ja: 'テンプレート' },
}

export function reportUnknown(
  log: ProblemLog,
  code: string,
  what: Localized,
  name: string,
  known: Iterable<string>,
  at: Located,
): void {
  const next = suggestName(name, known, what)
  log.add(
    code,
    at,
    refuse(
      {
        cannot: `use ${what.en} ${quote(name)} in ${at.path}`,
        found: 'no such name',
        expected: `the name of a ${what.en}`,
        next: next.en,
      },
      {
        cannot: `${at.path} で${what.ja} ${quote(name)} を使えません`,
        found: 'その名前はありません',
        expected: `${what.ja}の名前`,
        next: next.ja,
      },
    ),
  )
}

export function checkName(
  scope: PlanScope,
  code: string,
  what: Localized,
  name: string,
  known: ReadonlySet<string> | ReadonlyMap<string, unknown>,
  at: Located,
): boolean {
  if (known.has(name)) return true
  reportUnknown(scope.log, code, what, name, known.keys(), at)
  return false
}

/** Recipients that are not addresses: the reader of the notice is found when it is sent. */
export const audiences: ReadonlySet<string> = new Set(['affected users', 'in-app'])

export function checkRecipients(scope: PlanScope, names: readonly string[], at: Located): readonly string[] {
  const known = new Set([...scope.channels, ...audiences])
  return names.filter(name => checkName(scope, 'unknown-channel', { en: 'channel', ja: 'チャンネル' }, name, known, at))
}

export function noteRole(scope: PlanScope, role: string, at: Located): string {
  const used = scope.usedRoles.get(role)
  if (used) used.count++
  else scope.usedRoles.set(role, { at, count: 1 })
  if (scope.roles) checkName(scope, 'unknown-role', { en: 'role', ja: '役割' }, role, scope.roles, at)
  return role
}
