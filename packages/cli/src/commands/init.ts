import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { misused, refused } from '../command-end.ts'
import { type Context, print, say } from '../context.ts'

/** Files of a first plan; NAME stands for its name. */
const samples = [
  ['first-plan.yaml', 'plan.yaml'],
  ['first-scenarios.yaml', join('scenarios', 'scenarios.yaml')],
] as const

/** The longest name that still leaves room for the flag NAME-new, and no word that YAML reads as true or false. */
const nameForm = /^(?!(on|off|yes|no)$)[a-z][a-z0-9-]{0,58}$/

/** Writes a plan that runs, and tests of it that pass. Never overwrites anything: either all files are new or none is. */
export function initPlan(context: Context, name: string): void {
  if (!nameForm.test(name)) throw wrongName(name)
  const { workingFolder } = context.terminal
  const folder = join(workingFolder, 'plans', name)
  const written: string[] = []
  for (const [sample, place] of samples) {
    const path = join(folder, place)
    const text = readFileSync(new URL(`../samples/${sample}`, import.meta.url), 'utf8')
    mkdirSync(dirname(path), { recursive: true })
    if (!writeNew(path, text.replaceAll('NAME', name))) {
      for (const earlier of written) rmSync(earlier)
      throw takenPath(name, relative(workingFolder, path))
    }
    written.push(path)
  }
  const files = written.map(path => relative(workingFolder, path))
  print(context, { plan: name, files }, () => [
    ...files.map(path => say(context, `wrote ${path}`, `${path} を書きました`)),
    say(context, `Try it: dankai test plans/${name}`, `試すには: dankai test plans/${name}`),
  ])
}

/** False when there is a file already. */
function writeNew(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function wrongName(name: string): Error {
  return misused(
    {
      cannot: `make plan "${name}"`,
      found: 'another form',
      expected: 'a lower-case letter, then up to 58 lower-case letters, digits and "-"',
      next: 'Choose such a name.',
    },
    {
      cannot: `計画 "${name}" を作れません`,
      found: '違う形です',
      expected: '英小文字で始まる、英小文字・数字・"-" の 59 字以内の名前',
      next: 'そのような名前にしてください。',
    },
  )
}

function takenPath(name: string, path: string): Error {
  return refused(
    'conflict',
    {
      cannot: `make plan "${name}"`,
      found: `"${path}" already`,
      expected: 'no such file',
      next: 'Choose another name.',
    },
    {
      cannot: `計画 "${name}" を作れません`,
      found: `"${path}" がすでにあります`,
      expected: 'まだない名前',
      next: '別の名前にしてください。',
    },
  )
}
