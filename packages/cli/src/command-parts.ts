import { type Command, InvalidArgumentError } from 'commander'
import { type Context, say } from './context.ts'

/** Makes a command with what all of them have: --json, help in the person's language, errors as exceptions. */
export type AddCommand = (usage: string, en: string, ja: string) => Command

export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.')
  return Number(text)
}

/** For commands about one environment: a key of several may name it. */
export function withPlace(command: Command, context: Context): Command {
  const environment = say(context, 'in place of that of the key', '鍵の環境の代わりに')
  const project = say(context, 'in place of that of the key', '鍵のプロジェクトの代わりに')
  return command.option('--environment <name>', environment).option('--project <name>', project)
}

/** For options that may be given several times. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}
