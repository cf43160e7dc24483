/** A Service document as data. */
import type { Place } from './compiled-plan.ts'
import type { PlanDocument } from './plan-documents.ts'
import { timeUnitMs } from './quantity.ts'
import { getText, getValue, textsOf } from './yaml-node.ts'

export interface ServiceDocument {
  readonly name: string
  readonly title: string | null
  readonly requestsPerSecond: number | null
  readonly tracks: readonly string[]
  readonly place: Place
}

export function readServiceDocuments(documents: readonly PlanDocument[]): readonly ServiceDocument[] {
  return documents.filter(({ kind }) => kind === 'Service').map(readServiceDocument)
}

export function readServiceDocument({ name, root }: PlanDocument): ServiceDocument {
  const [requests, unit = 's'] = (getText(root, 'traffic') ?? '').split('/')
  const tracks = textsOf(getValue(root, 'tracks'))
  return {
    name,
    title: getText(root, 'title'),
    requestsPerSecond:
      requests === '' || requests === undefined ? null : (Number(requests) * 1000) / (timeUnitMs(unit) ?? 1000),
    tracks: tracks.length === 0 ? ['stable', 'canary'] : tracks,
    place: root.place,
  }
}
