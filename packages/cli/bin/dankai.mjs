#!/usr/bin/env node
// Starts the command on the project's own Node. npx and npm scripts put it first on PATH already; called directly by an
// older Node, this file starts it anew with the pinned one. Plain JavaScript that Node 20 runs.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const oldestNode = 24

if (Number(process.versions.node.split('.')[0]) >= oldestNode) {
  const { runProcess } = await import('../src/run-process.ts')
  await runProcess()
} else {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
  const pinned = join(root, 'node_modules', '.bin', 'node')
  if (!existsSync(pinned)) {
    process.stderr.write(
      `Cannot start "dankai": found Node ${process.versions.node} and no installed project Node, expected Node ${oldestNode} or newer. Run "npm start" or "npm test" once, they install it.\n`,
    )
    process.exit(3)
  }
  const result = spawnSync(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  process.exit(result.status ?? 3)
}
