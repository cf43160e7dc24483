/**
 * How a flag lives: the stages of a new feature, and how long each kind of flag is kept.
 *
 * 1. A stage stands for one rule in each environment; `applyStage` puts it into a definition. Who colleagues and beta
 *    testers are is given.
 * 2. A release flag lives 90 days after it is generally available, an experiment flag 30 days after the experiment
 *    ended; then its removal is overdue. An operations flag is reviewed every year. A permission flag is permanent.
 * 3. Time is given, never read.
 */
import type { Condition, FlagDefinition, FlagKind, FlagRule } from './flag-definition.ts'

/** In their order. */
export const lifecycleStages = [
  'development',
  'internalTesting',
  'beta',
  'gradualRollout',
  'generalAvailability',
  'cleanup',
] as const
export type LifecycleStage = (typeof lifecycleStages)[number]

export const flagEnvironments = ['development', 'staging', 'production'] as const
export type FlagEnvironment = (typeof flagEnvironments)[number]

/** Who has the feature where a stage enables it: part of those who meet the conditions. */
export interface StageRule {
  readonly when: readonly Condition[]
  /** 0 to 1; several are taken one after another. */
  readonly shares: readonly number[]
}

/** Whom the stages mean: for those who have the product to say. */
export interface StageAudiences {
  /** Who has the feature in staging before everybody there has it. */
  readonly colleagues: readonly Condition[]
  /** Of whom `betaShare` has it in production first. */
  readonly betaTesters: readonly Condition[]
  readonly betaShare: number
  /** The shares of everybody in production, one after another. */
  readonly gradualShares: readonly number[]
}

/** Of each stage in one environment; null: off there. */
export type StageRules = Readonly<Record<LifecycleStage, StageRule | null>>

const everybody: StageRule = { when: [], shares: [1] }

/** What an earlier environment has been given stays, so that the feature can go on being developed and tested there. */
export function stageRules(environment: FlagEnvironment, audiences: StageAudiences): StageRules {
  const { colleagues, betaTesters, betaShare, gradualShares } = audiences
  const available = { generalAvailability: everybody, cleanup: everybody }
  switch (environment) {
    case 'development':
      return {
        development: everybody,
        internalTesting: everybody,
        beta: everybody,
        gradualRollout: everybody,
        ...available,
      }
    case 'staging': {
      const internal: StageRule = { when: colleagues, shares: [1] }
      return { development: null, internalTesting: internal, beta: internal, gradualRollout: everybody, ...available }
    }
    case 'production': {
      const beta: StageRule = { when: betaTesters, shares: [betaShare] }
      const gradually: StageRule = { when: [], shares: gradualShares }
      return { development: null, internalTesting: null, beta, gradualRollout: gradually, ...available }
    }
  }
}

export interface StageText {
  readonly label: string
  /** What people do in this stage; null when what it sets is all. */
  readonly task: string | null
}

export const stageTexts: Readonly<Record<LifecycleStage, StageText>> = {
  development: { label: 'Development', task: null },
  internalTesting: { label: 'Internal Testing', task: null },
  beta: { label: 'Beta', task: null },
  gradualRollout: { label: 'Gradual Rollout', task: null },
  generalAvailability: { label: 'General Availability', task: null },
  cleanup: { label: 'Cleanup', task: 'Remove flag checks from codebase' },
}

export function nextStage(present: LifecycleStage): LifecycleStage | null {
  return lifecycleStages[lifecycleStages.indexOf(present) + 1] ?? null
}

const stageRulePrefix = 'stage:'

/**
 * The flag as a stage has it where these rules are. Rules that people wrote stay, before the one of the stage.
 *
 * A stage for everybody is the exposure, which releases move too; one for some of them is a rule. `step` counts the
 * shares of a stage from 0.
 */
export function applyStage(flag: FlagDefinition, stages: StageRules, name: LifecycleStage, step = 0): FlagDefinition {
  const found = stages[name]
  const rules = flag.rules.filter(({ id }) => !id.startsWith(stageRulePrefix))
  if (found === null) return { ...flag, on: false, rules }
  const share = found.shares[Math.min(step, found.shares.length - 1)] ?? 0
  if (found.when.length === 0) return { ...flag, on: true, rules, exposure: { ...flag.exposure, share } }
  const id = `${stageRulePrefix}${name}`
  const rule: FlagRule = { id, when: found.when, share, by: null, seed: null, serve: { variant: flag.onVariant } }
  return { ...flag, on: true, rules: [...rules, rule], exposure: { ...flag.exposure, share: 0 } }
}

