import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { initPlan } from './commands/init.ts'
import {
  act,
  amendRelease,
  applyPlans,
  listEvents,
  promoteRelease,
  showStatus,
  startPlan,
  stopEverything,
  watchRelease,
} from './commands/remote.ts'
import { serve } from './commands/serve.ts'
import { simulatePlan } from './commands/simulate.ts'
import { testPlans } from './commands/test.ts'
import { validatePlans } from './commands/validate.ts'
import { type Context, contextOf } from './context.ts'
import { CommandEnd, exitCode } from './exit-code.ts'
import { processTerminal, type Terminal } from './terminal.ts'

/** Runs one command line and gives its exit code: 0 done, 1 the answer is no, 2 wrong usage, 3 could not reach something. */
export async function main(args: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  try {
    await program(terminal).parseAsync([...args], { from: 'user' })
    return exitCode.done
  } catch (error) {
    return explain(error, terminal, args.includes('--json'))
  }
}

function explain(error: unknown, terminal: Terminal, json: boolean): number {
  if (error instanceof CommandEnd) {
    if (json && error.data !== null) terminal.out(JSON.stringify(error.data))
    else if (error.message !== '') terminal.error(error.message)
    return error.code
  }
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.done : exitCode.usage
  throw error
}

type Run = (context: Context) => Promise<void>

function program(terminal: Terminal): Command {
  const root = new Command('dankai')
  root
    .description(
      'Runs release plans: exposes a change step by step, measures, promotes, holds or rolls back by itself.',
    )
    .exitOverride()
    .configureOutput({
      writeOut: text => terminal.out(text.trimEnd()),
      writeErr: text => terminal.error(text.trimEnd()),
    })
    .showSuggestionAfterError()
    .helpCommand(false)
  const command = (name: string, description: string): Command =>
    root
      .command(name)
      .description(description)
      .option('--json', 'print JSON for programs')
      .exitOverride()
      .configureOutput(root.configureOutput())
  const run = (options: { json?: boolean }, work: Run): Promise<void> =>
    work(contextOf(terminal, options.json === true))
  addPlanCommands(command, run)
  addReleaseCommands(command, run)
  addPeopleCommands(command, run)
  return root
}

type AddCommand = (name: string, description: string) => Command
type RunWith = (options: { json?: boolean }, work: Run) => Promise<void>

function addPlanCommands(command: AddCommand, run: RunWith): void {
  command('init <name>', 'write a first plan and its tests').action((name: string, options) =>
    run(options, context => initPlan(context, name)),
  )
  command('validate <paths...>', 'check plans; every mistake with line and column').action((paths: string[], options) =>
    run(options, context => validatePlans(context, paths)),
  )
  command('simulate <paths...>', 'run a plan against a world and draw it')
    .option('--plan <name>', 'which plan, when the files hold several')
    .option('--scenario <name>', 'a scenario of the plan (a part of its name); default: a world in which all goes well')
    .option('--strategy <name>', 'strategy to choose')
    .option('--seed <number>', 'a random world, repeatable by its seed', integer)
    .option('--full', 'every bucket by itself instead of event by event')
    .action((paths: string[], options) => run(options, context => simulatePlan(context, paths, options)))
  command('test <paths...>', 'run the scenarios of plans')
    .option('--plan <name>', 'only this plan')
    .option('--scenario <name>', 'only scenarios whose name contains this')
    .action((paths: string[], options) => run(options, context => testPlans(context, paths, options)))
}

function addReleaseCommands(command: AddCommand, run: RunWith): void {
  command('serve', 'run the server').action(options => run(options, serve))
  command('apply [paths...]', 'send plans to the server; shows the difference first, changes nothing twice')
    .option('-f, --file <path>', 'file or folder; may be given several times', collect, [])
    .option('--dry-run', 'show the difference, change nothing')
    .action((paths: string[], options: { file: string[]; dryRun?: boolean; json?: boolean }) =>
      run(options, context => {
        const all = [...paths, ...options.file]
        if (all.length === 0)
          throw new CommandEnd(exitCode.usage, 'Cannot apply: found no path, expected plan files. Give -f PATH.')
        return applyPlans(context, all, { dryRun: options.dryRun === true })
      }),
    )
  command('start <plan>', 'start a release')
    .requiredOption('--version <version>', 'what is released')
    .option('--strategy <name>', 'strategy of the plan')
    .option('--type <type>', 'release type; chooses a strategy and is a label')
    .option('--label <label>', 'a fact about this release; may be given several times', collect, [])
    .option('--why <reason>', 'reason to pass a calendar block')
    .action((plan: string, options) => run(options, context => startPlan(context, plan, options)))
  command('status [release]', 'what a release does, why, what it waits for and what comes next').action(
    (name: string | undefined, options) => run(options, context => showStatus(context, name)),
  )
  command('watch <release>', 'follow a release until it ends').action((name: string, options) =>
    run(options, context => watchRelease(context, name)),
  )
  command('events <release>', 'the log of a release')
    .option('--since <seq>', 'only later events', integer, 0)
    .action((name: string, options: { since: number; json?: boolean }) =>
      run(options, context => listEvents(context, name, options.since)),
    )
}

