import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { after, afterEach, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { createPostgresStore } from '../postgres/create-postgres-store.ts'
import { sampleOf, scope } from '../testing/release-fixture.ts'
import { commandOf, isAlive } from './process-facts.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './start-embedded-postgres.ts'

describe('embedded PostgreSQL', () => {
  // Making a database folder is the slow part, so the tests use one after the other the same one, as restarts do.
  const dataDir = mkdtempSync(path.join(os.tmpdir(), 'dankai-embedded-'))
  const servers: EmbeddedPostgres[] = []
  afterEach(() => Promise.all(servers.splice(0).map(server => server.close())))
  after(() => rmSync(dataDir, { recursive: true, force: true }))

  async function start(): Promise<EmbeddedPostgres & { restarted: Promise<void> }> {
    let onRestart = () => {}
    const restarted = new Promise<void>(resolve => {
      onRestart = resolve
    })
    const log = (_: string, message: string) => message.includes('runs again') && onRestart()
    const server = await startEmbeddedPostgres({ dataDir, log })
    servers.push(server)
    return { ...server, restarted }
  }

  it('begins anew after a start that was killed half-way', async () => {
    const half = path.join(dataDir, 'postgres', 'data.half')
    mkdirSync(half, { recursive: true })
    writeFileSync(path.join(half, 'PG_VERSION'), 'half')
    const server = await start()
    assert.ok(!existsSync(half))
    assert.deepEqual(await query(server.url, 'show fsync'), [{ fsync: 'on' }])
  })

  it('refuses a second server on the same data directory and names the process that has it', async () => {
    const server = await start()
    const inUse = `Cannot start PostgreSQL in "${dataDir}": found it in use by process ${process.pid}, expected nobody`
    await assert.rejects(startEmbeddedPostgres({ dataDir }), { message: new RegExp(inUse) })
    assert.deepEqual(await query(server.url, 'select 1 as one'), [{ one: 1 }], 'the first goes on')
  })

  it('takes another port when somebody else was faster', async () => {
    const faster = createServer()
    const taken = await portOf(faster)
    let asked = 0
    const findPort = async (): Promise<number> => {
      if (asked++ === 0) return taken
      const free = createServer()
      const port = await portOf(free)
      await new Promise(resolve => free.close(resolve))
      return port
    }
    const server = await startEmbeddedPostgres({ dataDir, findPort })
    servers.push(server)
    faster.close()
    assert.ok(asked > 1)
    assert.deepEqual(await query(server.url, 'select 1 as one'), [{ one: 1 }])
  })

  it('is not open to those who do not know the password, and only on this machine', async () => {
    const url = new URL((await start()).url)
    assert.equal(url.hostname, '127.0.0.1')
    for (const password of ['', 'guess']) {
      url.password = password
      await assert.rejects(query(url.href, 'select 1'), /password/)
    }
    assert.equal(statSync(path.join(dataDir, 'postgres.password')).mode & 0o077, 0)
  })

  it('is back by itself after kill -9, on the same address, with every batch it had acknowledged', async () => {
    const server = await start()
    const store = await createPostgresStore({ url: server.url })
    const acknowledged: number[] = []
    const send = async (no: number): Promise<void> => {
      const services = [{ service: `s${no}`, samples: [sampleOf(0)] }]
      const result = await store.samples.append({ ...scope, sdk: 'sdk', no, trusted: true, services }).catch(() => null)
      if (result !== null && 'id' in result) acknowledged.push(no)
    }
    for (let no = 1; no <= 20; no++) await send(no)
    const inFlight = Array.from({ length: 20 }, (_, index) => send(21 + index))
    const before = server.pid()!
    process.kill(before, 'SIGKILL')
    await Promise.all(inFlight)
    await server.restarted
    assert.notEqual(server.pid(), before)
    await send(62)
    const { batches } = await store.samples.read(0, null, 1_000)
    const kept = new Set(batches.map(({ service }) => Number(service.slice(1))))
    assert.ok(acknowledged.length > 20 && acknowledged.includes(62))
    for (const no of acknowledged) assert.ok(kept.has(no), `batch ${no} was acknowledged`)
    await store.close()
  })

  async function startElsewhere(): Promise<{ child: ChildProcess; url: string; serverPid: number }> {
    const child = spawn(process.execPath, [path.join(import.meta.dirname, '../testing/embedded-process.ts'), dataDir])
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    return { child, ...(JSON.parse(line) as { url: string; serverPid: number }) }
  }

  it('does not outlive a Dankai that was killed, and keeps its rows for the next', async () => {
    const { child, url, serverPid } = await startElsewhere()
    await query(url, 'create table kept as select 42 as answer')
    child.kill('SIGKILL')
    await once(child, 'exit')
    while (isAlive(serverPid)) await pause(20)
    const server = await start()
    assert.deepEqual(await query(server.url, 'select answer from kept'), [{ answer: 42 }])
  })

  it('is stopped by the next start when whoever should have stopped it was killed too', async () => {
    const { child, url, serverPid } = await startElsewhere()
    await query(url, 'insert into kept values (43)')
    process.kill(watcherOf(serverPid), 'SIGKILL')
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.ok(isAlive(serverPid))
    const server = await start()
    assert.ok(!isAlive(serverPid))
    assert.deepEqual(await query(server.url, 'select answer from kept'), [{ answer: 42 }, { answer: 43 }])
  })

  it('does not mistake a process that merely got the same id for the holder of the lock', async () => {
    writeFileSync(path.join(dataDir, 'dankai.lock'), JSON.stringify({ pid: process.ppid, birth: 'another time' }))
    await start()
  })

  it('runs where other users may enter the folder and where they may not', async () => {
    for (const mode of [0o755, 0o700]) {
      chmodSync(dataDir, mode)
      const server = await start()
      process.kill(server.pid()!, 'SIGKILL')
      await server.restarted
      assert.deepEqual(await query(server.url, 'select 1 as one'), [{ one: 1 }])
      await servers.pop()!.close()
    }
  })

  it('leaves nothing running and no lock when it is closed', async () => {
    const server = await start()
    const pid = server.pid()!
    await servers.pop()!.close()
    assert.ok(!isAlive(pid))
    assert.equal(server.pid(), null)
    assert.ok(!existsSync(path.join(dataDir, 'dankai.lock')))
  })

  it('refuses files of another major version, says what to do and leaves no lock', async () => {
    writeFileSync(path.join(dataDir, 'postgres', 'data', 'PG_VERSION'), '13\n')
    const refusal = /found files of version 13, expected \d+\. Run a PostgreSQL 13 on them/
    await assert.rejects(startEmbeddedPostgres({ dataDir }), refusal)
    assert.ok(!existsSync(path.join(dataDir, 'dankai.lock')))
  })
})

async function portOf(server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function watcherOf(serverPid: number): number {
  const pids = existsSync('/proc/self')
    ? readdirSync('/proc').filter(name => /^\d+$/.test(name))
    : execFileSync('ps', ['-eo', 'pid='], { encoding: 'utf8' }).trim().split('\n')
  return pids.map(Number).find(pid => commandOf(pid).endsWith(`dankai-postgres-watcher ${serverPid}`))!
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}
