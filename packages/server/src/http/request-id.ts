import { randomUUID } from 'node:crypto'

/** The one that the client gave, so that its log and ours can be read together. */
export function requestIdOf(asked: string | readonly string[] | undefined): string {
  return typeof asked === 'string' && /^[A-Za-z0-9._-]{1,100}$/.test(asked) ? asked : randomUUID()
}