function addPeopleCommands(command: AddCommand, run: RunWith): void {
  const why = (name: string, description: string): Command =>
    command(name, description).option('--why <reason>', 'kept in the record')
  const withWhy = (options: { why?: string }): { why: string | null } => ({ why: options.why ?? null })

  why('approve <release>', 'give an approval a release waits for')
    .option('--role <role>', 'for which role, when you have several')
    .option('--step <step>', 'which step')
    .action((name: string, options) =>
      run(options, context =>
        act(context, name, {
          type: 'approve',
          step: options.step ?? null,
          role: options.role ?? null,
          ...withWhy(options),
        }),
      ),
    )
  why('confirm <release> <step>', 'say that a step is done')
    .option('--evidence <text>', 'link or note that shows it')
    .action((name: string, step: string, options) =>
      run(options, context =>
        act(context, name, { type: 'confirm', step, evidence: options.evidence ?? null, ...withWhy(options) }),
      ),
    )
  why('reject <release> <step>', 'refuse an approval or confirmation').action((name: string, step: string, options) =>
    run(options, context => act(context, name, { type: 'reject', step, ...withWhy(options) })),
  )
  why('report <release> <signal>', 'report what only a person can see (data loss, a vulnerability …)').action(
    (name: string, signal: string, options) =>
      run(options, context => act(context, name, { type: 'report', signal, ...withWhy(options) })),
  )
  why('withdraw <release> <signal>', 'take a report back').action((name: string, signal: string, options) =>
    run(options, context => act(context, name, { type: 'withdraw', signal, ...withWhy(options) })),
  )
  why('promote <release>', 'go on now: over holds and criteria, never over a gate or a firing rule').action(
    (name: string, options) => run(options, context => promoteRelease(context, name, options.why ?? null)),
  )
  for (const [type, description] of [
    ['pause', 'stop raising; watching goes on'],
    ['resume', 'go on after a pause or a halt'],
    ['close', 'close a release whose last phase is held open'],
    ['abort', 'expose nobody, without the rest of the runbook'],
  ] as const) {
    why(`${type} <release>`, description).action((name: string, options) =>
      run(options, context => act(context, name, { type, ...withWhy(options) })),
    )
  }
  why('rollback <release>', 'take everybody back; nothing blocks it')
    .option('--runbook <name>', 'another runbook of the plan')
    .action((name: string, options) =>
      run(options, context =>
        act(context, name, { type: 'rollback', runbook: options.runbook ?? null, ...withWhy(options) }),
      ),
    )
  why('answer <release> <answer>', 'answer an open decision: rollback or continue')
    .option('--rule <rule>', 'which question')
    .action((name: string, answer: string, options) =>
      run(options, context =>
        act(context, name, {
          type: 'answer',
          rule: options.rule ?? null,
          answer: answerOf(answer),
          ...withWhy(options),
        }),
      ),
    )
  why('cancel <release> <rule>', 'cancel a rollback that is due within a time').action(
    (name: string, rule: string, options) =>
      run(options, context => act(context, name, { type: 'cancel', rule, ...withWhy(options) })),
  )
  for (const type of ['retry', 'skip'] as const) {
    why(`${type} <release> <step>`, `${type} a step that failed`).action((name: string, step: string, options) =>
      run(options, context => act(context, name, { type, step, ...withWhy(options) })),
    )
  }
  why('runbook <release> <name>', 'start a runbook of the plan').action((name: string, runbook: string, options) =>
    run(options, context => act(context, name, { type: 'startRunbook', runbook, ...withWhy(options) })),
  )
  command('amend <release>', 'pin the newest applied plan to a running release')
    .requiredOption('--why <reason>', 'kept in the record')
    .action((name: string, options) => run(options, context => amendRelease(context, name, options.why)))
  command('emergency <action>', 'stop: nobody has any change of a release, at once; clear: lift it')
    .requiredOption('--why <reason>', 'kept in the record')
    .option('--release <id>', 'only this release')
    .option('--flag <key>', 'only this flag')
    .action((action: string, options) =>
      run(options, context => stopEverything(context, stopOf(action), options.why, options)),
    )
}

function answerOf(text: string): 'rollback' | 'continue' {
  if (text === 'rollback' || text === 'continue') return text
  throw new CommandEnd(
    exitCode.usage,
    `Cannot answer "${text}": found another word, expected "rollback" or "continue". Give one of them.`,
  )
}

function stopOf(action: string): boolean {
  if (action === 'stop' || action === 'clear') return action === 'stop'
  throw new CommandEnd(
    exitCode.usage,
    `Cannot do "${action}" in an emergency: found another word, expected "stop" or "clear". Give one of them.`,
  )
}

function integer(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('Expected a whole number.')
  return value
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}
