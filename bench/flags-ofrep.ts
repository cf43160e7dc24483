import { fileURLToPath } from 'node:url'
import type { BenchResult } from './bench-result.ts'
import { quantileOf } from './distribution.ts'
import { type Load, type Measured, measureLoad, requestOf } from './ofrep/load.ts'
import { installUnleashServer, type Running, startProgram } from './ofrep/processes.ts'
import { numberOption } from './options.ts'
import { startTemporaryPostgres } from './temporary-postgres.ts'

const connections = 50
/** Short turns one after the other, so that whatever else the machine does meets all alike. */
const turnMs = 1_000
const turnsWhenNotSaid = 9
const adminKey = 'dk_admin_key_of_the_bench'
const flagCount = 20
const users = Array.from({ length: 200 }, (_, index) => ({
  id: `user-${index}`,
  plan: index % 3 === 0 ? 'pro' : 'free',
}))

/**
 * Remote evaluation beside a bare handler of the same framework and beside Unleash's frontend API, for the same flags.
 * `--turns 20` measures longer, `--unleash 0` leaves Unleash out.
 */
export async function ofrepBench(args: readonly string[]): Promise<BenchResult> {
  const turns = numberOption(args, 'turns', turnsWhenNotSaid)
  const ends: (() => Promise<unknown>)[] = []
  try {
    const ours = await startOurs(ends)
    const key = await fillOurs(ours.port)
    const answers = await answersOf(ours.port, key)
    const bare = await startProgram(fileURLToPath(new URL('ofrep/bare-server.ts', import.meta.url)), [
      JSON.stringify(answers),
    ])
    ends.push(() => bare.stop())
    const theirs = numberOption(args, 'unleash', 1) === 0 ? null : await startTheirs(ends)
    return resultOf(await measureAll(loadsOf(ours, bare, theirs, key), turns))
  } finally {
    for (const end of ends.toReversed()) await end()
  }
}

async function startOurs(ends: (() => Promise<unknown>)[]): Promise<Running> {
  const database = await startTemporaryPostgres()
  ends.push(() => database.close())
  const ours = await startProgram(fileURLToPath(new URL('../packages/server/src/main.ts', import.meta.url)), [], {
    DANKAI_HOST: '127.0.0.1',
    DANKAI_PORT: '0',
    DATABASE_URL: database.url,
    DANKAI_DATA_DIR: database.folder,
    DANKAI_ADMIN_KEY: adminKey,
    DANKAI_SECRET_KEY: '07'.repeat(32),
    DANKAI_LOG_LEVEL: 'error',
  })
  ends.push(() => ours.stop())
  return ours
}

async function startTheirs(ends: (() => Promise<unknown>)[]): Promise<Running> {
  const database = await startTemporaryPostgres()
  ends.push(() => database.close())
  const theirs = await startProgram(installUnleashServer(), [database.url])
  ends.push(() => theirs.stop())
  await fillTheirs(theirs.port)
  return theirs
}

const singlePath = '/ofrep/v1/evaluate/flags/flag-0'
const bulkPath = '/ofrep/v1/evaluate/flags'

async function call(port: number, method: string, path: string, authorization: string, body?: unknown) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`Cannot ${method} ${path}: found ${response.status} ${text.slice(0, 300)}`)
  return text === '' ? null : JSON.parse(text)
}

/** Half of all, after a rule for one plan: for both systems the same. */
async function fillOurs(port: number): Promise<string> {
  const admin = `Bearer ${adminKey}`
  for (let index = 0; index < flagCount; index++) {
    const flag = {
      algorithm: 'unleash',
      rules: [
        {
          id: 'plan',
          when: [{ attribute: 'plan', operator: 'is', values: ['pro'], negated: false }],
          share: 1,
          by: null,
          seed: null,
          serve: { variant: 'on' },
        },
      ],
      exposure: { share: 0.5, cohorts: [], shadow: false },
    }
    await call(port, 'PUT', `/v1/flags/flag-${index}`, admin, { flag, care: { client: true } })
  }
  const body = { kind: 'sdk-client', principal: 'bench', name: 'bench', environment: 'production' }
  return (await call(port, 'POST', '/v1/keys', admin, body)).secret
}

