/**
 * MurmurHash3 x86 32-bit, the reference algorithm, over UTF-8.
 *
 * A flag hashes `${seed}:${targetingKey}` for every user, and the first half never changes. So the hash is split in
 * two: `murmur3After(prefix)` swallows the prefix once and gives a function that only reads the rest.
 *
 * 1. `murmur3After(prefix)(text)` equals `murmur3(utf8 of prefix + text)` for every prefix and text.
 * 2. ASCII text is hashed without allocating; other text is turned into UTF-8 bytes first.
 * 3. A lone surrogate is hashed as U+FFFD, as TextEncoder would write it.
 *
 * Bytes are passed as "byte strings", one character per byte: an ASCII key is its own byte string.
 */

/** The state after whole 4-byte blocks, with the 0 to 3 bytes that did not fill one. */
interface Prefix {
  readonly hash: number
  readonly tail: number
  readonly tailBits: number
  readonly length: number
}

const noPrefix = (seed: number): Prefix => ({ hash: seed | 0, tail: 0, tailBits: 0, length: 0 })

/** Hash of a byte string (characters 0 to 255), as an unsigned 32-bit integer. */
export function murmur3(bytes: string, seed = 0): number {
  return hashBytes(noPrefix(seed), bytes)
}

/** How text that is not ASCII becomes a byte string. */
export type BytesOf = (text: string) => string

/** Hashes `prefix + text` for any text, having read the prefix once. */
export function murmur3After(prefix: string, seed = 0, bytesOf: BytesOf = utf8Bytes): (text: string) => number {
  const state = absorb(noPrefix(seed), bytesOf(prefix))
  return text => {
    const hash = hashAscii(state, text)
    return hash === notAscii ? hashBytes(state, bytesOf(text)) : hash
  }
}

/** The UTF-8 bytes of a text as a byte string. */
export function utf8Bytes(text: string): string {
  let bytes = ''
  for (const character of text) bytes += utf8OfCodePoint(character.codePointAt(0)!)
  return bytes
}

/** The low byte of each UTF-16 unit, which is what some programs hash in place of UTF-8. */
export function lowBytes(text: string): string {
  let bytes = ''
  for (let index = 0; index < text.length; index++) bytes += String.fromCharCode(text.charCodeAt(index) & 0xff)
  return bytes
}

/**
 * The 32-bit hash of npm `imurmurhash` 0.1.4 (the source its authors publish), which flagd-core uses: murmur3 for ASCII;
 * wider UTF-16 units run into their neighbours, and a last partial word that is negative is left out.
 */
export function overlappingMurmur3(text: string): number {
  const whole = text.length & ~3
  let hash = 0
  for (let index = 0; index < whole; index += 4) {
    const last = text.charCodeAt(index + 3)
    hash = mixBlock(hash, overlapped(text, index) ^ ((last & 0xff) << 24) ^ ((last & 0xff00) >> 8))
  }
  const tail = overlapped(text, whole)
  return avalanche(hash ^ (tail > 0 ? scramble(tail) : 0) ^ text.length)
}

/** Up to three units. */
function overlapped(text: string, index: number): number {
  const rest = text.length - index
  let word = 0
  if (rest > 2) word ^= text.charCodeAt(index + 2) << 16
  if (rest > 1) word ^= text.charCodeAt(index + 1) << 8
  if (rest > 0) word ^= text.charCodeAt(index)
  return word
}

function utf8OfCodePoint(found: number): string {
  const code = found >= 0xd800 && found <= 0xdfff ? 0xfffd : found
  const last = 0x80 | (code & 0x3f)
  if (code < 0x80) return String.fromCharCode(code)
  if (code < 0x800) return String.fromCharCode(0xc0 | (code >> 6), last)
  const middle = 0x80 | ((code >> 6) & 0x3f)
  if (code < 0x10000) return String.fromCharCode(0xe0 | (code >> 12), middle, last)
  return String.fromCharCode(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), middle, last)
}

function absorb(start: Prefix, bytes: string): Prefix {
  const whole = bytes.length & ~3
  let hash = start.hash
  for (let index = 0; index < whole; index += 4) hash = mixBlock(hash, wordAt(bytes, index))
  return { hash, tail: partialWordAt(bytes, whole), tailBits: (bytes.length - whole) * 8, length: bytes.length }
}

/** No hash is negative, so this cannot be one. */
const notAscii = -1

function hashAscii(prefix: Prefix, text: string): number {
  const whole = text.length & ~3
  const shift = prefix.tailBits
  let { hash, tail } = prefix
  let seen = 0
  for (let index = 0; index < whole; index += 4) {
    const a = text.charCodeAt(index)
    const b = text.charCodeAt(index + 1)
    const c = text.charCodeAt(index + 2)
    const d = text.charCodeAt(index + 3)
    seen |= a | b | c | d
    const word = a | (b << 8) | (c << 16) | (d << 24)
    hash = mixBlock(hash, tail | (word << shift))
    // A shift by 32 is a shift by 0 in JavaScript: without tail bytes nothing is left over.
    tail = shift === 0 ? 0 : word >>> (32 - shift)
  }
  for (let index = whole; index < text.length; index++) seen |= text.charCodeAt(index)
  return seen > 0x7f ? notAscii : finish(hash, tail, shift, text, whole, prefix.length)
}

function hashBytes(prefix: Prefix, bytes: string): number {
  const whole = bytes.length & ~3
  const shift = prefix.tailBits
  let { hash, tail } = prefix
  for (let index = 0; index < whole; index += 4) {
    const word = wordAt(bytes, index)
    hash = mixBlock(hash, tail | (word << shift))
    tail = shift === 0 ? 0 : word >>> (32 - shift)
  }
  return finish(hash, tail, shift, bytes, whole, prefix.length)
}

function finish(
  start: number,
  startTail: number,
  shift: number,
  bytes: string,
  from: number,
  prefixLength: number,
): number {
  const word = partialWordAt(bytes, from)
  const restBits = (bytes.length - from) * 8
  let hash = start
  let tail = startTail | (word << shift)
  if (shift + restBits >= 32) {
    hash = mixBlock(hash, tail)
    tail = word >>> (32 - shift)
  }
  return avalanche(hash ^ scramble(tail) ^ (prefixLength + bytes.length))
}

function wordAt(bytes: string, index: number): number {
  return (
    bytes.charCodeAt(index) |
    (bytes.charCodeAt(index + 1) << 8) |
    (bytes.charCodeAt(index + 2) << 16) |
    (bytes.charCodeAt(index + 3) << 24)
  )
}

/** The last 0 to 3 bytes. */
function partialWordAt(bytes: string, index: number): number {
  const rest = bytes.length - index
  let word = 0
  if (rest > 2) word |= bytes.charCodeAt(index + 2) << 16
  if (rest > 1) word |= bytes.charCodeAt(index + 1) << 8
  if (rest > 0) word |= bytes.charCodeAt(index)
  return word
}

function scramble(block: number): number {
  const product = Math.imul(block, 0xcc9e2d51)
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593)
}

function mixBlock(hash: number, block: number): number {
  const mixed = hash ^ scramble(block)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

function avalanche(found: number): number {
  let hash = Math.imul(found ^ (found >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
