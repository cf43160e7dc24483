/**
 * The first 60 bits of SHA-1 (FIPS 180-4), which is all that LaunchDarkly's bucketing reads.
 *
 * The platforms' own SHA-1 is asynchronous in browsers and on the edge and allocates in Node; this one does neither.
 * Bytes are passed as byte strings, one character per byte, in two parts, so that they need not be joined.
 */

/** The hash of `first + second` as a number of 15 hexadecimal digits, rounded to 53 bits as `parseInt` does. */
export function sha1First60Bits(first: string, second: string): number {
  const length = first.length + second.length
  const blocks = ((length + 8) >> 6) + 1
  state[0] = 0x67452301
  state[1] = 0xefcdab89
  state[2] = 0x98badcfe
  state[3] = 0x10325476
  state[4] = 0xc3d2e1f0
  for (let block = 0; block < blocks; block++) {
    readBlock(first, second, block * 64)
    if (block === blocks - 1) schedule[15] = length << 3
    mixBlock()
  }
  return (state[0]! >>> 0) * 2 ** 28 + (state[1]! >>> 4)
}

/** Filled and read within one call. */
const state = new Int32Array(5)
const schedule = new Int32Array(80)

function readBlock(first: string, second: string, start: number): void {
  for (let word = 0; word < 16; word++) {
    let bits = 0
    for (let byte = 0; byte < 4; byte++) bits = (bits << 8) | byteAt(first, second, start + word * 4 + byte)
    schedule[word] = bits
  }
}

function byteAt(first: string, second: string, index: number): number {
  if (index < first.length) return first.charCodeAt(index)
  const rest = index - first.length
  if (rest < second.length) return second.charCodeAt(rest)
  return rest === second.length ? 0x80 : 0
}

function mixBlock(): void {
  for (let word = 16; word < 80; word++) {
    const bits = schedule[word - 3]! ^ schedule[word - 8]! ^ schedule[word - 14]! ^ schedule[word - 16]!
    schedule[word] = (bits << 1) | (bits >>> 31)
  }
  let a = state[0]!
  let b = state[1]!
  let c = state[2]!
  let d = state[3]!
  let e = state[4]!
  for (let round = 0; round < 80; round++) {
    const sum = ((a << 5) | (a >>> 27)) + choose(round, b, c, d) + e + schedule[round]!
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = sum | 0
  }
  state[0] = (state[0]! + a) | 0
  state[1] = (state[1]! + b) | 0
  state[2] = (state[2]! + c) | 0
  state[3] = (state[3]! + d) | 0
  state[4] = (state[4]! + e) | 0
}

function choose(round: number, b: number, c: number, d: number): number {
  if (round < 20) return ((b & c) | (~b & d)) + 0x5a827999
  if (round < 40) return (b ^ c ^ d) + 0x6ed9eba1
  if (round < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
  return (b ^ c ^ d) + 0xca62c1d6
}
