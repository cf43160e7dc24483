import { randomUUID } from 'node:crypto'
import { createDankaiClient, type DankaiClient } from '@dankai/sdk'
import { type Answer, ask } from '../../testing/test-server.ts'
import { patienceMs, pause, until } from './deadline.ts'
import type { FaultHouse } from './fault-house.ts'
import { flagName, planName, serviceName } from './fault-plan.ts'
import type { InstanceProcess } from './instance-process.ts'
import { ReleaseWatch } from './release-watch.ts'

/** When the faults of the first instance begin to count. */
export type FaultMoment = 'the release starts' | 'the release fails'

export interface Journey {
  readonly id: string
  readonly version: string
  readonly databaseUrl: string
  readonly watch: ReleaseWatch
  readonly client: DankaiClient
  /** Share of users the SDK served the change, after every change of its flags. */
  readonly served: readonly number[]
  readonly first: InstanceProcess
  readonly second: InstanceProcess | null
  close(): Promise<void>
}

export interface JourneySettings {
  readonly house: FaultHouse
  readonly instances: 1 | 2
  readonly moment: FaultMoment
  /** Where the first one dies, which owns the release; those "from SIGUSR2" count from the moment on. */
  readonly faults: readonly string[]
  /** Stands between the instances and the database. */
  readonly door?: (databaseUrl: string) => Promise<{ readonly url: string }>
  /** Another plan of the same flag and service, in files of its own. */
  readonly plan?: { readonly name: string; readonly text: string }
  /** The second one dies there as well: who runs a command of a release need not be who owns it. */
  readonly eitherDies?: boolean
}

const users = Array.from({ length: 1_000 }, (_, index) => ({ targetingKey: `user-${index}` }))
const bucketMs = 1_000

/** A release that is approved, raised to a half, goes bad and is rolled back, whoever dies in between. */
export async function playJourney(settings: JourneySettings): Promise<Journey> {
  const journey = await startJourney(settings)
  try {
    const { watch } = journey
    await watch.until('the second phase is held', isHeldAtHalf)
    if (settings.moment === 'the release fails') arm(journey)
    await Promise.all([pauseRelease(journey), sendFailures(journey, () => watch.has('RollbackStarted'))])
    await watch.until('the release is over', () => watch.isOver)
    await followsTo(journey, 0)
    return journey
  } catch (error) {
    const lines = [journey.first, journey.second].flatMap(instance => instance?.lastLines ?? [])
    await journey.close()
    throw new Error(`${(error as Error).message}\n${lines.join('\n')}`, { cause: error })
  }
}

export async function startJourney(settings: JourneySettings): Promise<Journey> {
  const { house, instances, faults, eitherDies = false, moment, door, plan } = settings
  const databaseUrl = await house.database()
  const reachedBy = (await door?.(databaseUrl))?.url ?? databaseUrl
  // Somebody must be left: of two that both die, both are started again.
  const isKept = instances === 1 || eitherDies
  const open = (planned: readonly string[]) => house.instance({ databaseUrl: reachedBy, faults: planned, isKept })
  const [first, second] = await Promise.all([open(faults), instances === 2 ? open(eitherDies ? faults : []) : null])
  const { client, served } = await openClient(second ?? first, house.sdkKey)
  const version = `v-${randomUUID().slice(0, 8)}`
  if (moment === 'the release starts') arm({ first, second })
  const urls = urlsOf(first, second)
  if (plan !== undefined) await applyPlan(first, plan)
  const id = await startRelease(urls(), plan?.name ?? planName, version)
  const watch = new ReleaseWatch(id, () => urls().toReversed())
  const close = async (): Promise<void> => {
    await Promise.all([watch.close(), client.close()])
    await Promise.all([first.close(), second?.close()])
  }
  const journey = { id, version, databaseUrl, watch, client, served, first, second, close }
  answerPeople(journey)
  return journey
}

/** From here on faults "from SIGUSR2" count. */
function arm({ first, second }: Pick<Journey, 'first' | 'second'>): void {
  first.arm()
  second?.arm()
}

/** People speak to the first instance while it lives, so that it is the one that acts. */
function urlsOf(first: InstanceProcess, second: InstanceProcess | null): () => readonly string[] {
  return () => (second === null ? [first.url] : [first.url, second.url])
}

export function isHeldAtHalf({ events, status }: ReleaseWatch): boolean {
  const entered = events.findLastIndex(({ body }) => body.type === 'PhaseEntered' && body.phase === 1)
  const isReached = entered >= 0 && events.slice(entered).some(({ body }) => body.type === 'ExposureReached')
  return isReached && status.waitingOn.some(({ kind }) => kind === 'hold')
}

