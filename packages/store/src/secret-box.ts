import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/**
 * Secrets of connections at rest: AES-256-GCM with a random nonce, bound to the place they belong to, so that a row
 * cannot be moved to another connection. Without a key they are kept readable, and only the database guards them.
 */
export interface SecretBox {
  seal(secrets: Readonly<Record<string, string>>, place: string): Buffer
  open(sealed: Buffer, place: string): Readonly<Record<string, string>>
}

const plain = 0
const sealedByKey = 1
const nonceLength = 12
const tagLength = 16

export function createSecretBox(key: Buffer | null): SecretBox {
  if (key !== null && key.length !== 32) {
    throw new Error(
      `Cannot use the secret key: found ${key.length} bytes, expected 32. Make one with: openssl rand -hex 32`,
    )
  }
  return {
    seal(secrets, place) {
      const text = Buffer.from(JSON.stringify(secrets))
      return key === null ? Buffer.concat([Buffer.of(plain), text]) : sealWith(key, text, place)
    },
    open(sealed, place) {
      const body = sealed.subarray(1)
      if (sealed[0] === plain) return JSON.parse(body.toString()) as Record<string, string>
      if (key === null)
        throw new Error('Cannot open secrets: found them sealed, expected the secret key. Set DANKAI_SECRET_KEY.')
      return JSON.parse(openWith(key, body, place).toString()) as Record<string, string>
    },
  }
}

function sealWith(key: Buffer, text: Buffer, place: string): Buffer {
  const nonce = randomBytes(nonceLength)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength }).setAAD(Buffer.from(place))
  const sealed = Buffer.concat([cipher.update(text), cipher.final()])
  return Buffer.concat([Buffer.of(sealedByKey), nonce, cipher.getAuthTag(), sealed])
}

function openWith(key: Buffer, body: Buffer, place: string): Buffer {
  const tag = body.subarray(nonceLength, nonceLength + tagLength)
  const decipher = createDecipheriv('aes-256-gcm', key, body.subarray(0, nonceLength), { authTagLength: tagLength })
  decipher.setAAD(Buffer.from(place)).setAuthTag(tag)
  return Buffer.concat([decipher.update(body.subarray(nonceLength + tagLength)), decipher.final()])
}
