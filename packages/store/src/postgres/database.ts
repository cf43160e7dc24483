import pg from 'pg'
import { StoreError, toStoreError } from '../store-error.ts'

/**
 * The doors to PostgreSQL.
 *
 * - `query` goes through the common pool, `urgent` through connections kept for lowering exposure and emergencies, so
 *   that no amount of ordinary work can stand in their way.
 * - Every statement has a name (prepared once per connection) and says in words what it does, for messages.
 * - Times are epoch milliseconds. `now` is null for the database's own clock, or the injected clock's reading.
 */
export interface Statement {
  /** Unique; also the name of the prepared statement. */
  readonly name: string
  /** Completes "Cannot …" in messages. */
  readonly doing: string
  readonly text: string
}

export type Query = <Row extends object>(statement: Statement, values: readonly unknown[]) => Promise<Row[]>

export interface Database {
  readonly query: Query
  readonly urgent: Query
  transaction<Result>(doing: string, work: (query: Query) => Promise<Result>): Promise<Result>
  now(): Promise<number | null>
  readonly schema: string
  readonly connection: pg.ClientConfig
  close(): Promise<void>
}

export interface DatabaseOptions {
  readonly url: string
  readonly schema: string
  readonly poolSize: number
  readonly clock: { now(): number | Promise<number> } | null
}

const connectTimeoutMs = 2_000
const statementTimeoutMs = 5_000
/** An emergency must not wait: after a second the overlay goes to memory and a local file instead. */
const urgentTimeoutMs = 1_000
const urgentPoolSize = 2

export function openDatabase(options: DatabaseOptions): Database {
  const connection = connectionOf(options)
  const pool = openPool(
    { ...connection, max: options.poolSize, connectionTimeoutMillis: statementTimeoutMs },
    statementTimeoutMs,
  )
  // Never closed for being idle: in an emergency there is no time to open one.
  const kept = { max: urgentPoolSize, connectionTimeoutMillis: urgentTimeoutMs, idleTimeoutMillis: 0 }
  const urgentPool = openPool({ ...connection, ...kept }, urgentTimeoutMs)
  const { clock } = options
  return {
    query: queryOn(pool),
    urgent: (statement, values) =>
      queryOn(hasRoom(urgentPool) || !hasRoom(pool) ? urgentPool : pool)(statement, values),
    transaction: (doing, work) => runTransaction(pool, doing, work),
    now: async () => (clock === null ? null : await clock.now()),
    schema: options.schema,
    connection,
    async close() {
      await Promise.all([pool.end(), urgentPool.end()])
    },
  }
}

export function connectionOf(options: Pick<DatabaseOptions, 'url' | 'schema'>): pg.ClientConfig {
  return {
    connectionString: options.url,
    application_name: 'dankai',
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    options: `-c search_path=${options.schema}`,
    types: { getTypeParser },
  }
}

function openPool(config: pg.PoolConfig, timeoutMs: number): pg.Pool {
  const pool = new pg.Pool({
    ...config,
    statement_timeout: timeoutMs,
    // The server normally ends a slow statement; this is for a server that says nothing any more.
    query_timeout: timeoutMs + 500,
    idle_in_transaction_session_timeout: 2 * timeoutMs,
  })
  // An idle connection that breaks is replaced by the pool; unheard, the event would end the process.
  pool.on('error', () => {})
  return pool
}

/** The kept connections are few; while ordinary work leaves room, many urgent statements may use that too. */
function hasRoom(pool: pg.Pool): boolean {
  return pool.waitingCount === 0 && (pool.idleCount > 0 || pool.totalCount < pool.options.max)
}

/** Counts and times fit a JavaScript number; the driver would give them as text. */
const parseInteger = (text: string) => {
  const value = Number(text)
  if (!Number.isSafeInteger(value))
    throw new StoreError('failed', `Cannot read number "${text}": found more than 53 bits.`)
  return value
}

const getTypeParser = ((type: number, format?: 'text' | 'binary') =>
  type === pg.types.builtins.INT8
    ? parseInteger
    : pg.types.getTypeParser(type, format as 'text')) as typeof pg.types.getTypeParser

function queryOn(target: pg.Pool | pg.PoolClient): Query {
  return async <Row extends object>(statement: Statement, values: readonly unknown[]): Promise<Row[]> => {
    try {
      const config = { name: statement.name, text: statement.text, values: values as unknown[] }
      return (await target.query<Row>(config)).rows
    } catch (error) {
      throw toStoreError(error, statement.doing)
    }
  }
}

async function runTransaction<Result>(
  pool: pg.Pool,
  doing: string,
  work: (query: Query) => Promise<Result>,
): Promise<Result> {
  const client = await translated(pool.connect(), doing)
  // The pool listens to idle connections only; unheard, the end of a connection in use would end the process.
  const onError = () => {}
  client.on('error', onError)
  let isBroken = false
  try {
    await translated(client.query('begin'), doing)
    const result = await work(queryOn(client))
    await translated(client.query('commit'), doing)
    return result
  } catch (error) {
    isBroken = await client.query('rollback').then(
      () => false,
      () => true,
    )
    throw error
  } finally {
    client.removeListener('error', onError)
    // A connection whose rollback failed is not given back to the pool.
    client.release(isBroken)
  }
}

async function translated<Result>(answer: Promise<Result>, doing: string): Promise<Result> {
  return answer.catch(error => {
    throw toStoreError(error, doing)
  })
}
