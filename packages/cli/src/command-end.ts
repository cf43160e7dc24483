import { asSaid, type Localized, type Refusal, refuse } from './localized.ts'

/** done: it worked. no: the answer is no (plan invalid, scenario failed, release rolled back). */
export const exitCode = { done: 0, no: 1, usage: 2, unreachable: 3 } as const
export type ExitCode = (typeof exitCode)[keyof typeof exitCode]

/** What went wrong, for people in their language and for programs by its code. */
export interface Failure {
  /** One word per kind, as the API's problems have. */
  readonly code: string
  readonly message: Localized
  /** More lines under the message: what else is missing, what is there now. */
  readonly more?: readonly string[]
  /** The server's own answer, for programs. */
  readonly problem?: unknown
}

/** Ends a command early. Without a failure everything was said already and only the exit code is left. */
export class CommandEnd extends Error {
  readonly exit: ExitCode
  readonly failure: Failure | null

  constructor(exit: ExitCode, failure: Failure | null = null) {
    super(failure?.message.en ?? '')
    this.exit = exit
    this.failure = failure
  }
}

/** The answer is no and has been printed. */
export function answeredNo(): CommandEnd {
  return new CommandEnd(exitCode.no)
}

export function misused(en: Refusal, ja: Refusal): CommandEnd {
  return new CommandEnd(exitCode.usage, { code: 'usage', message: refuse(en, ja) })
}

export function refused(code: string, en: Refusal, ja: Refusal): CommandEnd {
  return new CommandEnd(exitCode.no, { code, message: refuse(en, ja) })
}

export function unreachable(message: Localized | string, code = 'unreachable'): CommandEnd {
  return new CommandEnd(exitCode.unreachable, {
    code,
    message: typeof message === 'string' ? asSaid(message) : message,
  })
}
