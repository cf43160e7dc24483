import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, relative } from 'node:path'
import { CommandEnd, exitCode } from './exit-code.ts'
import type { Terminal } from './terminal.ts'

export interface PlanFile {
  /** As the person would write it: relative to where the command runs. */
  readonly path: string
  /** As read; the language decodes them and says what is wrong with them. */
  readonly text: Uint8Array
}

/** Folders beyond this are not plans. */
const filesMax = 500
/** The language refuses documents over 1 MB; here a file is not even read when it cannot be one. */
const bytesMax = 1_000_000

/**
 * Every YAML file under the given files and folders, in order of their paths. A file given by itself brings what stands
 * beside it in its folder: checklists, calendars and scenarios it may name.
 */
export function readPlanFiles(terminal: Terminal, paths: readonly string[]): readonly PlanFile[] {
  const given = new Set(paths.flatMap(path => filesUnder(absolute(terminal, path), path)))
  const alone = paths.map(path => absolute(terminal, path)).filter(path => statSync(path).isFile())
  const beside = alone.flatMap(path => filesUnder(dirname(path), path)).filter(path => !given.has(path))
  if (given.size === 0) {
    throw new CommandEnd(
      exitCode.usage,
      `Cannot read plans in "${paths.join(' ')}": found no .yaml file, expected at least one. Give a plan file or a folder that holds one.`,
    )
  }
  if (given.size + beside.length > filesMax) {
    throw new CommandEnd(
      exitCode.usage,
      `Cannot read plans in "${paths.join(' ')}": found ${given.size + beside.length} files, expected at most ${filesMax}. Give a folder that holds plans alone.`,
    )
  }
  const helpers = [...new Set(beside)].map(file => readPlanFile(terminal, file))
  return [...[...given].map(file => readPlanFile(terminal, file)), ...helpers].sort((a, b) =>
    a.path < b.path ? -1 : 1,
  )
}

/** The files a person named, as they are written in places. */
export function givenFiles(terminal: Terminal, paths: readonly string[]): ReadonlySet<string> {
  const files = paths.flatMap(path => filesUnder(absolute(terminal, path), path))
  return new Set(files.map(file => relative(terminal.workingFolder, file) || file))
}

function filesUnder(path: string, asWritten: string): readonly string[] {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) {
    throw new CommandEnd(
      exitCode.usage,
      `Cannot read "${asWritten}": found no such file or folder, expected a plan. Check the path.`,
    )
  }
  if (found.isFile()) return [path]
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && /\.ya?ml$/.test(entry.name) && !entry.parentPath.includes('node_modules'))
    .map(entry => join(entry.parentPath, entry.name))
}

function readPlanFile(terminal: Terminal, file: string): PlanFile {
  const path = relative(terminal.workingFolder, file) || file
  const { size } = statSync(file)
  if (size > bytesMax) {
    throw new CommandEnd(
      exitCode.no,
      `Cannot read "${path}": found ${size} bytes, expected at most ${bytesMax}. A plan is a small text; split it or check the file.`,
    )
  }
  return { path, text: readFileSync(file) }
}

function absolute(terminal: Terminal, path: string): string {
  return isAbsolute(path) ? path : join(terminal.workingFolder, path)
}
