import { log } from './log.ts'

/** How long an orderly end may take before the process ends anyway. */
const GRACE_MS = 5_000

/** Tells whoever started this process that it is ready, and where: one JSON line on stdout. */
export function printReady(facts: { readonly listening: number } & Readonly<Record<string, unknown>>): void {
  printLine({ ...facts, pid: process.pid })
}

export function printLine(facts: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(facts)}\n`)
}

/**
 * Ends the process in order at SIGTERM or SIGINT, or, with `--supervised`, when stdin closes: a child whose starter was
 * killed must not stay behind.
 */
export function endInOrder(close: () => Promise<void>, { supervised }: { readonly supervised: boolean }): void {
  let isEnding = false
  const end = () => {
    if (isEnding) return
    isEnding = true
    setTimeout(() => process.exit(1), GRACE_MS).unref()
    close().then(
      () => process.exit(0),
      error => {
        log('error', 'Cannot end in order', { cause: String(error) })
        process.exit(1)
      },
    )
  }
  process.once('SIGTERM', end)
  process.once('SIGINT', end)
  if (supervised) process.stdin.on('end', end).on('error', end).resume()
}
