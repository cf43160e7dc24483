import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import {
  type CompiledFlag,
  decideFlag,
  defineFlag,
  type EvaluationContext,
  emptyEvaluation,
  evaluateFlag,
  evaluateInto,
  type FlagRule,
  FlagSet,
} from '@dankai/flags'
import type { BenchResult } from './bench-result.ts'
import { quantileOf } from './distribution.ts'
import { createFloor } from './flags-floor.ts'
import { benchRules, benchUsers, type Contender, usersInside, type Workload, workloads } from './flags-users.ts'

/**
 * Short turns, so that whatever else the machine does meets all contenders alike; and some before each round that are
 * not counted, or those who come first would pay for the garbage of the last.
 */
const turnMs = 3
const turns = 31
const settlingTurns = 10

export interface FlagWorkload {
  readonly name: string
  /** `decideFlag`, the flag found by its key, all details but the bucket. */
  readonly oursNs: number
  /** `evaluateInto`: the same with the bucket, written into an object that is used again. */
  readonly oursIntoNs: number
  /** `evaluateFlag`: the same in a new object. */
  readonly oursFreshNs: number
  readonly floorNs: number
  readonly peers: Readonly<Record<string, number>>
  readonly fastestPeer: string
  readonly ratioToFastestPeer: number
  readonly ratioToFloor: number
}

/** In-process evaluation beside what a user would pick instead: 10,000 users, process CPU time, medians of turns. */
export async function flagsBench(): Promise<BenchResult & { readonly workloads: readonly FlagWorkload[] }> {
  installPeers()
  const { createContenders } = (await import(new URL('peers/contenders.mjs', import.meta.url).href)) as {
    createContenders(rules: typeof benchRules): Promise<Contender[]>
  }
  const contenders = [...createOurs(), createFloor(), ...(await createContenders(benchRules))]
  const measured: FlagWorkload[] = []
  for (const workload of workloads) measured.push(await measure(workload, contenders))
  for (const contender of contenders) await contender.close()
  return {
    bench: 'flags',
    target: 'at least 6 times the fastest peer in each workload, within 2 times of the floor',
    figures: Object.fromEntries(measured.flatMap(figuresOf)),
    workloads: measured,
  }
}

/** A peer that is already there in the locked versions stays. */
function installPeers(): void {
  const folder = new URL('peers/', import.meta.url)
  const installed = new URL('node_modules/.package-lock.json', folder)
  const versionsOf = (file: URL): string => {
    const { packages } = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, { version?: string }> }
    return JSON.stringify(
      Object.entries(packages).flatMap(([name, { version }]) => (name === '' ? [] : [[name, version]])),
    )
  }
  if (existsSync(installed) && versionsOf(installed) === versionsOf(new URL('package-lock.json', folder))) return
  const run = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 300_000,
  })
  if (run.status !== 0) throw new Error(`Cannot install the peers in bench/peers: ${run.stderr.slice(-500)}`)
}

const target = emptyEvaluation()

/**
 * Three ways to ask, each written out as the floor and the peers are: a way given as an argument would be a call that
 * goes somewhere else each time, which no application makes.
 */
function createOurs(): Contender[] {
  const rule = (id: string, condition: Pick<FlagRule['when'][number], 'operator' | 'values'>): FlagRule => ({
    id,
    when: [{ attribute: id, negated: false, ...condition }],
    share: 1,
    by: null,
    seed: null,
    serve: { variant: 'on' },
  })
  const exposure = { share: 0.25, cohorts: [], shadow: false }
  const { countries, plan, emailEnd, version } = benchRules
  const flags = new FlagSet([
    defineFlag({ key: 'share', exposure }),
    defineFlag({
      key: 'rules',
      exposure,
      rules: [
        rule('country', { operator: 'is', values: countries }),
        rule('plan', { operator: 'is', values: [plan] }),
        rule('email', { operator: 'endsWith', values: [emailEnd] }),
        rule('appVersion', { operator: 'semver>=', values: [version] }),
        rule('betaTester', { operator: 'is', values: [true] }),
      ],
    }),
    defineFlag({
      key: 'split',
      variants: { off: 'a', a: 'a', b: 'b', c: 'c', d: 'd' },
      onVariant: 'a',
      otherwise: {
        split: ['a', 'b', 'c', 'd'].map(variant => ({ variant, weight: 25_000 })),
        by: null,
        seed: null,
        experiment: true,
      },
    }),
  ])
  const find = (key: string): CompiledFlag => {
    const flag = flags.find(key)
    if (flag === undefined) throw new Error(`Cannot evaluate flag "${key}": found none, expected it in the benchmark.`)
    return flag
  }
  const contextOf: Contender['contextOf'] = ({ id, ...rest }) => ({ targetingKey: id, ...rest })
  const close = (): void => {}
  return [
    {
      name: 'ours',
      contextOf,
      share: (context: EvaluationContext) => decideFlag(find('share'), context).value,
      rules: (context: EvaluationContext) => decideFlag(find('rules'), context).value,
      split: (context: EvaluationContext) => decideFlag(find('split'), context).value,
      close,
    },
    {
      name: 'into',
      contextOf,
      share: (context: EvaluationContext) => evaluateInto(find('share'), context, target).value,
      rules: (context: EvaluationContext) => evaluateInto(find('rules'), context, target).value,
      split: (context: EvaluationContext) => evaluateInto(find('split'), context, target).value,
      close,
    },
    {
      name: 'fresh',
      contextOf,
      share: (context: EvaluationContext) => evaluateFlag(find('share'), context).value,
      rules: (context: EvaluationContext) => evaluateFlag(find('rules'), context).value,
      split: (context: EvaluationContext) => evaluateFlag(find('split'), context).value,
      close,
    },
  ]
}

