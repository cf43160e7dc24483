import { isIP } from 'node:net'
import { resolve } from 'node:path'

/** What a person sets from outside; everything else is data in the store. */
export interface Settings {
  readonly host: string
  /** 0 = any free port. */
  readonly port: number
  readonly dataDir: string
  /** null: Dankai starts its own PostgreSQL under `dataDir`. */
  readonly databaseUrl: string | null
  /** An admin key that always works beside the stored ones; null: the first one is made and printed once. */
  readonly adminKey: string | null
  /** 32 bytes that seal the secrets of connections; the same for every instance. null: kept in `dataDir`. */
  readonly secretKey: Buffer | null
  readonly logLevel: LogLevel
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export type SettingsReading =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly string[] }

/** Shorter secrets can be guessed over a network within a life time of the server. */
const adminKeyLengthMin = 20

export function readSettings(environment: Readonly<Record<string, string | undefined>>): SettingsReading {
  const problems: string[] = []
  const value = (name: string): string | null => environment[name]?.trim() || null
  const refuse = (name: string, found: string, expected: string): void => {
    problems.push(`Cannot use ${name}: found ${found}, expected ${expected}.`)
  }

  const portText = value('DANKAI_PORT') ?? '4600'
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : Number.NaN
  if (!(port <= 65_535)) refuse('DANKAI_PORT', `"${portText}"`, 'a number from 0 to 65535')

  const adminKey = value('DANKAI_ADMIN_KEY')
  if (adminKey !== null && adminKey.length < adminKeyLengthMin)
    refuse('DANKAI_ADMIN_KEY', `${adminKey.length} characters`, `at least ${adminKeyLengthMin}`)

  const databaseUrl = value('DATABASE_URL')
  if (databaseUrl !== null && !/^postgres(ql)?:\/\//.test(databaseUrl))
    refuse('DATABASE_URL', 'another scheme', 'a URL that begins with postgres://')

  const secretText = value('DANKAI_SECRET_KEY')
  if (secretText !== null && !/^[0-9a-f]{64}$/i.test(secretText))
    refuse('DANKAI_SECRET_KEY', `${secretText.length} characters`, '64 hexadecimal digits (openssl rand -hex 32)')
  const secretKey = secretText === null ? null : Buffer.from(secretText, 'hex')

  const logLevel = value('DANKAI_LOG_LEVEL') ?? 'info'
  if (!isLogLevel(logLevel)) refuse('DANKAI_LOG_LEVEL', `"${logLevel}"`, `one of ${logLevels.join(', ')}`)

  const host = value('DANKAI_HOST') ?? '127.0.0.1'
  if (isIP(host) === 0 && host !== 'localhost')
    refuse('DANKAI_HOST', `"${host}"`, 'an address such as 127.0.0.1 or 0.0.0.0')

  if (problems.length > 0 || !isLogLevel(logLevel)) return { ok: false, problems }
  const dataDir = resolve(value('DANKAI_DATA_DIR') ?? '.dankai')
  return { ok: true, settings: { host, port, dataDir, databaseUrl, adminKey, secretKey, logLevel } }
}

function isLogLevel(text: string): text is LogLevel {
  return (logLevels as readonly string[]).includes(text)
}

/** Whether only programs on this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
