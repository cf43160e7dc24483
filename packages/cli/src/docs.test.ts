import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { checkPlan, parsePlanDocuments, renderProblem } from '@dankai/plan'
import type { Command } from 'commander'
import { Api } from './api.ts'
import { contextOf } from './context.ts'
import { createProgram } from './program.ts'
import { renderCommandLine } from './reference/command-line.ts'
import { renderEvents } from './reference/events.ts'
import { renderHttpApi } from './reference/http-api.ts'
import { generatedMark, readPage, withGenerated } from './reference/pages.ts'
import { renderPlanLanguage } from './reference/plan-language.ts'
import { type LocalServer, startLocalServer } from './testing/local-server.ts'
import { type Block, blocksOf, mergeTopKeys } from './testing/page-blocks.ts'
import { runCommand, splitWords } from './testing/run-command.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const pages = [
  ...globSync('docs/{concepts,guides,guides/flags,reference,operating}/*.md', { cwd: root }).filter(
    page => page !== join('docs', 'reference', 'coverage.md'),
  ),
  join('docs', 'README.md'),
  'README.md',
].sort()
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

let local: LocalServer
let api: Api
let serverKey = ''
let clientKey = ''
let adminKey = ''
before(async () => {
  local = await startLocalServer()
  api = new Api({
    out: () => {},
    error: () => {},
    columns: 100,
    hasColour: false,
    environment: { DANKAI_URL: local.url },
    workingFolder: root,
  })
  serverKey = await keyOf('sdk-server')
  clientKey = await keyOf('sdk-client')
  adminKey = await keyOf('admin')
})
after(() => local.close())

async function keyOf(kind: string): Promise<string> {
  return (await api.post<{ secret: string }>('/v1/keys', { kind, principal: 'shop', name: `docs ${kind}` })).secret
}

describe('the reference is what the code says (node packages/cli/src/reference/main.ts)', () => {
  for (const [name, render] of [
    ['plan-language.md', renderPlanLanguage],
    ['cli.md', renderCommandLine],
    ['events.md', renderEvents],
  ] as const)
    it(name, () => assert.equal(readPage(name), withGenerated(readPage(name), render())))

  it('http-api.md', async () => {
    const description = await api.get<Parameters<typeof renderHttpApi>[0]>('/openapi.json')
    const page = readPage('http-api.md')
    assert.equal(page, withGenerated(page, `| | |\n|---|---|\n${renderHttpApi(description)}`))
  })

  it('settings.md names every variable that the code reads, and no other', () => {
    const sources = globSync(['packages/*/src/**/*.ts', 'demo/*.ts'], { cwd: root }).filter(
      file => !/\.test\.ts$|\/testing\/|\/reference\//.test(file),
    )
    const named = (text: string, form: RegExp): readonly string[] =>
      [...text.matchAll(form)].map(([, name = '']) => name)
    const inCode = sources.flatMap(file => named(read(file), /\b(DANKAI_[A-Z_]*[A-Z]|DATABASE_URL|NO_COLOR)\b/g))
    const onPage = named(read('docs/reference/settings.md'), /^\| `([A-Z_]+)` \|/gm)
    assert.deepEqual([...new Set(onPage)].sort(), [...new Set(inCode)].sort())
  })

  it('every command line in the text of a page is one of the program, with options that it has', () => {
    const program = createProgram(contextOf(terminalIn(root), false))
    const wrong = pages.flatMap(page =>
      [...read(page).matchAll(/`(?:npx )?dankai ([^`]+)`/g)].flatMap(([, line = '']) =>
        misusesIn(program, splitWords(line)).map(misuse => `${page}: dankai ${line}: ${misuse}`),
      ),
    )
    assert.deepEqual(wrong, [])
  })

  it('cli.md has a section for every command and names no command that is not there', () => {
    const known = new Set(createProgram(contextOf(terminalIn(root), false)).commands.map(command => command.name()))
    const mentioned = pages.flatMap(page =>
      [...read(page).matchAll(/`(?:npx )?dankai ([a-z]+)/g)].map(([, name = '']) => name),
    )
    assert.deepEqual(
      [...new Set(mentioned)].filter(name => !known.has(name)),
      [],
    )
    const [, generated = ''] = readPage('cli.md').split(generatedMark)
    for (const name of known) assert.ok(generated.includes(`## dankai ${name}\n`), name)
  })
})

