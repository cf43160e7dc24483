/** Phases: each with its cumulative exposure, its gates, and the criteria of plan, strategy and phase together. */
import type { AlertRule, Criterion, Phase, Rule } from '../compiled-plan.ts'
import { refuse } from '../problem.ts'
import { readDurationMs } from '../quantity.ts'
import type { MapNode, YamlNode } from '../yaml-node.ts'
import { getText, getValue, textOf, textsOf } from '../yaml-node.ts'
import type { EarlierPhase } from './compile-exposure.ts'
import { compileExposure } from './compile-exposure.ts'
import { compileAlert, compileRule } from './compile-rule.ts'
import type { StepUse } from './compile-step.ts'
import { compileStep, compileSteps, flagSetWords } from './compile-step.ts'
import type { ListedPart } from './plan-parts.ts'
import { readIfNotMet } from './policy-text.ts'
import { compileCondition } from './resolve-condition.ts'
import { expandItems } from './same-as.ts'
import type { PlanScope } from './scope.ts'
import { checkName, findDocument } from './scope.ts'

export interface CompiledPhases {
  readonly phases: readonly Phase[]
  readonly rules: readonly Rule[]
  readonly alerts: readonly AlertRule[]
}

/** `shared` are the criteria of plan and strategy, which hold in every phase. */
export function compilePhases(
  nodes: readonly YamlNode[],
  shared: readonly ListedPart[],
  scope: PlanScope,
): CompiledPhases {
  const phases: Phase[] = []
  const rules: Rule[] = []
  const alerts: AlertRule[] = []
  const maps = nodes.filter(node => node.kind === 'map')
  checkPhaseNames(maps, scope)
  for (const [index, node] of maps.entries()) {
    const name = getText(node, 'name') ?? String(index)
    const id = `phases.${name}`
    const items = (key: string) => expandItems(maps, index, key, scope)
    phases.push(compilePhase(node, index, phases.at(-1), items, shared, maps.length - 1 === index, scope))
    rules.push(
      ...items('rollbackWhen').flatMap((item, at) => compileRule(item, `${id}.rollbackWhen.${at}`, index, scope) ?? []),
    )
    alerts.push(...items('alerts').flatMap((item, at) => compileAlert(item, `${id}.alerts.${at}`, index, scope) ?? []))
  }
  return { phases, rules, alerts }
}

function compilePhase(
  node: MapNode,
  index: number,
  previous: Phase | undefined,
  items: (key: string) => readonly YamlNode[],
  shared: readonly ListedPart[],
  isLast: boolean,
  scope: PlanScope,
): Phase {
  const name = getText(node, 'name') ?? String(index)
  const id = `phases.${name}`
  const gate: StepUse = { onFail: 'stop', phaseName: name }
  const earlier: EarlierPhase | null = previous
    ? { name: previous.name, exposeText: previous.exposeText, exposure: previous.exposure }
    : null
  return {
    index,
    name,
    title: getText(node, 'title'),
    exposure: compileExposure(node, earlier, scope),
    exposeText: getText(node, 'expose') ?? '',
    holdMs: compileHold(node, isLast, scope),
    before: compileSteps(items('before'), `${id}.before`, gate, scope),
    during: compileSteps(items('during'), `${id}.during`, { ...gate, isDuring: true }, scope),
    promoteWhen: [
      ...compileSharedCriteria(shared, id, scope),
      ...items('promoteWhen').flatMap(
        (item, at) => compileCriterion(item, `${id}.promoteWhen.${at}`, gate, scope) ?? [],
      ),
    ],
    flags: compileFlagSetName(node, scope),
    experiments: textsOf(getValue(node, 'experiments')).filter(flag =>
      findDocument(scope, 'Flag', flag, getValue(node, 'experiments') ?? node),
    ),
    show: compileShow(node, scope),
    ifNotMet: compileIfNotMet(node, scope),
  }
}

/** The same criterion is another one in each phase: a person's word for one phase does not count for the next. */
function compileSharedCriteria(shared: readonly ListedPart[], phaseId: string, scope: PlanScope): readonly Criterion[] {
  const counts = { plan: 0, strategy: 0 }
  return shared.flatMap(({ node, origin }) => {
    const id = `${phaseId}.promoteWhen.${origin}.${counts[origin]++}`
    return compileCriterion(node, id, { onFail: 'stop' }, scope) ?? []
  })
}

