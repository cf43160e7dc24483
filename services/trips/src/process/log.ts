/** One JSON line on stderr; stdout belongs to the lines that other processes read. */
export function log(
  level: 'info' | 'warn' | 'error',
  message: string,
  facts: Readonly<Record<string, unknown>> = {},
): void {
  process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), level, message, ...facts })}\n`)
}

/** At most one line per `everyMs`, with the number of those left out: what a client sends must not fill the disk. */
export function createQuietLog(
  everyMs: number,
  now: () => number,
): (message: string, facts: Readonly<Record<string, unknown>>) => void {
  let nextAt = 0
  let leftOut = 0
  return (message, facts) => {
    if (now() < nextAt) {
      leftOut += 1
      return
    }
    log('warn', message, { ...facts, leftOut })
    nextAt = now() + everyMs
    leftOut = 0
  }
}