describe('every endpoint that a guide names is served', () => {
  const form = /`(GET|POST|PUT|PATCH|DELETE) (\/(?:v1|ofrep|flagd|launchdarkly|unleash|otlp)\/[^\s`?]*)/g
  for (const page of pages.filter(name => name.includes('guides'))) {
    const endpoints = [...read(page).matchAll(form)].map(([, method = '', path = '']) => [method, path] as const)
    if (endpoints.length === 0) continue
    it(page, async () => {
      for (const [method, path] of endpoints) {
        const asked = path.replace(/\{\w+\}|\b[A-Z]{3,}\b/g, 'new-booking-flow')
        const abort = new AbortController()
        const response = await fetch(local.url + asked, { method, signal: abort.signal })
        const answer = response.status === 404 ? await response.text() : ''
        abort.abort()
        assert.doesNotMatch(answer, /found no such route/, `${method} ${path}`)
      }
    })
  }
})

const terminalIn = (workingFolder: string) => ({
  out: () => {},
  error: () => {},
  columns: 100,
  hasColour: false,
  environment: {},
  workingFolder,
})

/** What a line says that its command does not have; words such as KEY and … stand for what the reader knows. */
function misusesIn(program: Command, words: readonly string[]): readonly string[] {
  let command = program
  let depth = 0
  while (depth < words.length && command.commands.length > 0) {
    const next = command.commands.find(each => each.name() === words[depth])
    if (next === undefined) return /^[a-z]/.test(words[depth] ?? '') ? [`no ${words[depth]}`] : []
    command = next
    depth++
  }
  const known = new Set(command.options.flatMap(({ long, short }) => [long, short, '--help']))
  return words.slice(depth).flatMap(word => (/^--?[a-z]/.test(word) && !known.has(word) ? [`no ${word}`] : []))
}

/** What the examples of a part of a plan are put into: it has whatever they name. */
const wholePlan = `kind: ReleasePlan
name: example
service: shop
exposure: [{ flag: example-new }]
metrics:
  error_rate: { ratio: http_requests(status=5xx) / http_requests }
  p99_latency: { p99: http_duration, unit: ms }
evidence: not harmful with 100 samples
phases:
  - { name: canary, expose: 5%, hold: 10m }
  - { name: all, expose: 100%, hold: 1h }
rollback: [{ expose: 0% }]
`

describe('every YAML example is right', () => {
  for (const page of pages) {
    const examples = blocksOf(read(page)).filter(({ language }) => language === 'yaml')
    if (examples.length === 0) continue
    it(page, () => {
      const isWhole = ({ text }: Block): boolean => /^kind:/m.test(text)
      const documents = examples.filter(isWhole)
      assertRight(documents.map(block => ({ path: placeOf(page, block), text: block.text })))
      const helpers = documents.filter(({ text }) => !/^kind: (ReleasePlan|Scenarios)/m.test(text))
      for (const part of examples.filter(block => !isWhole(block)))
        assertRight([
          { path: placeOf(page, part), text: mergeTopKeys(wholePlan, part.text) },
          ...helpers.map(block => ({ path: placeOf(page, block), text: block.text })),
        ])
    })
  }
})

const placeOf = (page: string, { line }: Block): string => `${page}:${line}`

function assertRight(files: readonly { readonly path: string; readonly text: string }[]): void {
  const { problems } = checkPlan(parsePlanDocuments(files))
  assert.deepEqual(
    problems.map(problem => renderProblem(problem, 'en')),
    [],
  )
}

/** Other people's programs: shown, not run. */
const otherPrograms = /^(npm|npx --yes|tar|flagd|openssl|pg_dump|pg_restore|DATABASE_URL=|DANKAI_URL=)/

describe('every command runs, page by page, against a server', () => {
  for (const page of pages) {
    const blocks = blocksOf(read(page))
    const commands = blocks.filter(({ language }) => language === 'sh').flatMap(linesOf)
    if (commands.length === 0) continue
    it(page, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'dankai-docs-'))
      const watching: Promise<void>[] = []
      try {
        for (const { file, text } of blocks) if (file !== null) write(join(folder, file), text)
        for (const command of commands) {
          const running = run(command, folder)
          if (/^(npx )?dankai watch/.test(command.text)) watching.push(running)
          else await running
          await untilQuiet()
        }
      } finally {
        await api.post('/v1/emergency', { stop: true, why: 'the page is read' })
        await Promise.all(watching)
        await api.post('/v1/emergency', { stop: false, why: 'the next page' })
        rmSync(folder, { recursive: true })
      }
    })
  }
})

interface Line {
  readonly text: string
  readonly exit: number
  readonly line: number
}

