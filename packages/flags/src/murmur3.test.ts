import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { murmur3, murmur3From, murmur3Prefix, utf8Bytes } from './murmur3.ts'

const seed = 0x9747b28c

test('murmur3 gives the published values of the reference implementation', () => {
  const rows: readonly [text: string, seed: number, hash: number][] = [
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['\0\0\0\0', 0, 0x2362f9de],
    ['aaaa', seed, 0x5a97808a],
    ['aaa', seed, 0x283e0130],
    ['aa', seed, 0x5d211726],
    ['a', seed, 0x7fa09ea6],
    ['abcd', seed, 0xf0478627],
    ['abc', seed, 0xc84a62dd],
    ['ab', seed, 0x74875592],
    ['Hello, world!', seed, 0x24884cba],
    ['ππππππππ', seed, 0xd58063c1],
    ['test', 0, 0xba6bd213],
    ['Hello, world!', 0, 0xc0363e43],
    ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
    ['The quick brown fox jumps over the lazy dog', seed, 0x2fa826cd],
  ]
  for (const [text, start, hash] of rows) assert.equal(murmur3(utf8Bytes(text), start), hash, JSON.stringify(text))
})

test('murmur3 passes the verification of SMHasher for the x86 32-bit variant', () => {
  let key = ''
  let hashes = ''
  for (let length = 0; length < 256; length++) {
    hashes += littleEndian(murmur3(key, 256 - length))
    key += String.fromCharCode(length)
  }
  assert.equal(murmur3(hashes, 0), 0xb0f57ee3)
})

test('murmur3From a prefix equals murmur3 of the UTF-8 bytes of the whole text', () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 })
  fc.assert(
    fc.property(text, text, (prefix, rest) => {
      assert.equal(murmur3From(murmur3Prefix(`${prefix}:`), rest) >>> 0, murmur3(encoded(`${prefix}:${rest}`)))
    }),
    { numRuns: 2_000, seed: 20_240_115 },
  )
})

test('a lone surrogate is hashed as the replacement character', () => {
  for (const text of ['\ud800', 'a\udc00b', '\ud800\ud800']) assert.equal(utf8Bytes(text), encoded(text))
})

const encoded = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text))

const littleEndian = (value: number): string =>
  String.fromCharCode(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24)
