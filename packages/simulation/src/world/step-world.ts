import type { CommandOutput, Effect } from '@dankai/core'
import type { ClaimedCommand, EffectRunner } from '@dankai/engine'
import { findStep } from '@dankai/insight'
import type { CompiledPlan, Expectation, Step } from '@dankai/plan'
import type { VirtualClock } from '../virtual-clock.ts'
import type { EffectJournal } from './effect-journal.ts'

/**
 * Everything a plan runs: commands, queries, requests, messages, flag sets. Each succeeds at once, with an output that
 * meets what the step expects, unless a script says otherwise.
 */
export interface StepWorld {
  readonly runner: EffectRunner
  script(trouble: StepTrouble): void
}

export interface StepTrouble {
  /** Name of the step or text of its command, whole or its beginning. */
  readonly step: string
  readonly from: number
  /** Exclusive; null = for ever. */
  readonly to: number | null
  readonly result: 'succeeds' | 'fails' | 'ambiguous' | 'hangs'
  /** How often it happens; null = always. */
  readonly times: number | null
  readonly takesMs: number | null
  readonly answers: Readonly<Record<string, number>> | null
}

type RunResult = Awaited<ReturnType<EffectRunner['run']>>

export function createStepWorld(plan: CompiledPlan, clock: VirtualClock, journal: EffectJournal): StepWorld {
  const troubles: { readonly trouble: StepTrouble; left: number }[] = []
  const troubleOf = (claimed: ClaimedCommand): { readonly trouble: StepTrouble; left: number } | undefined => {
    const step = findStep(plan, stepIdOf(claimed.command.slot))
    const text = describeEffect(claimed.command.effect)
    return troubles.findLast(
      ({ trouble, left }) =>
        left > 0 &&
        trouble.from <= clock.at &&
        (trouble.to === null || clock.at < trouble.to) &&
        speaksOf(trouble.step, step, text),
    )
  }

  return {
    runner: {
      kinds: ['run', 'sql', 'http', 'flags', 'notify', 'haltPlan'],
      async run(claimed) {
        const found = troubleOf(claimed)
        if (found) found.left -= 1
        journal.record(clock.at, describeEffect(claimed.command.effect))
        if (found?.trouble.result === 'hangs') return await new Promise<never>(() => {})
        if (found?.trouble.takesMs) await clock.sleep(found.trouble.takesMs)
        return resultOf(found?.trouble ?? null, findStep(plan, stepIdOf(claimed.command.slot))?.expect ?? null)
      },
    },
    script(trouble) {
      troubles.push({ trouble, left: trouble.times ?? Number.POSITIVE_INFINITY })
    },
  }
}

/** A slot is `<step>#<run>`. */
function stepIdOf(slot: string): string {
  const hash = slot.lastIndexOf('#')
  return hash < 0 ? slot : slot.slice(0, hash)
}

function speaksOf(wanted: string, step: Step | undefined, text: string): boolean {
  return (
    step?.name === wanted ||
    step?.id === wanted ||
    text === wanted ||
    text.endsWith(` ${wanted}`) ||
    text.startsWith(wanted)
  )
}

function resultOf(trouble: StepTrouble | null, expect: Expectation | null): RunResult {
  switch (trouble?.result) {
    case 'fails':
      return { outcome: 'failed', detail: 'exit code 1', output: null }
    case 'ambiguous':
      return { outcome: 'ambiguous', detail: 'connection lost after sending', output: null }
    default:
      return { outcome: 'succeeded', detail: null, output: outputFor(expect, trouble?.answers ?? null) }
  }
}

/** An output that meets the expectation of the step, with scripted answers laid over it. */
function outputFor(expect: Expectation | null, answers: Readonly<Record<string, number>> | null): CommandOutput {
  const plain: CommandOutput = { text: 'ok', status: 200, rows: 1, fields: {} }
  const output = expect === null ? plain : { ...plain, ...meeting(expect) }
  return answers === null ? output : { ...output, ...pickNumbers(answers), fields: { ...output.fields, ...answers } }
}

function pickNumbers(answers: Readonly<Record<string, number>>): Partial<CommandOutput> {
  const { status, rows } = answers
  return { ...(status === undefined ? {} : { status }), ...(rows === undefined ? {} : { rows }) }
}

function meeting(expect: Expectation): Partial<CommandOutput> {
  switch (expect.kind) {
    case 'rows':
      return { rows: 1 }
    case 'noRows':
      return { rows: 0 }
    case 'status':
      return { status: expect.status }
    case 'text':
      return { text: expect.text }
    case 'compare':
      return { fields: { [expect.field]: expect.value + stepFrom(expect.op) } }
  }
}

function stepFrom(op: '<' | '<=' | '>' | '>=' | '='): number {
  if (op === '<') return -1
  return op === '>' ? 1 : 0
}

export function describeEffect(effect: Effect): string {
  switch (effect.kind) {
    case 'run':
      return `run ${effect.command}`
    case 'sql':
      return `sql ${effect.text}`
    case 'http':
      return `http ${effect.method} ${effect.url}`
    case 'flags':
      return `flags ${Object.entries(effect.values)
        .map(([name, value]) => `${name}=${String(value)}`)
        .join(' ')}`
    case 'notify':
      return `notify ${effect.template} to ${effect.to.join(', ')}`
    case 'haltPlan':
      return `halt ${effect.plan}`
  }
}
