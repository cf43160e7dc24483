/**
 * From paths to the files a command reads, without trusting what is there.
 *
 *  1. A file given by itself brings what stands beside it (its folder, and `scenarios/` in it), because plans name
 *     checklists, calendars and templates of other files. What stands beside is help, never the question.
 *  2. Walking, counting and reading have bounds: a wrong folder ends in a sentence, not in a full memory.
 *  3. A file that cannot be a plan is a problem of that file, so that the others are still judged.
 */
import { closeSync, type Dir, type Dirent, opendirSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Problem } from '@dankai/plan'
import { type CommandEnd, misused } from './command-end.ts'
import { refuse } from './localized.ts'
import type { Terminal } from './terminal.ts'

export interface PlanFile {
  /** As the person would write it: relative to where the command runs. */
  readonly path: string
  /** As read; the language decodes them and says what is wrong with them. */
  readonly text: Uint8Array
}

export interface PlanFiles {
  /** What the person named, in order of the paths. */
  readonly given: readonly PlanFile[]
  readonly beside: readonly PlanFile[]
  /** Files too large to be read. */
  readonly problems: readonly Problem[]
}

/** A repository of 100 plans with helpers and scenarios has 400. */
const filesMax = 500
const besideMax = 200
/** A folder of plans has hundreds of entries; far beyond it is a home directory or a disk. */
const entriesMax = 20_000
const depthMax = 20
/** The language refuses documents over 1 MB; a larger file is not even read. */
const bytesMax = 1_000_000
/** The largest repository of plans has a few megabytes. */
const totalBytesMax = 32_000_000

export function readPlanFiles(terminal: Terminal, paths: readonly string[]): PlanFiles {
  const given = [...new Set(paths.flatMap(path => filesUnder(absolute(terminal, path), path)))].sort()
  if (given.length === 0) throw nothingFound(paths)
  const alone = paths.map(path => absolute(terminal, path)).filter(path => !statSync(path).isDirectory())
  const beside = [...new Set(alone.flatMap(filesBeside))].filter(path => !given.includes(path)).sort()
  const reading = startReading(terminal)
  const files = given.flatMap(path => reading.read(path))
  return { given: files, beside: readNeighbours(terminal, beside), problems: reading.problems }
}

/** Too many neighbours are no neighbours: /tmp must not decide about the plan that lies in it. */
function readNeighbours(terminal: Terminal, paths: readonly string[]): readonly PlanFile[] {
  if (paths.length > besideMax) return []
  const reading = startReading(terminal)
  try {
    return paths.flatMap(path => reading.read(path))
  } catch {
    return []
  }
}

// ── Finding ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function filesUnder(path: string, asWritten: string): readonly string[] {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) throw noSuchPath(asWritten)
  if (found.isFile() || found.isFIFO()) return [path]
  if (!found.isDirectory()) throw noFile(asWritten)
  const files: string[] = []
  let entries = 0
  const walk = (folder: string, depth: number): void => {
    for (const entry of entriesOf(folder)) {
      entries++
      if (entries > entriesMax || files.length > filesMax) throw tooMany(asWritten)
      if (isSkipped(entry.name)) continue
      const child = join(folder, entry.name)
      if (entry.isDirectory() && depth < depthMax) walk(child, depth + 1)
      else if (isPlanFile(child, entry)) files.push(child)
    }
  }
  walk(path, 0)
  return files
}

function filesBeside(file: string): readonly string[] {
  const folder = dirname(file)
  const near = basename(folder) === 'scenarios' ? dirname(folder) : folder
  return [near, join(near, 'scenarios')].flatMap(filesIn)
}

function filesIn(folder: string): readonly string[] {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return []
  const files: string[] = []
  for (const entry of entriesOf(folder)) {
    if (files.length > besideMax) break
    const child = join(folder, entry.name)
    if (!isSkipped(entry.name) && isPlanFile(child, entry)) files.push(child)
  }
  return files
}

function* entriesOf(folder: string): Generator<Dirent> {
  const opened = openFolder(folder)
  try {
    for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) yield entry
  } finally {
    opened.closeSync()
  }
}

/** The system's own error does not always say which folder it was. */
function openFolder(folder: string): Dir {
  try {
    return opendirSync(folder)
  } catch (error) {
    throw Object.assign(error as Error, { path: folder })
  }
}