const dayMs = 86_400_000

/** How long a kind of flag is kept, as people say it and in milliseconds; null: for ever. */
export const retentionRules: Readonly<Record<FlagKind, RetentionRule>> = {
  release: { label: '90 days after GA', keptMs: 90 * dayMs, from: 'generalAvailability', task: 'remove' },
  experiment: { label: '30 days after experiment end', keptMs: 30 * dayMs, from: 'experimentEnd', task: 'remove' },
  ops: { label: 'Permanent (review annually)', keptMs: 365 * dayMs, from: 'review', task: 'review' },
  permission: { label: 'Permanent', keptMs: null, from: null, task: null },
}

export interface RetentionRule {
  readonly label: string
  readonly keptMs: number | null
  /** What the time is counted from. */
  readonly from: 'generalAvailability' | 'experimentEnd' | 'review' | 'creation' | null
  readonly task: RetentionTask | null
}

export type RetentionTask = 'remove' | 'review'

/** What is known of a flag's life; moments are epoch milliseconds. */
export interface FlagLife {
  readonly kind: FlagKind
  readonly stage: LifecycleStage
  readonly stageSince: number
  /** When it became generally available, for a flag that has gone on to cleanup; null: then `stageSince` counts. */
  readonly availableSince?: number | null
  readonly experimentEndedAt: number | null
  /** The last review; null: none yet, so that `createdAt` or else `stageSince` counts. */
  readonly reviewedAt: number | null
  readonly createdAt?: number | null
  /** In place of what its kind is kept for: how long after its making it is to be removed. */
  readonly removeAfterMs?: number | null
}

/** `kept`: nothing to do, or not yet. `due`: soon. `overdue`: the time is over. */
export type RetentionState = 'kept' | 'due' | 'overdue'

export interface Retention {
  readonly state: RetentionState
  readonly task: RetentionTask | null
  /** When it is overdue; null while no clock runs. */
  readonly until: number | null
  readonly message: string
}

/** Two weeks are room for a removal in the ordinary course of work. */
const dueBeforeMs = 14 * dayMs

/** What retention asks for at a moment. From `until` on it is overdue. */
export function assessRetention(life: FlagLife, now: number): Retention {
  const rule = retentionRuleOf(life)
  const start = retentionStart(life, rule)
  if (rule.keptMs === null || start === null)
    return { state: 'kept', task: null, until: null, message: `Kept: ${rule.label}.` }
  const until = start + rule.keptMs
  const state = now >= until ? 'overdue' : now >= until - dueBeforeMs ? 'due' : 'kept'
  const task = state === 'kept' ? null : rule.task
  return { state, task, until, message: retentionMessage(state, rule, Math.abs(until - now)) }
}

function retentionRuleOf({ kind, removeAfterMs = null }: FlagLife): RetentionRule {
  if (removeAfterMs === null) return retentionRules[kind]
  return { label: 'removeAfter', keptMs: removeAfterMs, from: 'creation', task: 'remove' }
}

function retentionMessage(state: RetentionState, { label, task }: RetentionRule, distanceMs: number): string {
  const days = Math.floor(distanceMs / dayMs)
  const what = task === 'review' ? 'Review' : 'Remove'
  if (state === 'kept') return `Kept: ${label}; ${days} days left.`
  return state === 'due' ? `${what} it within ${days} days: ${label}.` : `${what} it, ${days} days overdue: ${label}.`
}

/** Null while the clock does not run: the feature is not available to all, the experiment goes on. */
function retentionStart(life: FlagLife, { from }: RetentionRule): number | null {
  switch (from) {
    case 'generalAvailability':
      return availableSince(life)
    case 'experimentEnd':
      return life.experimentEndedAt
    case 'review':
      return life.reviewedAt ?? life.createdAt ?? life.stageSince
    case 'creation':
      return life.createdAt ?? life.stageSince
    case null:
      return null
  }
}

function availableSince({ stage: present, stageSince, availableSince: since = null }: FlagLife): number | null {
  const isAvailable = present === 'generalAvailability' || present === 'cleanup'
  return isAvailable ? (since ?? stageSince) : null
}
