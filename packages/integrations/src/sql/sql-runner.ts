/**
 * `sql: text` steps, through a connection of kind "sql" with a role and a time-out of its own.
 *
 *  1. The step's `at` names the connection; without it, "default".
 *  2. A connection that may only read runs the text in a READ ONLY transaction, which the database enforces.
 *  3. Never the control database: a URL whose host, port and database are the server's own is refused.
 *  4. The text runs in one transaction: it happened, or it did not. Only a connection that breaks during COMMIT leaves
 *     the outcome unknown, and then it is said to be so.
 */
import type { ClaimedCommand, EffectRunner } from '@dankai/engine'
import pg from 'pg'
import { outputBytesMax } from '../command-output.ts'
import { ambiguous, type ConnectionOf, type Connections, failed, type RunResult, scopeOf } from '../connection.ts'

type SqlConnection = ConnectionOf<'sql'>

/** More rows than a person reads in a record; the count is of all rows all the same. */
const rowsShownMax = 50

export function createSqlRunner(connections: Connections, controlDatabaseUrl: string): EffectRunner {
  return {
    kinds: ['sql'],
    async run(claimed) {
      const { effect } = claimed.command
      if (effect.kind !== 'sql') return failed(`Cannot run a ${effect.kind} command as SQL`)
      const connection = chooseSql(effect.at, await connections.all(scopeOf(claimed), 'sql'))
      if ('problem' in connection) return failed(connection.problem)
      const problem = sqlProblem(effect.text, connection, controlDatabaseUrl)
      return problem === null ? execute(claimed, effect.text, connection) : failed(problem)
    },
  }
}

export function chooseSql(
  at: string | null,
  connections: readonly SqlConnection[],
): SqlConnection | { readonly problem: string } {
  const wanted = at ?? 'default'
  return (
    connections.find(({ name }) => name === wanted) ?? {
      problem: `Cannot run SQL at "${wanted}": found no connection of that name, expected one of kind sql. An admin can make it: PUT /v1/connections/${wanted}`,
    }
  )
}

function sqlProblem(text: string, { name, secrets }: SqlConnection, control: string): string | null {
  if (/^\S+\.sql$/.test(text.trim()))
    return `Cannot run "${text}": found the name of a file, expected SQL text. Apply the plan with "dankai apply", which reads the file`
  if (secrets.url === undefined) return `Cannot use connection "${name}": found no URL, expected one`
  if (isSameDatabase(secrets.url, control))
    return `Cannot use connection "${name}": found Dankai's own database, expected another one`
  return null
}

function isSameDatabase(a: string, b: string): boolean {
  const [first, second] = [a, b].map(url => new pg.Client({ connectionString: url }))
  const local = (host: string): string => (/^(localhost|127\.|::1|\[::1\]|\/)/.test(host) ? 'local' : host)
  return (
    local(first!.host) === local(second!.host) && first!.port === second!.port && first!.database === second!.database
  )
}

async function execute(claimed: ClaimedCommand, text: string, connection: SqlConnection): Promise<RunResult> {
  const timeoutMs = Math.min(connection.settings.timeoutMs, claimed.command.timeoutMs)
  const client = new pg.Client({
    connectionString: connection.secrets.url,
    connectionTimeoutMillis: timeoutMs,
    // The server's own limit ends the statement; the client's, a little later, ends a connection that hangs.
    statement_timeout: timeoutMs,
    query_timeout: timeoutMs + 1_000,
    application_name: `dankai ${claimed.id}`,
  })
  client.on('error', () => {})
  let committing = false
  try {
    await client.connect()
    await client.query(connection.settings.write ? 'BEGIN' : 'BEGIN READ ONLY')
    if (connection.settings.role !== null)
      await client.query(`SET LOCAL ROLE ${client.escapeIdentifier(connection.settings.role)}`)
    // The extended protocol takes one statement only, so a text cannot end the transaction it stands in.
    const result = await client.query({
      text: text.trim().replace(/;$/, ''),
      values: [],
      queryMode: 'extended',
    } as pg.QueryConfig)
    committing = true
    await client.query('COMMIT')
    return { outcome: 'succeeded', detail: null, output: outputOf(result) }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    return committing ? ambiguous(detail) : failed(detail)
  } finally {
    await client.end().catch(() => {})
  }
}

function outputOf(result: pg.QueryResult): NonNullable<RunResult['output']> {
  const shown = result.rows.slice(0, rowsShownMax)
  const first: unknown = result.rows.length === 1 ? result.rows[0] : null
  return {
    text: JSON.stringify(shown).slice(0, outputBytesMax / 3),
    status: null,
    rows: result.rows.length > 0 ? result.rows.length : (result.rowCount ?? 0),
    fields: first === null ? {} : numbersOf(first as Record<string, unknown>),
  }
}

/** Counts are bigint, which arrives as text. */
function numbersOf(row: Readonly<Record<string, unknown>>): Record<string, number> {
  const numbers = Object.entries(row).flatMap(([name, value]) => {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
    return typeof number === 'number' && Number.isFinite(number) ? [[name, number] as const] : []
  })
  return Object.fromEntries(numbers)
}
