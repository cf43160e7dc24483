import type { FlagChange } from './flag-ports.ts'

/** The why in the history of a flag: whoever planned it may be asleep when it happens. */
export function plannedReason({ madeAt, why }: Pick<FlagChange, 'madeAt' | 'why'>): string {
  const planned = `planned ${new Date(madeAt).toISOString()}`
  return why === null ? planned : `${planned}: ${why}`
}
