import { createHash, randomBytes } from 'node:crypto'
import type { KeyKind } from './access-ports.ts'

/** A key is text nobody can guess; stored is only its SHA-256, which is enough for 256 random bits. */
const shownLength = 6

export function drawKey(kind: KeyKind): { readonly secret: string; readonly prefix: string; readonly hash: Buffer } {
  const secret = `dk_${kind}_${randomBytes(32).toString('base64url')}`
  return { secret, prefix: secret.slice(0, `dk_${kind}_`.length + shownLength), hash: hashOf(secret) }
}

export function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
