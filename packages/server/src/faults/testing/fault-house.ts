import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@dankai/store'
import pg from 'pg'
import { ask } from '../../testing/test-server.ts'
import { planText } from './fault-plan.ts'
import { type InstanceProcess, type InstanceSettings, openInstance } from './instance-process.ts'
import { type Receiver, startReceiver } from './receiver.ts'

/** One PostgreSQL with a prepared database, of which every test gets a copy of its own, and a receiver. */
export interface FaultHouse {
  readonly postgres: EmbeddedPostgres
  readonly receiver: Receiver
  /** A key for SDKs, good in every copy. */
  readonly sdkKey: string
  /** Where programs of releases run. */
  readonly workFolder: string
  /** An instance with a folder of its own. */
  instance(settings: Omit<InstanceSettings, 'dataDir' | 'cacheFolder'>): Promise<InstanceProcess>
  /** Address of a new copy. */
  database(): Promise<string>
  close(): Promise<void>
}

/** Eight instances at a time of up to 13 each, and as many that died and whose connections have not ended yet. */
const connectionsMax = 300

export async function openFaultHouse(): Promise<FaultHouse> {
  const home = mkdtempSync(join(tmpdir(), 'dankai-faults-'))
  const workFolder = join(home, 'work')
  mkdirSync(workFolder)
  const cacheFolder = join(home, 'compiled')
  const instances: InstanceProcess[] = []
  const open: FaultHouse['instance'] = async settings => {
    const dataDir = mkdtempSync(join(home, 'instance-'))
    const instance = await openInstance({ ...settings, dataDir, cacheFolder })
    instances.push(instance)
    return instance
  }
  const receiver = await startReceiver()
  const postgres = await startEmbeddedPostgres({ dataDir: join(home, 'postgres'), connectionsMax })
  const administer = openAdministration(postgres.url)
  await administer('create database prepared')
  const instance = await open({ databaseUrl: urlOf(postgres.url, 'prepared') })
  const sdkKey = await prepare(instance, receiver, workFolder)
  await instance.close()
  let copies = 0
  return {
    postgres,
    receiver,
    sdkKey,
    workFolder,
    instance: open,
    async database() {
      const name = `copy_${++copies}`
      await administer(`create database ${name} template prepared`)
      return urlOf(postgres.url, name)
    },
    async close() {
      // A test that broke off may have left some running.
      await Promise.all(instances.map(left => left.close()))
      await receiver.close()
      await postgres.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** Statements one after the other: a template cannot be copied by two at once. */
function openAdministration(url: string): (statement: string) => Promise<void> {
  let before: Promise<unknown> = Promise.resolve()
  return statement => {
    const work = before.then(async () => {
      const client = new pg.Client({ connectionString: urlOf(url, 'postgres') })
      await client.connect()
      try {
        await untilUnused(client, 'prepared')
        await client.query(statement)
      } finally {
        await client.end()
      }
    })
    before = work.catch(() => {})
    return work
  }
}

/** Connections of a killed instance end a moment after it. */
async function untilUnused(client: pg.Client, database: string): Promise<void> {
  await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [database])
  for (;;) {
    const { rowCount } = await client.query('select from pg_stat_activity where datname = $1', [database])
    if (rowCount === 0) return
    await client.query('select pg_sleep(0.01)')
  }
}

function urlOf(url: string, database: string): string {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  return changed.href
}

async function prepare(instance: InstanceProcess, receiver: Receiver, workFolder: string): Promise<string> {
  const put = async (method: string, path: string, body: unknown) => {
    const answer = await ask(instance.url, method, path, { body })
    if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  await put('PUT', '/v1/connections/receiver', {
    kind: 'http',
    settings: {
      baseUrl: receiver.url,
      allowedHosts: [receiver.host],
      allowedMethods: ['POST', 'PUT'],
      allowPrivate: true,
    },
  })
  await put('PUT', '/v1/connections/people', {
    kind: 'webhook',
    settings: { channels: ['*'], allowPrivate: true },
    secrets: { url: `${receiver.url}/message` },
  })
  await put('PUT', '/v1/connections/default', {
    kind: 'run',
    settings: { cwd: workFolder, programs: ['mkdir'] },
  })
  await put('POST', '/v1/plans', { files: [{ file: 'journey.yaml', text: planText }] })
  const { secret } = await put('POST', '/v1/keys', { kind: 'sdk-server', principal: 'trips', name: 'faults' })
  return secret
}
