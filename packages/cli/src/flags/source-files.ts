/**
 * The source files under a folder, without trusting what is there.
 *
 * 1. What tools made or fetched is not source: node_modules, dot folders, build results, locks, maps.
 * 2. Walking, counting and reading have bounds; what was left out because of one is counted and said.
 * 3. No symbolic link is followed: it may lead out of the folder, or round in a circle.
 */
import { closeSync, type Dirent, opendirSync, openSync, readSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { misused } from '../command-end.ts'
import type { Terminal } from '../terminal.ts'

export interface SourceFile {
  /** As the person would write it. */
  readonly path: string
  readonly text: string
}

export interface SourceWalk {
  readonly files: Iterable<SourceFile>
  /** Files too large, or beyond the bound; final when the files were read. */
  leftOut(): number
}

/** The largest repositories of one product. */
const filesMax = 50_000
const entriesMax = 500_000
const depthMax = 40
/** Written by people, not by tools. */
const bytesMax = 1_000_000

const skippedFolders = new Set(['node_modules', 'dist', 'build', 'out', 'coverage', 'target', 'vendor', 'Pods'])
const skippedFiles = /(?:\.lock|-lock\.json|-lock\.yaml|\.map|\.min\.(?:js|css)|\.snap)$/

export function walkSources(terminal: Pick<Terminal, 'workingFolder'>, folder: string): SourceWalk {
  if (folder.includes('\0')) throw noFolder(folder.replaceAll('\0', '\\0'))
  const root = resolve(terminal.workingFolder, folder)
  const isFolder = statSync(root, { throwIfNoEntry: false })?.isDirectory() ?? false
  if (!isFolder) throw noFolder(folder)
  let leftOut = 0
  return { files: readAll(), leftOut: () => leftOut }

  function* readAll(): Generator<SourceFile> {
    let files = 0
    for (const path of pathsUnder(root, 0, { left: entriesMax })) {
      files += 1
      const text = files > filesMax ? null : readSource(path)
      if (text === null) leftOut += 1
      else if (!text.includes('\0')) yield { path: relative(terminal.workingFolder, path), text }
    }
  }
}

function* pathsUnder(folder: string, depth: number, entries: { left: number }): Generator<string> {
  for (const entry of namesIn(folder)) {
    entries.left -= 1
    if (entries.left < 0) return
    if (entry.name.startsWith('.')) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory() && depth < depthMax && !skippedFolders.has(entry.name))
      yield* pathsUnder(path, depth + 1, entries)
    else if (entry.isFile() && !skippedFiles.test(entry.name)) yield path
  }
}

/** In order, so that two runs say the same. */
function namesIn(folder: string): readonly Dirent[] {
  const opened = opendirSync(folder)
  const entries: Dirent[] = []
  try {
    for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) entries.push(entry)
  } finally {
    opened.closeSync()
  }
  return entries.sort((one, other) => (one.name < other.name ? -1 : 1))
}

/** null: longer than people write. */
function readSource(path: string): string | null {
  const buffer = Buffer.allocUnsafe(bytesMax + 1)
  const file = openSync(path, 'r')
  try {
    let length = 0
    for (let read = -1; read !== 0 && length < buffer.length; length += read)
      read = readSync(file, buffer, length, buffer.length - length, null)
    return length > bytesMax ? null : buffer.toString('utf8', 0, length)
  } finally {
    closeSync(file)
  }
}

function noFolder(folder: string): Error {
  return misused(
    {
      cannot: `look for flags in "${folder}"`,
      found: 'no such folder',
      expected: 'a folder of source',
      next: 'Check the path.',
    },
    {
      cannot: `"${folder}" でフラグを探せません`,
      found: 'そのフォルダはありません',
      expected: 'ソースのフォルダ',
      next: 'パスを確かめてください。',
    },
  )
}
