import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanFile } from '@dankai/plan'

/** One folder of plans/: what stands in it depends on no other folder, so it is tested by itself. */
export interface PlanFolder {
  readonly name: string
  /** Paths are relative to the root: `plans/bookmarks/plan.yaml`. */
  readonly files: readonly (PlanFile & { readonly text: string })[]
}

export function readPlanFolders(root: string): readonly PlanFolder[] {
  return globSync('plans/*/', { cwd: root })
    .sort()
    .map(folder => ({ name: folder.split('/')[1] ?? folder, files: readFiles(root, folder) }))
    .filter(({ files }) => files.length > 0)
}

function readFiles(root: string, folder: string): PlanFolder['files'] {
  return globSync('**/*.yaml', { cwd: join(root, folder) })
    .sort()
    .map(file => join(folder, file))
    .map(path => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}
