import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, it } from 'node:test'
import { root, testGroups } from './test-files.ts'

/** The dependency rule of ARCHITECTURE.md: package -> packages it may import. Type imports count. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  plan: [],
  flags: [],
  'flag-formats': ['flags'],
  contract: [],
  analysis: ['plan'],
  core: ['plan', 'analysis'],
  insight: ['plan', 'analysis', 'core'],
  engine: ['plan', 'analysis', 'core'],
  store: ['plan', 'analysis', 'core', 'engine', 'flags'],
  integrations: ['plan', 'core', 'engine', 'flags', 'insight'],
  simulation: ['plan', 'analysis', 'core', 'engine', 'store', 'insight'],
  sdk: ['flags'],
  server: [
    'plan',
    'analysis',
    'core',
    'engine',
    'store',
    'flags',
    'flag-formats',
    'integrations',
    'insight',
    'contract',
  ],
  cli: ['plan', 'core', 'insight', 'contract', 'simulation', 'server', 'flag-formats'],
}

const sources = globSync('{packages,services}/*/src/**/*.ts', { cwd: root }).sort()
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

function importsOf(file: string): readonly string[] {
  return [...read(file).matchAll(/(?:from|import)\s+'([^']+)'/g)].map(match => match[1] ?? '')
}

function packageOf(file: string): string {
  return file.split('/')[1] ?? ''
}

describe('the package graph', () => {
  it('has arrows that run one way only', () => {
    const wrong = sources.flatMap(file => {
      if (!file.startsWith('packages/')) return []
      const own = packageOf(file)
      const isTest = /\.test\.ts$|\/testing\//.test(file)
      return importsOf(file)
        .filter(name => name.startsWith('@dankai/'))
        .map(name => name.slice('@dankai/'.length))
        .filter(name => name !== own && !(allowed[own] ?? []).includes(name) && !isTest)
        .map(name => `${file} imports @dankai/${name}`)
    })
    assert.deepEqual(wrong, [])
  })

  it('lets services reach Dankai through the SDK and HTTP alone', () => {
    const wrong = sources
      .filter(file => file.startsWith('services/') && !file.endsWith('.test.ts'))
      .flatMap(file =>
        importsOf(file)
          .filter(name => name.startsWith('@dankai/') && name !== '@dankai/sdk')
          .map(name => `${file} imports ${name}`),
      )
    assert.deepEqual(wrong, [])
  })

  it('declares every package it imports', () => {
    const wrong = sources.flatMap(file => {
      if (file.endsWith('.test.ts') || file.includes('/testing/')) return []
      const manifest = JSON.parse(read(`${file.split('/').slice(0, 2).join('/')}/package.json`)) as Record<
        string,
        Record<string, string> | undefined
      >
      // Under `imports` a package names files of its own that differ by runtime.
      const kinds = ['dependencies', 'optionalDependencies', 'peerDependencies', 'imports']
      const declared = Object.assign({}, ...kinds.map(kind => manifest[kind]))
      return importsOf(file)
        .filter(name => !name.startsWith('.') && !name.startsWith('node:'))
        .map(name => (name.startsWith('@') ? name.split('/').slice(0, 2).join('/') : (name.split('/')[0] ?? name)))
        .filter(name => !Object.hasOwn(declared, name))
        .map(name => `${file} imports ${name}`)
    })
    assert.deepEqual(wrong, [])
  })
})

describe('the house', () => {
  it('pins every dependency exactly', () => {
    const loose = ['package.json', ...globSync('{packages,services}/*/package.json', { cwd: root })].flatMap(file => {
      const manifest = JSON.parse(read(file)) as Record<string, Record<string, string> | undefined>
      const kinds = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies']
      const all: Record<string, string> = Object.assign({}, ...kinds.map(kind => manifest[kind]))
      return Object.entries(all)
        .filter(([name, version]) => !name.startsWith('@dankai/') && !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
        .map(([name, version]) => `${file}: ${name} ${version}`)
    })
    assert.deepEqual(loose, [])
  })

  it('names files in kebab-case and has no drawers for odds and ends', () => {
    const odd = sources.filter(
      file =>
        !/^[a-z0-9-]+(\.test)?\.ts$/.test(file.split('/').at(-1) ?? '') ||
        /\/(utils?|helpers?|common|misc)\.ts$/.test(file),
    )
    assert.deepEqual(odd, [])
  })

  it('exports by name only', () => {
    assert.deepEqual(
      sources.filter(file => /^export (\*|default)/m.test(read(file))),
      [],
    )
  })

  it('uses the words of the glossary in names', () => {
    const glossary = read('docs/glossary.md')
    const avoided = [...glossary.matchAll(/_avoid: ([^_]+)_/g)].flatMap(match =>
      (match[1] ?? '').split(',').map(word => word.trim()),
    )
    assert.ok(avoided.length > 10, 'the glossary lists words to avoid')
    const wrong = sources.flatMap(file => {
      const name = (file.split('/').at(-1) ?? '').replace(/\.ts$/, '')
      return avoided.filter(word => name.split(/[-.]/).includes(word)).map(word => `${file}: "${word}"`)
    })
    assert.deepEqual(wrong, [])
  })

  it('leads every relative link of the documents to a file', () => {
    const broken = globSync('{*.md,docs/**/*.md,plans/**/*.md}', { cwd: root }).flatMap(file =>
      [...read(file).matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)(?:#[^)]*)?\)/g)]
        .map(match => match[1] ?? '')
        .filter(link => !existsSync(join(root, dirname(file), link)))
        .map(link => `${relative(root, join(root, file))}: ${link}`),
    )
    assert.deepEqual(broken, [])
  })

  it('runs every test file', () => {
    const run = new Set(testGroups().flatMap(({ files }) => files))
    const all = globSync('**/*.test.ts', { cwd: root, exclude: ['**/node_modules/**'] })
    assert.deepEqual(
      all.filter(file => !run.has(file)),
      [],
    )
  })

  it('skips no test and sleeps in none', () => {
    const tests = sources.filter(file => file.endsWith('.test.ts'))
    const wrong = tests.filter(file => /\b(it|test|describe)\.(skip|todo|only)\(|\{ (skip|todo): /.test(read(file)))
    assert.deepEqual(wrong, [])
  })
})
