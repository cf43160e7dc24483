import { readFile } from 'node:fs/promises'
import { type Bootstrap, parseBootstrap } from './bootstrap.ts'

/** From a file with what `GET /v1/bootstrap` answers. An entry of its own, so that a browser never loads it. */
export async function readBootstrapFile(path: string | URL): Promise<Bootstrap> {
  return parseBootstrap(await readFile(path, 'utf8'), String(path))
}
