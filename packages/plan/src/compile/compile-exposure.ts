/**
 * Exposure is cumulative: whoever a phase has, every later phase has too. So each target is the union of the phase's own
 * words and all targets before it, and a phase whose own words are smaller is refused.
 */
import type { Cohort, Exposure } from '../compiled-plan.ts'
import type { Localized } from '../problem.ts'
import { refuse } from '../problem.ts'
import { printShare, readShare } from '../quantity.ts'
import type { MapNode, YamlNode } from '../yaml-node.ts'
import { entriesOf, getText, getValue, textOf } from '../yaml-node.ts'
import type { PlanScope } from './scope.ts'
import { findDocument } from './scope.ts'

export const nobody: Exposure = { share: 0, cohorts: [], shadow: false }

export interface EarlierPhase {
  readonly name: string
  readonly exposeText: string
  readonly exposure: Exposure
}

export function compileExposure(phase: MapNode, earlier: EarlierPhase | null, scope: PlanScope): Exposure {
  const value = getValue(phase, 'expose')
  const text = textOf(value)
  const before = earlier?.exposure ?? nobody
  if (value === null || text === null) return before
  const own = readExposure(text, phase, value, scope)
  const lowered = earlier === null ? null : describeLowering(own, earlier, phase, text)
  if (lowered) scope.log.add('phase-order', phase, lowered)
  return joinExposure(before, own)
}

function readExposure(text: string, phase: MapNode, at: YamlNode, scope: PlanScope): Exposure {
  if (text === 'shadow') return { ...nobody, shadow: true }
  const share = readShare(text)
  if (share !== null) {
    if (getValue(phase, 'mix')) refuseMix(phase, scope)
    return { ...nobody, share }
  }
  const [, part, name = text] = /^(\S+%) of (\S+)$/u.exec(text) ?? []
  // A percentage that is none was refused for its shape.
  if (name.includes('%')) return nobody
  const segment = findDocument(scope, 'Segment', name, at)
  if (segment === null) return nobody
  const cohort: Cohort = {
    segment: name,
    share: readShare(part ?? '100%') ?? 1,
    mix: readMix(getValue(phase, 'mix'), scope),
  }
  return { ...nobody, cohorts: [cohort] }
}

function refuseMix(phase: MapNode, scope: PlanScope): void {
  const en = {
    cannot: `use "mix" in ${phase.path}`,
    found: 'it without a segment',
    expected: 'a sample of a segment',
    next: 'Write expose: 15% of SEGMENT',
  }
  const ja = {
    cannot: `${phase.path} で "mix" を使えません`,
    found: '利用者の組のない mix があります',
    expected: '組からの標本',
    next: 'expose: 15% of SEGMENT と書いてください',
  }
  scope.log.add('mix', getValue(phase, 'mix') ?? phase, refuse(en, ja))
}

/** Quotas of one attribute are shares of one sample, so they make up the whole of it. */
function readMix(node: YamlNode | null, scope: PlanScope): Cohort['mix'] {
  if (node === null) return null
  return Object.fromEntries(
    entriesOf(node).map(({ key, value }) => {
      const quotas = entriesOf(value).map(entry => [entry.key, readShare(textOf(entry.value) ?? '') ?? 0] as const)
      const sum = quotas.reduce((total, [, share]) => total + share, 0)
      if (quotas.length > 0 && Math.abs(sum - 1) > 1e-9)
        reportSum(value, printShare(Math.round(sum * 1e10) / 1e10), scope)
      return [key, Object.fromEntries(quotas)]
    }),
  )
}

function reportSum(at: YamlNode, sum: string, scope: PlanScope): void {
  const en = {
    cannot: `read quotas in ${at.path}`,
    found: `a sum of ${sum}`,
    expected: '100%',
    next: 'Correct the shares',
  }
  const ja = {
    cannot: `${at.path} の割り当てを読めません`,
    found: `合計 ${sum} があります`,
    expected: '100%',
    next: '割合を直してください',
  }
  scope.log.add('mix', at, refuse(en, ja))
}

function joinExposure(before: Exposure, own: Exposure): Exposure {
  const cohorts = new Map(before.cohorts.map(cohort => [cohort.segment, cohort]))
  for (const cohort of own.cohorts) {
    const known = cohorts.get(cohort.segment)
    if (!known || known.share <= cohort.share) cohorts.set(cohort.segment, cohort)
  }
  return { share: Math.max(before.share, own.share), cohorts: [...cohorts.values()], shadow: own.shadow }
}

/** Message 7. */
function describeLowering(own: Exposure, earlier: EarlierPhase, phase: MapNode, text: string): Localized | null {
  const before = earlier.exposure
  const [cohort] = own.cohorts
  const sameSegment = cohort && before.cohorts.find(known => known.segment === cohort.segment)
  const isSmallerSample = sameSegment !== undefined && cohort !== undefined && cohort.share < sameSegment.share
  const isSmallerShare = own.cohorts.length === 0 && own.share < before.share
  const isShadowAfterReal = own.shadow && (before.share > 0 || before.cohorts.length > 0)
  const hidesCohort = own.cohorts.length === 0 && own.share === 0 && !own.shadow && before.cohorts.length > 0
  if (!isSmallerSample && !isSmallerShare && !isShadowAfterReal && !hidesCohort) return null
  const least = isSmallerSample
    ? `${printShare(sameSegment.share)} of ${sameSegment.segment}`
    : printShare(before.share)
  const name = getText(phase, 'name') ?? ''
  return refuse(
    {
      cannot: `order phase "${name}"`,
      found: `expose ${text} after phase "${earlier.name}" with ${earlier.exposeText}`,
      expected: `${least} or more`,
      next: 'Raise it; going down is what rollback is for',
    },
    {
      cannot: `段階 "${name}" の順序が成り立ちません`,
      found: `${earlier.exposeText} の段階 "${earlier.name}" の後に expose ${text} があります`,
      expected: `${least} 以上`,
      next: '値を上げてください。下げるのはロールバックの役目です',
    },
  )
}
