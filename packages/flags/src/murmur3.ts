/**
 * MurmurHash3 x86 32-bit, the reference algorithm, over UTF-8 or over what other programs take in its place.
 *
 * A flag hashes `${seed}:${targetingKey}` for every user, and the first half never changes. So the hash is split in
 * two: `murmur3Prefix` swallows the prefix once, and `murmur3From` only reads the rest.
 *
 * 1. `murmur3From(murmur3Prefix(prefix), text) >>> 0` equals `murmur3(utf8Bytes(prefix + text))`.
 * 2. ASCII text is read once, without allocating; for other text the prefix says how it is hashed.
 * 3. A lone surrogate is hashed as U+FFFD, as TextEncoder would write it.
 *
 * Bytes are passed as "byte strings", one character per byte: an ASCII key is its own byte string. Hashes are signed
 * within this file and in `murmur3From`, because engines put large unsigned ones on the heap.
 */

/** The state after whole 4-byte blocks, with the 0 to 3 bytes that did not fill one. */
export interface Murmur3Prefix {
  readonly hash: number
  readonly tail: number
  readonly tailBits: number
  readonly length: number
  /** For text beyond ASCII: the hash of it all. */
  readonly hashOther: (text: string) => number
}

/** Hash of a byte string (characters 0 to 255), as an unsigned 32-bit integer. */
export function murmur3(bytes: string, seed = 0): number {
  return hashBytes(absorb(seed, ''), bytes) >>> 0
}

/** How text that is not ASCII becomes a byte string. */
export type BytesOf = (text: string) => string

export function murmur3Prefix(prefix: string, seed = 0, bytesOf: BytesOf = utf8Bytes): Murmur3Prefix {
  const state = absorb(seed, bytesOf(prefix))
  return { ...state, hashOther: text => hashBytes(state, bytesOf(text)) }
}

/** As above, with another formula for whatever is not ASCII; the prefix must be. */
export function asciiMurmur3Prefix(prefix: string, hashOther: (text: string) => number): Murmur3Prefix {
  return { ...absorb(0, prefix), hashOther }
}

/**
 * The hash of prefix and text, as a signed 32-bit integer. Written out in one piece: this is most of an evaluation, and
 * a call for each block would double it.
 */
export function murmur3From(prefix: Murmur3Prefix, text: string): number {
  let hash = prefix.hash
  let word = prefix.tail
  let bits = prefix.tailBits
  let seen = 0
  let index = 0
  const length = text.length
  if (bits !== 0) {
    for (; bits < 32 && index < length; bits += 8) {
      const unit = text.charCodeAt(index++)
      seen |= unit
      word |= unit << bits
    }
    if (bits === 32) {
      hash = mixBlock(hash, word)
      word = 0
      bits = 0
    }
  }
  // With bits left over here there is no text left either.
  for (const end = index + ((length - index) & ~3); index < end; index += 4) {
    const a = text.charCodeAt(index)
    const b = text.charCodeAt(index + 1)
    const c = text.charCodeAt(index + 2)
    const d = text.charCodeAt(index + 3)
    seen |= a | b | c | d
    hash = mixBlock(hash, a | (b << 8) | (c << 16) | (d << 24))
  }
  for (; index < length; bits += 8) {
    const unit = text.charCodeAt(index++)
    seen |= unit
    word |= unit << bits
  }
  return seen > 0x7f ? prefix.hashOther(text) : avalanche(hash ^ scramble(word) ^ (prefix.length + length))
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

function absorb(seed: number, bytes: string): Omit<Murmur3Prefix, 'hashOther'> {
  const whole = bytes.length & ~3
  let hash = seed | 0
  for (let index = 0; index < whole; index += 4) hash = mixBlock(hash, wordAt(bytes, index))
  return { hash, tail: partialWordAt(bytes, whole), tailBits: (bytes.length - whole) * 8, length: bytes.length }
}

function hashBytes(prefix: Omit<Murmur3Prefix, 'hashOther'>, bytes: string): number {
  let { hash, tail: word, tailBits: bits } = prefix
  for (let index = 0; index < bytes.length; index++) {
    word |= bytes.charCodeAt(index) << bits
    bits += 8
    if (bits < 32) continue
    hash = mixBlock(hash, word)
    word = 0
    bits = 0
  }
  return avalanche(hash ^ scramble(word) ^ (prefix.length + bytes.length))
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
  return hash ^ (hash >>> 16)
}