/** A line that ends in a backslash goes on in the next; what was joined keeps its number of lines. */
function linesOf(block: Block): readonly Line[] {
  return block.text
    .replace(/(?:.*\\\n)+.*/g, joined => {
      const parts = joined.split(/ *\\\n */)
      return parts.join(' ') + '\n'.repeat(parts.length - 1)
    })
    .split('\n')
    .map((text, index) => {
      const [command = '', comment = ''] = text.split(/ +# /)
      return { text: command.trim(), exit: Number(/exit (\d)/.exec(comment)?.[1] ?? 0), line: block.line + index }
    })
    .filter(({ text }) => text !== '')
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

async function run({ text, exit, line }: Line, folder: string): Promise<void> {
  const command = text
    .replace(/^npx /, '')
    .replaceAll('http://localhost:4600', local.url)
    .replaceAll('$DANKAI_URL', local.url)
    .replaceAll('$DANKAI_API_KEY', adminKey)
  if (command.startsWith('dankai ')) return await runDankai(await withVersion(command), exit, line, folder)
  if (command.startsWith('curl ')) return await call(splitWords(command).slice(1), line)
  assert.match(command, otherPrograms, `line ${line}: a command nobody knows`)
}

/** `VERSION` is one that the reader finds in the history of the flag; here the oldest. */
async function withVersion(command: string): Promise<string> {
  const key = / flags restore (\S+) VERSION$/.exec(command)?.[1]
  if (key === undefined) return command
  const { items } = await api.page<{ version: number }>(`/v1/flags/${key}/history?limit=200`)
  return command.replace('VERSION', String(items.at(-1)?.version))
}

async function runDankai(command: string, exit: number, line: number, workingFolder: string): Promise<void> {
  const environment = { DANKAI_URL: local.url }
  const result = await runCommand(splitWords(command).slice(1), { workingFolder, environment })
  assert.equal(result.exit, exit, `line ${line}: ${command}\n${result.transcript}`)
}

/** The small part of curl that the pages use. */
async function call(words: readonly string[], line: number): Promise<void> {
  const valuesOf = (option: string): readonly string[] =>
    words.flatMap((word, index) => (word === option ? [words[index + 1] ?? ''] : []))
  const url = words.find(word => word.startsWith('http')) ?? ''
  const headers = valuesOf('-H').map((header): [string, string] => {
    const [name = '', ...value] = header.split(': ')
    return [name, value.join(': ')]
  })
  const [method = 'GET'] = valuesOf('-X')
  const [body] = valuesOf('-d')
  const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) })
  assert.ok(response.ok, `line ${line}: ${method} ${url} answered ${response.status} ${await response.text()}`)
}

/** Every live release waits for something that only time or a person brings. */
async function untilQuiet(): Promise<void> {
  const { items } = await api.page<{ id: string }>('/v1/releases?live=true')
  for (const { id } of items) {
    const inMotion = new Set(['exposure', 'step', 'coverage'])
    for await (const { event, data } of api.stream(`/v1/releases/${id}/timeline`, AbortSignal.timeout(60_000))) {
      if (event !== 'status') continue
      const { stage, waitingOn } = JSON.parse(data).status
      const isOver = ['rolledBack', 'completed', 'contained'].includes(stage)
      if (isOver || (waitingOn.length > 0 && !waitingOn.some(({ kind }: { kind: string }) => inMotion.has(kind)))) break
    }
  }
}

/**
 * What the guides of the flags take as given: the address, the reader's key, and whoever is asking. A name that a program
 * makes itself stands before that of the same name here.
 */
const given = `globalThis.key = process.env.DANKAI_SDK_KEY; globalThis.user = { id: 'user-1', country: 'JP' }; `

/** What a program of other people says of itself while all goes well. */
const wordsOfOthers = /^info: \[LaunchDarkly\] .*\n/gm

const isForClients = (text: string): boolean => /from '(unleash-proxy-client|launchdarkly-node-client-sdk)'/.test(text)
/** A page in a browser has no end of its own. */
const isForBrowsers = (text: string): boolean => text.includes("from 'unleash-proxy-client'")

describe('every program runs', () => {
  for (const page of pages)
    for (const { language, text, line } of blocksOf(read(page)))
      if (language === 'ts')
        it(`${page}:${line}`, async () => {
          const end = isForBrowsers(text) ? 'process.exit()' : ''
          const program = given + text.replaceAll('https://dankai.example', local.url) + end
          const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
            cwd: root,
            env: { ...process.env, DANKAI_URL: local.url, DANKAI_SDK_KEY: isForClients(text) ? clientKey : serverKey },
            stdio: ['ignore', 'pipe', 'pipe'],
            timeout: 30_000,
          })
          let said = ''
          for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (said += chunk))
          const [exit] = await once(child, 'close')
          assert.deepEqual([exit, said.replaceAll(wordsOfOthers, '')], [0, ''])
        })
})