/** Hidden folders hold versions of files (.git, the `..data` of a mounted volume), not more of them. */
const isSkipped = (name: string): boolean => name.startsWith('.') || name === 'node_modules'

function isPlanFile(path: string, entry: Dirent): boolean {
  if (!/\.ya?ml$/i.test(entry.name)) return false
  return entry.isFile() || (entry.isSymbolicLink() && statSync(path, { throwIfNoEntry: false })?.isFile() === true)
}

// ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function startReading(terminal: Terminal) {
  const problems: Problem[] = []
  let total = 0
  return {
    problems,
    read(file: string): readonly PlanFile[] {
      const path = relative(terminal.workingFolder, file) || file
      const found = statSync(file)
      if (found.size > bytesMax) {
        problems.push(describeTooLarge(path, found))
        return []
      }
      const text = readBytes(file)
      total += text.byteLength
      if (total > totalBytesMax) throw tooMany(path)
      return [{ path, text }]
    },
  }
}

/** Pipes have no size to ask for, so reading itself stops where no plan is that long. */
function readBytes(file: string): Uint8Array {
  const buffer = Buffer.allocUnsafe(bytesMax + 1)
  const opened = openSync(file, 'r')
  try {
    let length = 0
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(opened, buffer, length, buffer.length - length, null)
    }
    return new Uint8Array(buffer.subarray(0, length))
  } finally {
    closeSync(opened)
  }
}

function absolute(terminal: Terminal, path: string): string {
  // A path with this character cannot exist, and the operating system is not asked about it.
  if (path.includes('\0')) throw noSuchPath(path.replaceAll('\0', '\\0'))
  return resolve(terminal.workingFolder, path)
}

// ── Saying what is wrong ────────────────────────────────────────────────────────────────────────────────────────────

function describeTooLarge(path: string, { size }: Stats): Problem {
  const message = refuse(
    {
      cannot: `read file "${path}"`,
      found: `${size} bytes`,
      expected: `at most ${bytesMax}`,
      next: 'Split it into several files',
    },
    {
      cannot: `ファイル "${path}" を読めません`,
      found: `${size} バイトあります`,
      expected: `${bytesMax} バイト以下`,
      next: '複数のファイルに分けてください',
    },
  )
  return { code: 'file-too-large', place: { file: path, line: 1, column: 1 }, path: '', message }
}

function noSuchPath(path: string): CommandEnd {
  return misused(
    { cannot: `read "${path}"`, found: 'no such file or folder', expected: 'a plan', next: 'Check the path.' },
    {
      cannot: `"${path}" を読めません`,
      found: 'そのファイルもフォルダもありません',
      expected: '計画',
      next: 'パスを確かめてください。',
    },
  )
}

function noFile(path: string): CommandEnd {
  return misused(
    {
      cannot: `read "${path}"`,
      found: 'a device or socket',
      expected: 'a plan file or a folder',
      next: 'Check the path.',
    },
    {
      cannot: `"${path}" を読めません`,
      found: '装置かソケットです',
      expected: '計画のファイルかフォルダ',
      next: 'パスを確かめてください。',
    },
  )
}

function nothingFound(paths: readonly string[]): CommandEnd {
  const shown = paths.join(' ')
  return misused(
    {
      cannot: `read plans in "${shown}"`,
      found: 'no .yaml file',
      expected: 'at least one',
      next: 'Give a plan file or a folder that holds one.',
    },
    {
      cannot: `"${shown}" の計画を読めません`,
      found: '.yaml ファイルがありません',
      expected: '1 つ以上',
      next: '計画のファイルか、それがあるフォルダを指定してください。',
    },
  )
}

function tooMany(path: string): CommandEnd {
  return misused(
    {
      cannot: `read plans in "${path}"`,
      found: `more than ${filesMax} plan files, ${entriesMax} entries or ${totalBytesMax / 1_000_000} MB`,
      expected: 'a folder of plans',
      next: 'Give a folder that holds plans alone.',
    },
    {
      cannot: `"${path}" の計画を読めません`,
      found: `計画ファイル ${filesMax} 個、項目 ${entriesMax} 個、${totalBytesMax / 1_000_000} MB のどれかを超えています`,
      expected: '計画のフォルダ',
      next: '計画だけがあるフォルダを指定してください。',
    },
  )
}
