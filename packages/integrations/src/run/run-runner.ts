/**
 * `run: command` steps, only through a runner that an admin configured (a connection of kind "run").
 *
 * The step's `at` chooses the runner by name or by one of its `places`; without `at` it is the runner "default". The
 * runner says which programs may be started, where, with which variables, and whether a shell reads the command.
 */
import type { ClaimedCommand, EffectRunner } from '@dankai/engine'
import { cutOutput, numbersIn } from '../command-output.ts'
import { ambiguous, type ConnectionOf, type Connections, failed, type RunResult, scopeOf } from '../connection.ts'
import { runProgram } from './run-program.ts'
import { splitCommand } from './split-command.ts'

type Runner = ConnectionOf<'run'>
type Words = readonly [string, ...string[]]

const shell = '/bin/sh'

/** `signal` ends every running program when the server stops. */
export function createRunRunner(connections: Connections, signal: AbortSignal): EffectRunner {
  return {
    kinds: ['run'],
    async run(claimed) {
      const { effect } = claimed.command
      if (effect.kind !== 'run') return failed(`Cannot run a ${effect.kind} command as a program`)
      const runner = chooseRunner(effect.at, await connections.all(scopeOf(claimed), 'run'))
      if ('problem' in runner) return failed(runner.problem)
      const words = wordsFor(effect.command, runner)
      return 'problem' in words ? failed(words.problem) : start(claimed, runner, words.words, signal)
    },
  }
}

export function chooseRunner(at: string | null, runners: readonly Runner[]): Runner | { readonly problem: string } {
  const wanted = at ?? 'default'
  const runner =
    runners.find(({ name }) => name === wanted) ?? runners.find(({ settings }) => settings.places.includes(wanted))
  return (
    runner ?? {
      problem: `Cannot run a command at "${wanted}": found no runner of that name or place, expected one. An admin can make it: PUT /v1/connections/NAME with kind run`,
    }
  )
}

/** The words to start, or why this runner does not start them. Also asked before a release begins. */
export function wordsFor(command: string, runner: Runner): { readonly words: Words } | { readonly problem: string } {
  const split = runner.settings.shell ? { words: [shell, '-c', command] as Words } : splitCommand(command)
  if ('problem' in split) return split
  const [program] = split.words
  if (runner.settings.programs.includes(program)) return split
  return {
    problem: `Cannot run "${command}" with runner "${runner.name}": found program "${program}", expected one of ${runner.settings.programs.join(', ')}`,
  }
}

async function start(claimed: ClaimedCommand, runner: Runner, words: Words, signal: AbortSignal): Promise<RunResult> {
  const timeoutMs = Math.min(runner.settings.timeoutMs, claimed.command.timeoutMs)
  const end = await runProgram({
    words,
    cwd: runner.settings.cwd,
    environment: environmentOf(runner, claimed),
    timeoutMs,
    signal,
  })
  if (end.kind === 'not started') return failed(`Cannot start "${words[0]}": ${end.reason}`)
  const text = cutOutput(end.output)
  const output = { text, status: end.kind === 'exited' ? end.status : null, rows: null, fields: numbersIn(text) }
  if (end.kind === 'cut') return ambiguous(end.reason, output)
  if (end.status === 0) return { outcome: 'succeeded', detail: null, output }
  return failed(`found exit status ${end.status}, expected 0`, output)
}

function environmentOf(runner: Runner, claimed: ClaimedCommand): Record<string, string> {
  const passed = ['PATH', 'LANG', ...runner.settings.environment].flatMap(name => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    ...Object.fromEntries(passed),
    ...runner.secrets,
    DANKAI_COMMAND: claimed.id,
    DANKAI_RELEASE: claimed.releaseId,
  }
}
