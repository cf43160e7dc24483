import type { ReleaseStatus } from '@dankai/core'

/**
 * How a status differs from the one that is stored. `numbers`: the same sentences with other figures (a value, a count
 * of samples), which may wait for the next write; `words`: something a person should see at once.
 */
export type StatusChange = 'none' | 'numbers' | 'words'

export function statusChange(before: ReleaseStatus, after: ReleaseStatus): StatusChange {
  return before === after ? 'none' : changeOf(before, after)
}

function changeOf(before: unknown, after: unknown): StatusChange {
  if (Object.is(before, after)) return 'none'
  if (typeof before === 'number' && typeof after === 'number') return 'numbers'
  if (!isTree(before) || !isTree(after)) return 'words'
  if (Array.isArray(before) !== Array.isArray(after)) return 'words'
  return changeOfTrees(before, after)
}

function changeOfTrees(before: Tree, after: Tree): StatusChange {
  let change: StatusChange = 'none'
  for (const key in after) {
    const part = changeOf(before[key], after[key])
    if (part === 'words') return 'words'
    if (part === 'numbers') change = 'numbers'
  }
  for (const key in before) if (!(key in after)) return 'words'
  return change
}

type Tree = Readonly<Record<string, unknown>>

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null
}
