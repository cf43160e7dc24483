/**
 * What is wrong with a plan as a whole although each part of it can be read. All of these refuse the plan.
 */

import { checkStrategies } from '../compile/choose-strategy.ts'
import type { PlanCompilation } from '../compile/compile-plan.ts'
import { getSingle } from '../compile/plan-parts.ts'
import type { CompiledPlan } from '../compiled-plan.ts'
import type { Localized, ProblemLog } from '../problem.ts'
import { quote, refuse } from '../problem.ts'
import type { YamlNode } from '../yaml-node.ts'
import { getText, getValue } from '../yaml-node.ts'
import { comparesWithBaseline } from './conditions.ts'
import { checkHands } from './lint-hands.ts'
import { checkRules } from './lint-rules.ts'

export function lintPlan(compilation: PlanCompilation, settings: { readonly canShowSafety: boolean }): void {
  const { log } = compilation.scope
  checkStrategies(compilation.parts.root, log)
  checkEvidence(compilation, settings.canShowSafety)
  checkHands(compilation)
  checkNeeds(compilation)
  checkRules(compilation)
}

function baselineCriteria(plan: CompiledPlan): readonly string[] {
  const conditions = plan.phases.flatMap(phase =>
    phase.promoteWhen.flatMap(criterion => (criterion.kind === 'condition' ? [criterion.condition] : [])),
  )
  return [...new Set(conditions.filter(comparesWithBaseline).map(({ text }) => text))]
}

/** A policy that cannot be met would hold the release for ever, so it is refused before anybody waits for it. */
function checkEvidence({ plan, parts, scope }: PlanCompilation, canShowSafety: boolean): void {
  const [first] = baselineCriteria(plan)
  if (canShowSafety || plan.evidence.kind !== 'shownSafe' || first === undefined) return
  const written = getSingle(parts, 'evidence')
  const strategyNode = parts.strategy === null ? null : getValue(getValue(parts.root, 'strategies'), parts.strategy)
  scope.log.add('evidence', written ?? strategyNode ?? parts.root, describeEvidence(first, written !== null))
}

function describeEvidence(condition: string, isWritten: boolean): Localized {
  const found = isWritten
    ? { en: '"shown safe"', ja: '"shown safe" があります' }
    : { en: 'no evidence policy, which means "shown safe"', ja: 'evidence がなく "shown safe" の意味になります' }
  return refuse(
    {
      cannot: `compare ${quote(condition)} with the baseline`,
      found: found.en,
      expected: 'a policy that is available: "shown safe" is not available until sequential tests exist',
      next: 'Write evidence: not harmful with 100 samples',
    },
    {
      cannot: `${quote(condition)} を baseline と比べられません`,
      found: found.ja,
      expected: '使える方針 ("shown safe" は逐次検定ができるまで使えません)',
      next: 'evidence: not harmful with 100 samples と書いてください',
    },
  )
}

/** Two plans that need each other would both wait for ever. */
function checkNeeds({ plan, scope, parts }: PlanCompilation): void {
  const plans = scope.documents.get('ReleasePlan') ?? new Map()
  const needsOf = (root: YamlNode | undefined) => (root ? findNeeds(root) : [])
  const visited = new Set<string>()
  const visit = (name: string, path: readonly string[]): readonly string[] | null => {
    for (const need of needsOf(plans.get(name)?.root)) {
      if (need === plan.name) return [...path, need]
      if (visited.has(need)) continue
      visited.add(need)
      const loop = visit(need, [...path, need])
      if (loop) return loop
    }
    return null
  }
  const loop = visit(plan.name, [plan.name])
  if (loop) reportCircle(loop, parts.root, scope.log)
}

/** The plans that steps anywhere in the document need. */
function findNeeds(node: YamlNode): readonly string[] {
  if (node.kind === 'text') return []
  if (node.kind === 'list') return node.items.flatMap(findNeeds)
  const own = getText(node, 'needs')
  const inside = [...node.entries.values()].flatMap(({ value }) => findNeeds(value))
  return own === null ? inside : [own, ...inside]
}

function reportCircle(loop: readonly string[], at: YamlNode, log: ProblemLog): void {
  const shown = loop.join(' → ')
  const en = {
    cannot: `need plan "${loop[1] ?? ''}" in plan "${loop[0] ?? ''}"`,
    found: `plans that wait for each other (${shown})`,
    expected: 'no circle',
    next: 'Take one of the needs out',
  }
  const ja = {
    cannot: `計画 "${loop[0] ?? ''}" から計画 "${loop[1] ?? ''}" を待てません`,
    found: `互いに待つ計画 (${shown}) があります`,
    expected: '循環のない形',
    next: 'needs をどれか 1 つ外してください',
  }
  log.add('cycle', at, refuse(en, ja))
}
