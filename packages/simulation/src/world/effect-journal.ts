/** What was really done to the outside world, in order: `nginx reloads with weight=10`, `run npm test`. */
export interface PerformedEffect {
  readonly at: number
  readonly text: string
}

export interface EffectJournal {
  readonly performed: readonly PerformedEffect[]
  record(at: number, text: string): void
}

export function createEffectJournal(): EffectJournal {
  const performed: PerformedEffect[] = []
  return {
    performed,
    record(at, text) {
      performed.push({ at, text })
    },
  }
}
