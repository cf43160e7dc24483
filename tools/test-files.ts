import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Pure packages share one process: what a test costs there is loading the modules. The others start servers,
 * databases and child processes, so each file gets its own process and cannot leak into the next.
 */
const pure = [
  'packages/{plan,core,analysis,flags,flag-formats,insight,contract}/src/**/*.test.ts',
  'tools/**/*.test.ts',
]
const simulated = ['packages/{engine,simulation}/src/**/*.test.ts']
const real = [
  'packages/{store,integrations,server,sdk,cli}/src/**/*.test.ts',
  'services/*/src/**/*.test.ts',
  'demo/**/*.test.ts',
  'bench/**/*.test.ts',
]

export interface TestGroup {
  readonly name: string
  readonly files: readonly string[]
  readonly isolation: 'none' | 'process'
}

export function testGroups(): readonly TestGroup[] {
  return [
    { name: 'pure packages', files: find(pure), isolation: 'none' },
    { name: 'engine and simulation', files: find(simulated), isolation: 'process' },
    { name: 'real parts', files: find(real), isolation: 'process' },
  ]
}

function find(patterns: readonly string[]): readonly string[] {
  return patterns.flatMap(pattern => globSync(pattern, { cwd: root, exclude: ['**/node_modules/**'] })).sort()
}
