/**
 * A command line as words, without a shell: quotes and backslashes group, nothing is expanded.
 *
 * Signs that only a shell understands (pipes, redirections, `;`, `&`, `$`, backticks, globs outside quotes) are refused
 * instead of being passed on as text, because the program would then do something else than the plan's author meant.
 */
export type SplitCommand = { readonly words: readonly [string, ...string[]] } | { readonly problem: string }

const shellOnly = new Set(['|', '&', ';', '<', '>', '`', '$', '(', ')', '*', '?', '~', '#', '\n'])

export function splitCommand(command: string): SplitCommand {
  const words: string[] = []
  let word: string | null = null
  let quote: '"' | "'" | null = null
  for (let at = 0; at < command.length; at++) {
    const sign = command[at]!
    if (quote === "'") {
      if (sign === "'") quote = null
      else word += sign
    } else if (sign === '\\') {
      at++
      word = (word ?? '') + (command[at] ?? '')
    } else if (quote === '"') {
      if (sign === '"') quote = null
      else if (sign === '$' || sign === '`') return refuse(command, sign)
      else word += sign
    } else if (sign === '"' || sign === "'") {
      quote = sign
      word ??= ''
    } else if (sign === ' ' || sign === '\t') {
      if (word !== null) words.push(word)
      word = null
    } else if (isShellOnly(sign, word)) {
      return refuse(command, sign)
    } else {
      word = (word ?? '') + sign
    }
  }
  if (quote !== null) return { problem: `Cannot split "${command}": found an open ${quote}, expected it closed` }
  if (word !== null) words.push(word)
  const [program, ...rest] = words
  if (program === undefined) return { problem: 'Cannot split "": found nothing, expected a program' }
  return { words: [program, ...rest] }
}

/** `?` in a URL and `~` or `#` inside a word are plain text to a program, and harmless. */
function isShellOnly(sign: string, word: string | null): boolean {
  if (!shellOnly.has(sign)) return false
  if (sign === '?') return word === null || !word.includes('://')
  return !((sign === '~' || sign === '#') && word !== null)
}

function refuse(command: string, sign: string): SplitCommand {
  return {
    problem: `Cannot run "${command}": found ${JSON.stringify(sign)}, which only a shell understands; this runner has none. Put it in quotes or in a script`,
  }
}