function compileCriterion(node: YamlNode, id: string, use: StepUse, scope: PlanScope): Criterion | null {
  const text = textOf(node)
  if (text === null) {
    const step = compileStep(node, id, use, scope)
    return step && { kind: 'step', id, step }
  }
  const condition = compileCondition(text, { place: node.place, path: node.path, id, use: 'criterion' }, scope)
  return condition && { kind: 'condition', id, condition }
}

function compileHold(node: MapNode, isLast: boolean, scope: PlanScope): number | null {
  const hold = getText(node, 'hold')
  if (hold !== 'open') return readDurationMs(hold ?? '') ?? 0
  if (!isLast) {
    const name = getText(node, 'name') ?? ''
    const en = {
      cannot: `hold phase "${name}" open`,
      found: 'phases after it',
      expected: 'open in the last phase only',
      next: 'Write how long it holds, for example hold: 7d',
    }
    const ja = {
      cannot: `段階 "${name}" を open にできません`,
      found: '後に続く段階があります',
      expected: '最後の段階だけを open にすること',
      next: 'hold: 7d のように時間を書いてください',
    }
    scope.log.add('hold-open', getValue(node, 'hold') ?? node, refuse(en, ja))
  }
  return null
}

function compileFlagSetName(node: MapNode, scope: PlanScope): string | null {
  const value = getValue(node, 'flags')
  const name = textOf(value)
  if (value === null || name === null) return null
  return checkName(scope, 'unknown-flag-set', flagSetWords, name, scope.flagSets, value) ? name : null
}

function compileShow(node: MapNode, scope: PlanScope): readonly string[] {
  const value = getValue(node, 'show')
  if (value === null) return []
  const words = { en: 'metric', ja: '指標' }
  return textsOf(value).filter(name => checkName(scope, 'unknown-metric', words, name, scope.metrics, value))
}

function compileIfNotMet(node: MapNode, scope: PlanScope): Phase['ifNotMet'] {
  const text = getText(node, 'ifNotMet')
  const policy = readIfNotMet(text)
  if (policy) return policy
  const at = getValue(node, 'ifNotMet') ?? node
  const en = {
    cannot: `accept ifNotMet in ${at.path}`,
    found: `"${text}" without "otherwise"`,
    expected: 'the answer to silence',
    next: `Write ${text} otherwise rollback, or ${text} otherwise continue`,
  }
  const ja = {
    cannot: `${at.path} は受け付けられません`,
    found: `"otherwise" のない "${text}" があります`,
    expected: '返事がないときの扱い',
    next: `${text} otherwise rollback か ${text} otherwise continue と書いてください`,
  }
  scope.log.add('otherwise', at, refuse(en, ja))
  return { kind: 'wait' }
}

/** Scenarios speak of `start` and of phases by name, so the names must tell them apart. */
function checkPhaseNames(phases: readonly MapNode[], scope: PlanScope): void {
  const seen = new Set<string>()
  for (const phase of phases) {
    const name = getText(phase, 'name')
    const at = getValue(phase, 'name') ?? phase
    if (name === null) continue
    if (name === 'start') {
      const en = {
        cannot: 'name a phase "start"',
        found: 'the word for the start of a release',
        expected: 'another name',
        next: 'Rename the phase',
      }
      const ja = {
        cannot: '段階を "start" と名付けられません',
        found: 'リリースの開始を表す語があります',
        expected: '別の名前',
        next: '段階の名前を変えてください',
      }
      scope.log.add('reserved-name', at, refuse(en, ja))
    }
    if (seen.has(name)) {
      const en = {
        cannot: `name a second phase "${name}"`,
        found: 'the name twice',
        expected: 'each name once',
        next: 'Rename one of them',
      }
      const ja = {
        cannot: `2 つ目の段階を "${name}" と名付けられません`,
        found: '同じ名前が 2 つあります',
        expected: '1 つずつの名前',
        next: 'どちらかの名前を変えてください',
      }
      scope.log.add('duplicate-name', at, refuse(en, ja))
    }
    seen.add(name)
  }
}