async function fillTheirs(port: number): Promise<void> {
  const admin = '*:*.bench-admin'
  for (let index = 0; index < flagCount; index++) {
    const name = `flag-${index}`
    const feature = '/api/admin/projects/default/features'
    await call(port, 'POST', feature, admin, { name, type: 'release' })
    const place = `${feature}/${name}/environments/development`
    const constraints = [{ contextName: 'plan', operator: 'IN', values: ['pro'] }]
    const everybody = { rollout: '100', stickiness: 'default', groupId: name }
    const half = { rollout: '50', stickiness: 'userId', groupId: name }
    await call(port, 'POST', `${place}/strategies`, admin, {
      name: 'flexibleRollout',
      constraints,
      parameters: everybody,
    })
    await call(port, 'POST', `${place}/strategies`, admin, { name: 'flexibleRollout', parameters: half })
    await call(port, 'POST', `${place}/on`, admin)
  }
  // Its frontend API reads the flags at intervals.
  for (let attempt = 0; attempt < 60; attempt++) {
    const path = '/api/frontend?userId=user-1&properties[plan]=pro'
    const { toggles } = await call(port, 'GET', path, 'default:development.bench-frontend')
    if (toggles.length === flagCount) return
    await new Promise(resolve => setTimeout(resolve, 500))
  }
  throw new Error('Cannot compare: unleash-server does not serve the flags it was given')
}

async function answersOf(port: number, key: string): Promise<Record<string, unknown>> {
  const body = { context: { targetingKey: 'user-1', plan: 'free' } }
  const answer = (path: string): Promise<unknown> => call(port, 'POST', path, `Bearer ${key}`, body)
  return { [singlePath]: await answer(singlePath), [bulkPath]: await answer(bulkPath) }
}

type LoadName = 'oursSingle' | 'bareSingle' | 'oursBulk' | 'bareBulk' | 'unleash'
type Loads = readonly (readonly [LoadName, Load])[]

function loadsOf(ours: Running, bare: Running, theirs: Running | null, key: string): Loads {
  const posts = (path: string): readonly Buffer[] =>
    users.map(({ id, plan }) =>
      requestOf('POST', path, { authorization: `Bearer ${key}` }, { context: { targetingKey: id, plan } }),
    )
  const gets = users.map(({ id, plan }) => {
    const path = `/api/frontend?userId=${id}&properties%5Bplan%5D=${plan}`
    return requestOf('GET', path, { authorization: 'default:development.bench-frontend' }, null)
  })
  return [
    ['oursSingle', { ...ours, requests: posts(singlePath) }],
    ['bareSingle', { ...bare, requests: posts(singlePath) }],
    ['oursBulk', { ...ours, requests: posts(bulkPath) }],
    ['bareBulk', { ...bare, requests: posts(bulkPath) }],
    ...(theirs === null ? [] : [['unleash', { ...theirs, requests: gets }] as const]),
  ]
}

type Found = ReadonlyMap<LoadName, readonly Measured[]>

/** Every other turn goes backwards, so that nobody always comes after the same one. */
async function measureAll(loads: Loads, turns: number): Promise<Found> {
  const found = new Map<LoadName, Measured[]>(loads.map(([name]) => [name, []]))
  for (let turn = -1; turn < turns; turn++) {
    for (const [name, load] of turn % 2 === 0 ? loads : loads.toReversed()) {
      const measured = await measureLoad(load, connections, turnMs)
      // The first turn warms up.
      if (turn >= 0) found.get(name)?.push(measured)
    }
  }
  return found
}

const median = (values: readonly number[]): number => quantileOf(values, 0.5)

function resultOf(found: Found): BenchResult {
  const figuresOf = (name: LoadName): readonly Measured[] => found.get(name) ?? []
  const perSecond = (name: LoadName): number => Math.round(median(figuresOf(name).map(one => one.perSecond)))
  const cpu = (name: LoadName): number => median(figuresOf(name).map(one => one.cpuMicroseconds))
  /** Of what was measured side by side: the rest of the machine is not the same in any two turns. */
  const ratio = (ours: LoadName, theirs: LoadName): number =>
    median(figuresOf(ours).map((one, turn) => one.perSecond / figuresOf(theirs)[turn]!.perSecond))
  const isBesideUnleash = figuresOf('unleash').length > 0
  return {
    bench: 'ofrep',
    target: 'at least 5 times unleash-server, at least 0.8 of a bare handler of the same framework',
    figures: {
      connections,
      flags: flagCount,
      oneFlagPerSecond: perSecond('oursSingle'),
      bareOneFlagPerSecond: perSecond('bareSingle'),
      allFlagsPerSecond: perSecond('oursBulk'),
      bareAllFlagsPerSecond: perSecond('bareBulk'),
      oneFlagToBare: ratio('oursSingle', 'bareSingle'),
      allFlagsToBare: ratio('oursBulk', 'bareBulk'),
      oneFlagCpuMicroseconds: cpu('oursSingle'),
      bareOneFlagCpuMicroseconds: cpu('bareSingle'),
      allFlagsCpuMicroseconds: cpu('oursBulk'),
      bareAllFlagsCpuMicroseconds: cpu('bareBulk'),
      ...(isBesideUnleash
        ? {
            unleashFrontendPerSecond: perSecond('unleash'),
            allFlagsToUnleash: ratio('oursBulk', 'unleash'),
            oneFlagToUnleash: ratio('oursSingle', 'unleash'),
            unleashCpuMicroseconds: cpu('unleash'),
          }
        : {}),
    },
  }
}
