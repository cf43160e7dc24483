/** A Flag document as data: what the flag store needs to create or change the flag. */
import type { Place } from './compiled-plan.ts'
import type { PlanDocument } from './plan-documents.ts'
import { readDurationMs, readShare } from './quantity.ts'
import type { PlainData } from './yaml-node.ts'
import { dataOf, entriesOf, getText, getValue, textOf, textsOf } from './yaml-node.ts'

export interface FlagDocument {
  readonly name: string
  readonly title: string | null
  readonly description: string | null
  readonly owner: string | null
  readonly type: 'release' | 'ops' | 'experiment' | 'permission'
  /** Without variants a flag is true or false. */
  readonly variants: Readonly<Record<string, PlainData>>
  readonly defaultVariant: string
  /** Shares of variants, 0 … 1, that make up 1; null when the flag allocates nobody by itself. */
  readonly allocation: Readonly<Record<string, number>> | null
  /** Who is always in: attribute -> values. */
  readonly include: Readonly<Record<string, readonly string[]>>
  readonly segments: readonly string[]
  readonly removeAfterMs: number | null
  /** Clients outside the server may read it. */
  readonly isForClients: boolean
  readonly place: Place
}

export function readFlagDocuments(documents: readonly PlanDocument[]): readonly FlagDocument[] {
  return documents.filter(({ kind }) => kind === 'Flag').map(readFlagDocument)
}

function readFlagDocument({ name, root }: PlanDocument): FlagDocument {
  const written = entriesOf(getValue(root, 'variants')).map(({ key, value }) => [key, dataOf(value)] as const)
  const variants: Readonly<Record<string, PlainData>> =
    written.length > 0 ? Object.fromEntries(written) : { on: true, off: false }
  const allocation = entriesOf(getValue(root, 'allocation')).map(
    ({ key, value }) => [key, readShare(textOf(value) ?? '') ?? 0] as const,
  )
  const type = getText(root, 'type')
  return {
    name,
    title: getText(root, 'title'),
    description: getText(root, 'description'),
    owner: getText(root, 'owner'),
    type: type === 'ops' || type === 'experiment' || type === 'permission' ? type : 'release',
    variants,
    // The first variant of an experiment is its control; a switch is off unless somebody turns it on.
    defaultVariant: getText(root, 'default') ?? (written.length > 0 ? (Object.keys(variants)[0] ?? 'off') : 'off'),
    allocation: allocation.length === 0 ? null : Object.fromEntries(allocation),
    include: Object.fromEntries(entriesOf(getValue(root, 'include')).map(({ key, value }) => [key, textsOf(value)])),
    segments: textsOf(getValue(root, 'segments')),
    removeAfterMs: readDurationMs(getText(root, 'removeAfter') ?? ''),
    isForClients: getText(root, 'client') === 'true',
    place: root.place,
  }
}