async function openClient(instance: InstanceProcess, key: string) {
  const client = createDankaiClient({ url: instance.url, key, name: 'trips', service: serviceName })
  const served: number[] = []
  client.on('change', () => served.push(servedBy(client)))
  await client.ready(patienceMs)
  return { client, served }
}

export function servedBy(client: DankaiClient): number {
  return users.filter(user => client.isEnabled(flagName, user)).length / users.length
}

export async function followsTo({ client }: Pick<Journey, 'client'>, share: number): Promise<void> {
  await until(
    'the share an SDK serves',
    () => servedBy(client),
    found => found === share,
  )
}

/** The first answer of any instance that is none of its own failures; instances that are down come back or are left out. */
export async function askAny(urls: readonly string[], method: string, path: string, body: unknown): Promise<Answer> {
  for (const startedAt = performance.now(); ; await pause())
    for (const url of urls) {
      const answer = await ask(url, method, path, { body }).catch(() => null)
      if (answer !== null && answer.status < 500) return answer
      if (performance.now() - startedAt > patienceMs)
        throw new Error(`${method} ${path}: no answer within ${patienceMs / 1_000} s`)
    }
}

async function applyPlan({ url }: InstanceProcess, { name, text }: { name: string; text: string }): Promise<void> {
  const answer = await ask(url, 'POST', '/v1/plans', { body: { files: [{ file: `${name}.yaml`, text }] } })
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
}

/** Who asks for a release and hears nothing looks whether it is there, and asks again when it is not. */
async function startRelease(urls: readonly string[], plan: string, version: string): Promise<string> {
  let refusal = ''
  for (const startedAt = performance.now(); performance.now() - startedAt < patienceMs; await pause())
    for (const url of urls) {
      const body = { plan, version }
      const answer = await ask(url, 'POST', '/v1/releases', { body }).catch(() => null)
      if (answer?.status === 201) return answer.body.id
      if (answer !== null && answer.status < 500 && answer.body.code !== 'conflict')
        throw new Error(JSON.stringify(answer.body))
      if (answer !== null) refusal = JSON.stringify(answer.body)
      const { body: page } = await askAny(urls, 'GET', `/v1/releases?plan=${plan}`, undefined)
      if (page.items.length > 0) return page.items[0].id
    }
  throw new Error(`the release was not started within ${patienceMs / 1_000} s: ${refusal}`)
}

/** Approves, and says that a program of unknown end did its work: somebody looked. */
function answerPeople({ watch, first, second, id }: Omit<Journey, 'close'>): void {
  watch.onEvent(({ body }) => {
    if (body.type !== 'GateOpened') return
    const action =
      body.asks === 'approval'
        ? { type: 'approve', step: body.step }
        : { type: 'confirm', step: body.step, why: 'I saw it' }
    void askAny(urlsOf(first, second)(), 'POST', `/v1/releases/${id}/actions`, action).catch(() => {})
  })
}

/** Pausing stops raising, never watching; here it is a person who acts while the release fails. */
async function pauseRelease({ first, second, id }: Journey): Promise<void> {
  await askAny(urlsOf(first, second)(), 'POST', `/v1/releases/${id}/actions`, { type: 'pause', why: 'looks odd' })
}

/** Half of the requests fail, reported every second until somebody noticed; each report is new, none is late. */
export async function sendFailures(
  { client, first, second }: Pick<Journey, 'client' | 'first' | 'second'>,
  isNoticed: () => boolean,
): Promise<void> {
  const startedAt = performance.now()
  for (let batch = 1; !isNoticed(); batch++) {
    if (performance.now() - startedAt > patienceMs)
      throw new Error(`failures were not noticed within ${patienceMs / 1_000} s`)
    await askAny(urlsOf(first, second)(), 'POST', '/v1/samples', failuresNow(client.id, batch))
    for (const until = performance.now() + bucketMs; performance.now() < until && !isNoticed(); ) await pause()
  }
}

/** A batch of this second in which half of the canary's requests failed. */
export function failuresNow(sdk: string, batch: number) {
  const sentAt = Date.now()
  const bucketStart = Math.floor(sentAt / bucketMs) * bucketMs
  const sample = (status: string) => ({
    service: serviceName,
    series: 'http_requests',
    labels: { track: 'canary', status },
    bucketStart,
    bucketMs,
    count: 50,
  })
  return { sdk, batch, sentAt, samples: [sample('500'), sample('200')] }
}
