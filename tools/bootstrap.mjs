// Installs exactly what package-lock.json names, once, before any npm script of the root runs.
//
// A newcomer has Node 20 and npm only, so this file is plain JavaScript that Node 20 runs. The project's own Node
// (see `optionalDependencies`) arrives with the install; npm puts node_modules/.bin first on PATH, so the script that
// follows already runs on it.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stampFile = join(root, 'node_modules', '.cache', 'bootstrap-stamp')
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')
const installed = existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : ''

if (installed !== wanted) {
  process.stderr.write('Installing the pinned dependencies (once, about a minute) …\n')
  const npm = process.env.npm_execpath
  const [command, before] = npm ? [process.execPath, [npm]] : ['npm', []]
  // NODE_ENV=production or an `omit` setting would leave out the compiler and the project's Node, hence the includes.
  const result = spawnSync(command, [...before, 'ci', '--include=dev', '--include=optional', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (result.status !== 0) {
    process.stderr.write(
      `Cannot install the dependencies: "npm ci" ended with ${result.status ?? result.signal}, expected 0. ` +
        'Check the network connection to the npm registry, then run the same command again.\n',
    )
    process.exit(3)
  }
  mkdirSync(dirname(stampFile), { recursive: true })
  writeFileSync(stampFile, wanted)
}
