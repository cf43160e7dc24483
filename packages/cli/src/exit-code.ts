/** done: it worked. no: the answer is no (plan invalid, scenario failed, release rolled back). */
export const exitCode = { done: 0, no: 1, usage: 2, unreachable: 3 } as const
export type ExitCode = (typeof exitCode)[keyof typeof exitCode]

/** Ends a command with a message and a code. The message follows the grammar: what, found, expected, next step. */
export class CommandEnd extends Error {
  readonly code: ExitCode
  /** Printed with --json instead of the message. */
  readonly data: unknown

  constructor(code: ExitCode, message: string, data: unknown = null) {
    super(message)
    this.code = code
    this.data = data
  }
}
