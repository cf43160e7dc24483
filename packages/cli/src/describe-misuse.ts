import type { CommanderError } from 'commander'
import { type Localized, type Refusal, refuse } from './localized.ts'

/** Commander's own sentences, read once and said again in the grammar of all other messages. */
const sentences: readonly {
  readonly code: string
  readonly form: RegExp
  readonly parts: (
    words: readonly string[],
    command: string,
  ) => {
    readonly en: Pick<Refusal, 'found' | 'expected'>
    readonly ja: Pick<Refusal, 'found' | 'expected'>
  }
}[] = [
  {
    code: 'commander.unknownCommand',
    form: /unknown command '(.*?)'(?:\n|$)/su,
    parts: ([name], command) => ({
      en: { found: `no command "${name}"`, expected: `one of those that "${command} --help" lists` },
      ja: { found: `"${name}" というコマンドはありません`, expected: `"${command} --help" が示すコマンド` },
    }),
  },
  {
    code: 'commander.unknownOption',
    form: /unknown option '(.*?)'(?:\n|$)/su,
    parts: ([flag]) => ({
      en: { found: `unknown option "${flag}"`, expected: 'one of its options' },
      ja: { found: `"${flag}" というオプションはありません`, expected: '決められたオプション' },
    }),
  },
  {
    code: 'commander.missingArgument',
    form: /missing required argument '(.*?)'/su,
    parts: ([name]) => ({
      en: { found: `no <${name}>`, expected: 'one' },
      ja: { found: `<${name}> がありません`, expected: 'その値' },
    }),
  },
  {
    code: 'commander.optionMissingArgument',
    form: /option '(.*?)' argument missing/su,
    parts: ([flags]) => ({
      en: { found: `"${nameOf(flags)}" without a value`, expected: `${flags}` },
      ja: { found: `"${nameOf(flags)}" に値がありません`, expected: `${flags}` },
    }),
  },
  {
    code: 'commander.missingMandatoryOptionValue',
    form: /required option '(.*?)' not specified/su,
    parts: ([flags]) => ({
      en: { found: `no ${nameOf(flags)}`, expected: `${flags}` },
      ja: { found: `${nameOf(flags)} がありません`, expected: `${flags}` },
    }),
  },
  {
    code: 'commander.excessArguments',
    form: /Expected (\d+) arguments? but got (\d+)/su,
    parts: ([expected, got]) => ({
      en: { found: `${got} arguments`, expected: `${expected}` },
      ja: { found: `引数が ${got} 個あります`, expected: `${expected} 個` },
    }),
  },
  {
    code: 'commander.invalidArgument',
    form: /option '(.*?)' argument '(.*?)' is invalid/su,
    parts: ([flags, value]) => ({
      en: { found: `"${value}" for ${flags}`, expected: 'a whole number' },
      ja: { found: `${flags} に "${value}" があります`, expected: '0 以上の整数' },
    }),
  },
  {
    code: 'commander.invalidArgument',
    form: /command-argument value '(.*?)' is invalid for argument '(.*?)'/su,
    parts: ([value, name]) => ({
      en: { found: `"${value}" for <${name}>`, expected: 'a whole number' },
      ja: { found: `<${name}> に "${value}" があります`, expected: '0 以上の整数' },
    }),
  },
]

/** Commands that have commands of their own. */
const groups = new Set(['flags', 'experiments', 'cohort'])

export function describeMisuse({ code, message }: CommanderError, args: readonly string[]): Localized {
  const suggested = /Did you mean (?:one of )?(.*?)\?/su.exec(message)?.[1]
  const command = ['dankai', ...commandWords(code, args)].join(' ')
  const cannot = { en: `run "${command}"`, ja: `"${command}" を実行できません` }
  const next =
    suggested === undefined
      ? { en: `See "${command} --help".`, ja: `"${command} --help" を見てください。` }
      : { en: `Did you mean "${suggested}"?`, ja: `"${suggested}" のことですか?` }
  const { en, ja } = partsOf(code, message, command)
  return refuse({ cannot: cannot.en, ...en, next: next.en }, { cannot: cannot.ja, ...ja, next: next.ja })
}

/** The words of the line that name a command; the last of them is none when the command is unknown. */
function commandWords(code: string, args: readonly string[]): readonly string[] {
  const words = args.slice(0, groups.has(args[0] ?? '') ? 2 : 1)
  const named = words.slice(0, words.findIndex(word => word.startsWith('-')) >>> 0)
  return code === 'commander.unknownCommand' ? named.slice(0, -1) : named
}

function partsOf(code: string, message: string, command: string) {
  const sentence = sentences.find(candidate => candidate.code === code && candidate.form.test(message))
  const words = sentence?.form.exec(message)?.slice(1).map(oneLine)
  if (sentence !== undefined && words !== undefined) return sentence.parts(words, command)
  return {
    en: { found: 'no command', expected: 'one' },
    ja: { found: 'コマンドがありません', expected: 'どれか 1 つ' },
  }
}

const nameOf = (flags: string | undefined): string => /--[a-z-]+/.exec(flags ?? '')?.[0] ?? flags ?? ''

const oneLine = (text: string): string => [...text.replace(/\s+/gu, ' ')].slice(0, 120).join('')
