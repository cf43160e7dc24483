import pino, { type Logger } from 'pino'
import type { LogLevel } from '../settings.ts'

export type { Logger }

/** One JSON line an event on stderr; stdout is for people (the address, the first admin key). */
export function createLogger(level: LogLevel): Logger {
  return pino(
    {
      level,
      base: { name: 'dankai' },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: [
          'secret',
          'secrets',
          'authorization',
          'adminKey',
          'databaseUrl',
          'key',
          '*.secret',
          '*.secrets',
          '*.authorization',
        ],
        censor: '[masked]',
      },
    },
    pino.destination({ fd: 2, sync: false }),
  )
}
