/**
 * The one place where what PostgreSQL or the network says becomes what the rest of Dankai understands. Expected
 * outcomes (a lost fence, a taken name) are values of the ports and never come here.
 */
export type StoreErrorCode =
  /** No connection, or it broke: whether a write happened is not known; reload. */
  | 'unreachable'
  /** The database took longer than it may. */
  | 'slow'
  /** Two transactions were in each other's way; the same call may be made again. */
  | 'contention'
  /** What was named is not there, or is used by something else. */
  | 'reference'
  /** Another process runs under this instance's name. */
  | 'superseded'
  /** The database needs a newer program. */
  | 'program too old'
  | 'failed'

export class StoreError extends Error {
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'StoreError'
    this.code = code
  }
}

const codesBySqlState: Readonly<Record<string, StoreErrorCode>> = {
  '40001': 'contention',
  '40P01': 'contention',
  '55P03': 'contention',
  '57014': 'slow',
  '23503': 'reference',
  '53300': 'unreachable',
  '57P01': 'unreachable',
  '57P02': 'unreachable',
  '57P03': 'unreachable',
}

const nextSteps: Readonly<Record<StoreErrorCode, string>> = {
  unreachable: 'Check that the database runs and DATABASE_URL names it.',
  slow: 'Check the load of the database.',
  contention: 'Try again.',
  reference: 'Check what it names.',
  superseded: 'Stop one of them, or give it another instance name.',
  'program too old': 'Upgrade this instance.',
  failed: 'This is a fault in Dankai or in the database; the log has the cause.',
}

export function toStoreError(error: unknown, doing: string): StoreError {
  if (error instanceof StoreError) return error
  const { code: sqlState, message } = error as { code?: string; message?: string }
  const code = codeOf(sqlState, message ?? '')
  return new StoreError(
    code,
    `Cannot ${doing}: found "${message}", expected an answer of the database. ${nextSteps[code]}`,
    error,
  )
}

function codeOf(sqlState: string | undefined, message: string): StoreErrorCode {
  if (sqlState !== undefined && sqlState.length === 5) {
    return codesBySqlState[sqlState] ?? (sqlState.startsWith('08') ? 'unreachable' : 'failed')
  }
  if (sqlState !== undefined) return 'unreachable'
  if (/timeout|timed out/i.test(message)) return message.includes('connect') ? 'unreachable' : 'slow'
  return /Connection terminated|not queryable|Client has encountered/i.test(message) ? 'unreachable' : 'failed'
}
