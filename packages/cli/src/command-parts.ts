import { type Command, InvalidArgumentError } from 'commander'

/** Makes a command with what all of them have: --json, help in the person's language, errors as exceptions. */
export type AddCommand = (usage: string, en: string, ja: string) => Command

export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.')
  return Number(text)
}

/** For options that may be given several times. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}
