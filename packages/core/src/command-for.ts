import type { Action, CompiledPlan, Exposure, FlagSet, Step } from '@dankai/plan'
import type { Command, Effect } from './command.ts'
import { levelOf } from './exposure.ts'
import type { ReleaseState } from './state.ts'

/**
 * Time-outs and attempts by effect. A command line or an SQL change may have happened although no answer came, so it is
 * `ask`: one attempt, then a person. Reading, absolute values and keyed requests may be repeated.
 */
const callTimeoutMs = { run: 600_000, sql: 60_000, http: 10_000, flags: 5_000, notify: 10_000, haltPlan: 5_000 }
const notifyAttempts = 5
const repeatableAttempts = 3

/** The command a step puts into the journal; null for steps the engine settles itself. */
export function commandFor(
  plan: CompiledPlan,
  state: ReleaseState,
  step: Step,
  run: number,
  expiresAt: number | null,
): Command | null {
  const effect = effectOf(plan, state, step.action, step.at)
  return effect === null ? null : commandOf(`${step.id}#${run}`, effect, expiresAt, step.takesMs)
}

/** A command of the release itself: a notice, an alert, a flag set of a phase. */
export function commandOf(slot: string, effect: Effect, expiresAt: number | null, takesMs: number | null): Command {
  const effectClass = effectClassOf(effect)
  return {
    slot,
    effect,
    effectClass,
    lane: effect.kind === 'notify' ? 'notify' : 'raise',
    timeoutMs: takesMs ?? callTimeoutMs[effect.kind],
    attempts: effect.kind === 'notify' ? notifyAttempts : effectClass === 'ask' ? 1 : repeatableAttempts,
    expiresAt,
  }
}

/** What templates may name: `{{ plan }}`, `{{ version }}`, `{{ phase }}`, `{{ exposure }}`, `{{ reason }}` … */
export function templateValues(plan: CompiledPlan, state: ReleaseState): Record<string, string> {
  const { lifecycle } = state
  const phaseIndex =
    lifecycle.kind === 'running' ? lifecycle.phase : lifecycle.kind === 'rollingBack' ? lifecycle.fromPhase : null
  const phase = phaseIndex === null ? undefined : plan.phases[phaseIndex]
  return {
    plan: plan.name,
    title: plan.title ?? plan.name,
    service: plan.service,
    version: state.version,
    phase: phase?.title ?? phase?.name ?? '',
    exposure: `${Math.round(levelOf(state.exposure.desired) * 10_000) / 100}%`,
    reason: 'because' in lifecycle ? lifecycle.because : '',
  }
}

/** A flag set with "exposure" replaced by the present percentage (F-018: TARGET_USER_PERCENTAGE follows the phase). */
export function flagValues(set: FlagSet, exposure: Exposure): Record<string, boolean | string | number> {
  return Object.fromEntries(
    Object.entries(set).map(([flag, value]) => [flag, value === 'exposure' ? levelOf(exposure) * 100 : value]),
  )
}

function effectOf(plan: CompiledPlan, state: ReleaseState, action: Action, at: string | null): Effect | null {
  switch (action.verb) {
    case 'run':
      return { kind: 'run', command: withPlaceholders(action.command, state), at }
    case 'sql':
      return { kind: 'sql', text: withPlaceholders(action.text, state), at }
    case 'http':
      return { kind: 'http', method: action.method, url: withPlaceholders(action.url, state) }
    case 'flags': {
      const set = action.set === null ? action.values : (plan.flagSets[action.set] ?? action.values)
      return { kind: 'flags', values: flagValues(set, state.exposure.desired), replace: action.set !== null }
    }
    case 'notify':
      return {
        kind: 'notify',
        template: action.template,
        to: action.to,
        priority: null,
        values: templateValues(plan, state),
      }
    case 'halt':
      return { kind: 'haltPlan', plan: action.plan }
    default:
      return null
  }
}

/** `$version $now $rollbackStartedAt`: braces would break YAML flow maps. Times are UTC, ISO 8601 basic, safe in names. */
function withPlaceholders(text: string, state: ReleaseState): string {
  const { lifecycle } = state
  const rollbackStartedAt = lifecycle.kind === 'rollingBack' ? lifecycle.startedAt : state.at
  return text
    .replaceAll('$version', state.version)
    .replaceAll('$now', isoBasic(state.at))
    .replaceAll('$rollbackStartedAt', isoBasic(rollbackStartedAt))
}

function isoBasic(at: number): string {
  const utc = new Intl.DateTimeFormat('sv-SE', {
    timeZone: 'UTC',
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(at)
  return utc.replace(/[-:]/g, '').replace(' ', 'T') + 'Z'
}

function effectClassOf(effect: Effect): Command['effectClass'] {
  switch (effect.kind) {
    case 'run':
      return 'ask'
    case 'sql':
      return /^\s*select\b/i.test(effect.text) ? 'set' : 'ask'
    case 'http':
      return effect.method === 'POST' ? 'keyed' : 'set'
    case 'flags':
    case 'haltPlan':
      return 'set'
    case 'notify':
      return 'keyed'
  }
}
