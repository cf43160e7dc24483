import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Running {
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

/** Starts a program that says `{"port":…}` in its first line. */
export function startProgram(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  return new Promise((resolve, reject) => {
    let said = ''
    let complained = ''
    const timer = setTimeout(
      () => reject(new Error(`Cannot start ${program}: no port within 90 s. ${complained}`)),
      90_000,
    )
    child.stderr.on('data', chunk => {
      complained = (complained + chunk).slice(-2_000)
    })
    child.stdout.on('data', chunk => {
      said += chunk
      const port = /"port":(\d+)/.exec(said)?.[1] ?? /http:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1]
      if (port === undefined) return
      clearTimeout(timer)
      resolve({ port: Number(port), pid: child.pid!, stop: () => stopped(child) })
    })
    child.once('exit', code => {
      clearTimeout(timer)
      reject(new Error(`Cannot start ${program}: it ended with ${code}. ${complained}`))
    })
  })
}

function stopped(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    if (child.exitCode !== null) {
      resolve()
      return
    }
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
    setTimeout(() => child.kill('SIGKILL'), 10_000).unref()
  })
}

/** Only this benchmark needs it, so it is installed when it runs. */
export function installUnleashServer(): string {
  const folder = new URL('../peers/unleash-server/', import.meta.url)
  if (!existsSync(new URL('node_modules/unleash-server/package.json', folder))) {
    const run = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 300_000,
    })
    if (run.status !== 0) throw new Error(`Cannot install unleash-server: ${run.stderr.slice(-500)}`)
  }
  return fileURLToPath(new URL('serve.cjs', folder))
}
