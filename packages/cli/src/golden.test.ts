import assert from 'node:assert/strict'
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runCommand, splitWords } from './testing/run-command.ts'

const folder = fileURLToPath(new URL('./golden/', import.meta.url))

/**
 * Transcripts in golden/*.golden: comments, then `$ dankai …`, what it answers (stderr behind "! ") and `[exit N]`. Each
 * file runs in a copy of golden/files. GOLDEN=write replaces the answers by the present ones, to be read before commit.
 */
describe('a command line answers exactly as its transcript says', () => {
  for (const file of globSync('*.golden', { cwd: folder }).sort()) {
    it(basename(file, '.golden'), async () => {
      const written = readFileSync(join(folder, file), 'utf8')
      const actual = await replay(written)
      if (process.env['GOLDEN'] === 'write') writeFileSync(join(folder, file), actual)
      assert.equal(actual, written)
    })
  }
})

async function replay(transcript: string): Promise<string> {
  const workingFolder = mkdtempSync(join(tmpdir(), 'dankai-golden-'))
  cpSync(join(folder, 'files'), workingFolder, { recursive: true })
  const lines: string[] = []
  let isAnswer = false
  try {
    for (const line of transcript.split('\n')) {
      if (line.startsWith('$ ')) {
        lines.push(line, ...(await answer(line.slice(2), workingFolder)))
        isAnswer = true
      } else if (!isAnswer) lines.push(line)
      if (/^\[exit \d\]$/.test(line)) isAnswer = false
    }
  } finally {
    rmSync(workingFolder, { recursive: true })
  }
  return lines.join('\n')
}

async function answer(line: string, workingFolder: string): Promise<readonly string[]> {
  const words = splitWords(line)
  const start = words.indexOf('dankai')
  const environment = Object.fromEntries(words.slice(0, start).map(word => word.split('=', 2)))
  const { transcript, exit } = await runCommand(words.slice(start + 1), { workingFolder, environment })
  const text = transcript.replaceAll(workingFolder, 'FOLDER').replace(/[ \t]+$/gm, '')
  return [...(text === '' ? [] : text.split('\n')), `[exit ${exit}]`]
}