async function measure(workload: Workload, contenders: readonly Contender[]): Promise<FlagWorkload> {
  const runs = contenders.map(contender => ({
    contender,
    contexts: benchUsers.map(contender.contextOf),
    passes: 1,
    ns: [] as number[],
  }))
  for (const run of runs) {
    await checkAnswers(workload, run.contender, run.contexts)
    // The first passes are for the compiler; how long the last takes says how many make a turn.
    for (let pass = 0; pass < 5; pass++) await passNs(workload, run.contender, run.contexts, 1)
    const ns = await passNs(workload, run.contender, run.contexts, 2)
    run.passes = Math.max(1, Math.ceil((turnMs * 1e6) / (ns * benchUsers.length)))
  }
  for (let turn = 0; turn < turns; turn++) {
    // Unmeasured: meanwhile other threads finish collecting what the last round left.
    await passNs(workload, runs[0]!.contender, runs[0]!.contexts, runs[0]!.passes * settlingTurns)
    for (const { contender, contexts, passes, ns } of runs) ns.push(await passNs(workload, contender, contexts, passes))
  }
  const medians = new Map(runs.map(({ contender, ns }) => [contender.name, quantileOf(ns, 0.5)]))
  return workloadOf(workload, medians)
}

/** Process CPU time for one evaluation: compiling and collecting garbage on other threads is work, too. */
async function passNs(
  workload: Workload,
  contender: Contender,
  contexts: readonly unknown[],
  passes: number,
): Promise<number> {
  const evaluate = contender[workload] as (context: unknown) => unknown
  const isPromising = evaluate(contexts[0]) instanceof Promise
  const before = process.cpuUsage()
  for (let pass = 0; pass < passes; pass++) {
    if (isPromising) for (const context of contexts) await evaluate(context)
    else for (const context of contexts) sink = evaluate(context)
  }
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1_000) / (passes * contexts.length)
}

/** Keeps an answer that nobody reads from being left out by the compiler. */
export let sink: unknown = null

/** A contender that answers otherwise than the flag says would be fast for nothing. */
async function checkAnswers(workload: Workload, contender: Contender, contexts: readonly unknown[]): Promise<void> {
  const evaluate = contender[workload] as (context: unknown) => unknown
  let inside = 0
  for (const context of contexts) {
    const value = await evaluate(context)
    if (value === true || value === 'a') inside++
  }
  const expected = usersInside(workload)
  if (Math.abs(inside - expected) > benchUsers.length * 0.03)
    throw new Error(
      `Cannot compare ${contender.name} in ${workload}: found ${inside} users in, expected about ${expected}`,
    )
}

function workloadOf(name: string, medians: ReadonlyMap<string, number>): FlagWorkload {
  const of = (contender: string): number => Math.round((medians.get(contender) ?? Number.NaN) * 10) / 10
  const peers = [...medians.keys()].filter(peer => !['ours', 'into', 'fresh', 'floor'].includes(peer))
  const fastestPeer = peers.reduce((best, peer) => (of(peer) < of(best) ? peer : best))
  return {
    name,
    oursNs: of('ours'),
    oursIntoNs: of('into'),
    oursFreshNs: of('fresh'),
    floorNs: of('floor'),
    peers: Object.fromEntries(peers.map(peer => [peer, of(peer)])),
    fastestPeer,
    ratioToFastestPeer: of(fastestPeer) / of('ours'),
    ratioToFloor: of('ours') / of('floor'),
  }
}

function figuresOf(workload: FlagWorkload): [string, number | string][] {
  const { name, oursNs, oursIntoNs, oursFreshNs, floorNs, peers, fastestPeer, ratioToFastestPeer, ratioToFloor } =
    workload
  return [
    [`${name}: ours ns`, oursNs],
    [`${name}: ours, into an object with the bucket, ns`, oursIntoNs],
    [`${name}: ours, a new object with the bucket each, ns`, oursFreshNs],
    [`${name}: floor ns`, floorNs],
    ...Object.entries(peers).map(([peer, ns]): [string, number] => [`${name}: ${peer} ns`, ns]),
    [`${name}: times as fast as ${fastestPeer}`, ratioToFastestPeer],
    [`${name}: times the floor`, ratioToFloor],
  ]
}
