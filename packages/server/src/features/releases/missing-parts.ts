/**
 * What a plan needs and this server does not have, by name: asked before a release begins, because a step that turns
 * out to be impossible half-way is found by users.
 *
 * Steps whose `when` does not hold for the release's labels are not needed. Kinds of hands and steps are core's to
 * judge (`Supports`); here it is about names: runners, connections, channels, templates, sources.
 */
import type { Effect } from '@dankai/core'
import {
  type Connections,
  chooseHttpTarget,
  chooseRunner,
  chooseSql,
  chooseWebhook,
  populationOf,
  type Templates,
  wordsFor,
} from '@dankai/integrations'
import type { Action, CompiledPlan, Criterion, Step } from '@dankai/plan'
import type { Scope } from '@dankai/store'

/** Metrics from elsewhere need an integration that is not there yet. */
const liveSources = new Set(['dankai', 'people'])

export async function missingParts(
  plan: CompiledPlan,
  labels: readonly string[],
  scope: Scope,
  parts: { readonly connections: Connections; readonly templates: Templates },
): Promise<readonly string[]> {
  const missing = new Set<string>([...missingSources(plan), ...missingPopulations(plan), ...emptySegments(plan)])
  for (const step of stepsOf(plan, labels)) {
    const problem = await stepProblem(step, scope, parts)
    if (problem !== null) missing.add(`step "${step.name}": ${problem}`)
  }
  for (const problem of await messageProblems(plan, labels, scope, parts)) missing.add(problem)
  return [...missing].slice(0, 100)
}

function missingSources({ metrics }: CompiledPlan): readonly string[] {
  return Object.values(metrics)
    .filter(({ source }) => !liveSources.has(source))
    .map(
      ({ name, source }) =>
        `metric "${name}": found source "${source}", expected one that is live here (${[...liveSources].join(', ')})`,
    )
}

/** Quotas of a sample (`mix`) need to know what the segment consists of; leaving them out silently would be worse. */
function missingPopulations({ hands, phases }: CompiledPlan): readonly string[] {
  const mixed = phases.flatMap(({ exposure }) => exposure.cohorts.filter(({ mix }) => mix !== null))
  return hands
    .filter(({ kind, role }) => kind === 'flag' && role !== 'gate')
    .flatMap(hand =>
      mixed.filter(({ mix }) => populationOf(hand, mix ?? {}) === null).map(({ segment }) => ({ hand, segment })),
    )
    .map(
      ({ hand, segment }) =>
        `sample of "${segment}": found quotas and no population in hand "${hand.id}", expected the share of every value: flag: { name: …, population: { ATTRIBUTE: { VALUE: 30% } } }`,
    )
}

/** A flag knows attributes; a segment that is only words of the service would expose nobody, and nobody would notice. */
function emptySegments({ hands, phases, segments }: CompiledPlan): readonly string[] {
  if (!hands.some(({ kind, role }) => kind === 'flag' && role !== 'gate')) return []
  const named = phases.flatMap(({ exposure }) => exposure.cohorts.map(({ segment }) => segment))
  return named
    .filter(name => Object.keys(segments[name]?.include ?? {}).length === 0)
    .map(name => `segment "${name}": found no attributes in "include", expected some that a flag can match`)
}

async function stepProblem(
  { action, at }: Step,
  scope: Scope,
  { connections }: { readonly connections: Connections },
): Promise<string | null> {
  switch (action.verb) {
    case 'run': {
      const runner = chooseRunner(at, await connections.all(scope, 'run'))
      if ('problem' in runner) return runner.problem
      return problemIn(wordsFor(action.command, runner))
    }
    case 'sql':
      return problemIn(chooseSql(at, await connections.all(scope, 'sql')))
    case 'http':
      return problemIn(chooseHttpTarget(action.method, action.url, await connections.all(scope, 'http')))
    default:
      return null
  }
}

const problemIn = (result: object): string | null =>
  'problem' in result && typeof result.problem === 'string' ? result.problem : null

/** Every template and channel that steps, notices and alerts name. */
async function messageProblems(
  plan: CompiledPlan,
  labels: readonly string[],
  scope: Scope,
  { connections, templates }: { readonly connections: Connections; readonly templates: Templates },
): Promise<readonly string[]> {
  const steps = stepsOf(plan, labels).flatMap(({ action }) => (action.verb === 'notify' ? [action] : []))
  const notices = Object.values(plan.notices).flatMap(list => list ?? [])
  const channels = new Set([...steps, ...notices, ...plan.alerts].flatMap(({ to }) => to))
  const webhooks = await connections.all(scope, 'webhook')
  const unserved = [...channels]
    .map(channel => ({ channel, address: plan.channels[channel] ?? channel }))
    .filter(({ address }) => !isBuiltIn(address) && chooseWebhook(address, webhooks) === null)
    .map(
      ({ channel, address }) =>
        `channel "${channel}": found no connection of kind webhook that serves "${address}", expected one`,
    )
  const unknown: string[] = []
  for (const template of new Set([...steps, ...notices].map(({ template }) => template)))
    if ((await templates.find(scope, template)) === null)
      unknown.push(`template "${template}": found no document of kind Template with that name, expected one`)
  return [...unserved, ...unknown]
}

/** `log:NAME` is written to the server's own log. */
const isBuiltIn = (address: string): boolean => address.startsWith('log:')

/** All steps a release with these labels can come to, those inside others included. */
export function stepsOf(plan: CompiledPlan, labels: readonly string[]): readonly Step[] {
  const lists: readonly (readonly Step[])[] = [
    plan.before,
    plan.rollback,
    plan.followUp,
    ...Object.values(plan.runbooks),
    ...Object.values(plan.checks),
    ...plan.phases.flatMap(({ before, during, promoteWhen }) => [before, during, promoteWhen.flatMap(stepIn)]),
  ]
  return lists.flat().flatMap(step => withChildren(step, labels))
}

const stepIn = (criterion: Criterion): readonly Step[] => (criterion.kind === 'step' ? [criterion.step] : [])

function withChildren(step: Step, labels: readonly string[]): readonly Step[] {
  if (!step.when.every(({ label, present }) => labels.includes(label) === present)) return []
  return [step, ...childrenOf(step.action).flatMap(child => withChildren(child, labels))]
}

function childrenOf(action: Action): readonly Step[] {
  if (action.verb === 'checklist') return action.items
  return action.verb === 'do' ? action.steps : []
}

/** Effects that some runner here performs; the verbs of a plan that need none are always live. */
export const effectKinds: readonly Effect['kind'][] = ['run', 'sql', 'http', 'flags', 'notify', 'haltPlan']
