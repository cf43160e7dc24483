import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@dankai/store'
import pg from 'pg'
import type { ConnectionOf, SqlSettings } from '../connection.ts'
import { claimedCommand, connectionsOf, patienceMs } from '../testing/claimed-command.ts'
import { createSqlRunner } from './sql-runner.ts'

const folder = mkdtempSync(join(tmpdir(), 'dankai-sql-'))
let postgres: EmbeddedPostgres
let outsideUrl: string
/** Holds a lock for as long as the tests run. */
let holder: pg.Client

before(async () => {
  postgres = await startEmbeddedPostgres({ dataDir: folder })
  const url = new URL(postgres.url)
  const client = new pg.Client(postgres.url)
  await client.connect()
  await client.query('create database outside')
  await client.query('create role reporting')
  await client.end()
  url.pathname = '/outside'
  outsideUrl = url.href
  const outside = new pg.Client(outsideUrl)
  await outside.connect()
  await outside.query('create table notification (id int primary key, is_read boolean)')
  await outside.query('insert into notification select n, null from generate_series(1, 120) n')
  await outside.query('grant usage on schema public to reporting')
  holder = outside
  await holder.query('select pg_advisory_lock(1)')
})
after(async () => {
  await holder.end()
  await postgres.close()
  rmSync(folder, { recursive: true, force: true })
})

function run(text: string, change: Partial<SqlSettings> & { url?: string; at?: string } = {}) {
  const { url = outsideUrl, at = null, ...settings } = change
  const connection: ConnectionOf<'sql'> = {
    name: 'default',
    kind: 'sql',
    settings: { write: false, role: null, timeoutMs: patienceMs, ...settings },
    secrets: { url },
  }
  return createSqlRunner(connectionsOf(connection), postgres.url).run(claimedCommand({ kind: 'sql', text, at }))
}

describe('an SQL step', () => {
  it('gives back how many rows there are and the numbers of a single one', async () => {
    const { outcome, output } = await run('select count(*) as count, 1.5 as share from notification;')
    assert.deepEqual([outcome, output?.rows, output?.fields], ['succeeded', 1, { count: 120, share: 1.5 }])
    assert.equal((await run('select * from notification')).output?.rows, 120)
  })

  it('changes rows only through a connection that may write', async () => {
    const change = 'update notification set is_read = false where is_read is null'
    const refused = await run(change)
    assert.deepEqual([refused.outcome, /read-only transaction/.test(refused.detail ?? '')], ['failed', true])
    assert.equal((await run(change, { write: true })).output?.rows, 120)
    assert.equal((await run('select 1 from notification where is_read is null')).output?.rows, 0)
  })

  for (const [what, text, settings, expected] of [
    ['more than one statement', 'select 1; select 2', { write: true }, /multiple commands/],
    ['leaving its transaction to write', 'commit; delete from notification', {}, /multiple commands/],
    ['what its role may not read', 'select * from notification', { role: 'reporting' }, /permission denied/],
    ['a statement that takes too long', 'select pg_advisory_lock(1)', { timeoutMs: 1_000 }, /statement timeout/],
    ['the name of a file', 'rollback/count-tokens.sql', {}, /found the name of a file/],
    ['a connection nobody made', 'select 1', { at: 'billing' }, /no connection of that name/],
  ] as const)
    it(`fails for ${what}`, async () => {
      const result = await run(text, settings)
      assert.equal(result.outcome, 'failed')
      assert.match(result.detail ?? '', expected)
    })

  it('never touches the control database, whatever its address is called', async () => {
    const url = new URL(postgres.url)
    for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
      url.hostname = host
      assert.match((await run('select 1', { url: url.href })).detail ?? '', /Dankai's own database/)
    }
  })

  it('failed plainly when the database is not there', async () => {
    const result = await run('select 1', { url: 'postgres://nobody@127.0.0.1:1/none' })
    assert.equal(result.outcome, 'failed')
  })
})
