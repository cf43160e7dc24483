import { readdirSync, readFileSync, statSync } from 'node:fs'
import { isAbsolute, join, relative } from 'node:path'
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

/** Every YAML file under the given files and folders, in order of their paths. */
export function readPlanFiles(terminal: Terminal, paths: readonly string[]): readonly PlanFile[] {
  const files = paths.flatMap(path => filesUnder(absolute(terminal, path), path)).sort()
  const unique = [...new Set(files)]
  if (unique.length === 0) {
    throw new CommandEnd(
      exitCode.usage,
      `Cannot read plans in "${paths.join(' ')}": found no .yaml file, expected at least one. Give a plan file or a folder that holds one.`,
    )
  }
  if (unique.length > filesMax) {
    throw new CommandEnd(
      exitCode.usage,
      `Cannot read plans in "${paths.join(' ')}": found ${unique.length} files, expected at most ${filesMax}. Give a folder that holds plans alone.`,
    )
  }
  return unique.map(file => readPlanFile(terminal, file))
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
