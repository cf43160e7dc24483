import type { PlanDocument } from '../plan-documents.ts'
import type { ProblemLog } from '../problem.ts'
import { quote, refuse } from '../problem.ts'
import { printShare, readShare } from '../quantity.ts'
import { entriesOf, getText, getValue, textOf, textsOf } from '../yaml-node.ts'
import type { DocumentIndex } from './scope.ts'
import { reportUnknown } from './scope.ts'

export function checkFlag({ root }: PlanDocument, documents: DocumentIndex, log: ProblemLog): void {
  const written = entriesOf(getValue(root, 'variants')).map(({ key }) => key)
  const variants = new Set(written.length > 0 ? written : ['on', 'off'])
  const words = { en: 'variant', ja: '種類' }
  const allocation = getValue(root, 'allocation')
  for (const { key, keyPlace, value } of entriesOf(allocation)) {
    if (!variants.has(key))
      reportUnknown(log, 'unknown-variant', words, key, variants, { place: keyPlace, path: value.path })
  }
  const byDefault = getText(root, 'default')
  if (byDefault !== null && !variants.has(byDefault)) {
    reportUnknown(log, 'unknown-variant', words, byDefault, variants, getValue(root, 'default') ?? root)
  }
  const segments = getValue(root, 'segments')
  const known = documents.get('Segment')
  for (const name of textsOf(segments)) {
    if (!known?.has(name))
      reportUnknown(
        log,
        'unknown-segment',
        { en: 'segment', ja: '利用者の組' },
        name,
        known?.keys() ?? [],
        segments ?? root,
      )
  }
  checkSum({ root, log })
}

function checkSum({ root, log }: { root: PlanDocument['root']; log: ProblemLog }): void {
  const allocation = getValue(root, 'allocation')
  const shares = entriesOf(allocation).map(({ value }) => readShare(textOf(value) ?? '') ?? 0)
  const sum = Math.round(shares.reduce((total, share) => total + share, 0) * 1e10) / 1e10
  if (allocation === null || shares.length === 0 || sum === 1) return
  const en = {
    cannot: `allocate flag ${quote(getText(root, 'name') ?? '')}`,
    found: `a sum of ${printShare(sum)}`,
    expected: '100%',
    next: 'Correct the shares',
  }
  const ja = {
    cannot: `フラグ ${quote(getText(root, 'name') ?? '')} を割り当てられません`,
    found: `合計 ${printShare(sum)} があります`,
    expected: '100%',
    next: '割合を直してください',
  }
  log.add('allocation', allocation, refuse(en, ja))
}
