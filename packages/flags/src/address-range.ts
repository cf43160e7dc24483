/**
 * Ranges of IP addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address.
 *
 * An IPv4 address is kept as the IPv6 address that stands for it (`::ffff:10.0.0.1`), so a server that listens on both
 * families finds the same user in the same range. A range of IPv6 addresses holds no IPv4 address.
 */
export interface AddressRange {
  /** The first address, 32 bits an entry. */
  readonly words: readonly number[]
  readonly masks: readonly number[]
  readonly family: 4 | 6
}

const addressLengthMax = 45

/** Null when it is neither an address nor a range. */
export function parseAddressRange(text: string): AddressRange | null {
  const slash = text.indexOf('/')
  const family = readAddress(slash < 0 ? text : text.slice(0, slash))
  if (family === 0) return null
  const isDotted = !text.includes(':')
  const length = slash < 0 ? (isDotted ? 32 : 128) : prefixLength(text.slice(slash + 1), isDotted ? 32 : 128)
  if (length === null) return null
  const bits = isDotted ? 96 + length : length
  const masks = [0, 32, 64, 96].map(start => maskOf(bits - start))
  return { words: masks.map((mask, index) => (words[index]! & mask) | 0), masks, family: bits >= 96 ? family : 6 }
}

export function isInRange(text: string, range: AddressRange): boolean {
  if (readAddress(text) !== range.family) return false
  for (let index = 0; index < 4; index++) {
    if ((words[index]! & range.masks[index]!) !== range.words[index]) return false
  }
  return true
}

function prefixLength(text: string, most: number): number | null {
  const length = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN
  return length <= most ? length : null
}

function maskOf(bits: number): number {
  if (bits <= 0) return 0
  return bits >= 32 ? -1 : -1 << (32 - bits)
}

/** Filled by `readAddress` and read before anything else runs, so that looking allocates nothing. */
const words = new Int32Array(4)
const groups = new Int32Array(8)

/** 4 or 6, or 0 when it is no address. */
function readAddress(text: string): 0 | 4 | 6 {
  if (text.length > addressLengthMax) return 0
  if (!text.includes(':')) {
    if (!readDotted(text, 0)) return 0
    words[0] = 0
    words[1] = 0
    words[2] = 0xffff
    words[3] = dotted
    return 4
  }
  if (!readGroups(text)) return 0
  for (let index = 0; index < 4; index++) words[index] = (groups[index * 2]! << 16) | groups[index * 2 + 1]!
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff ? 4 : 6
}

let dotted = 0

/** Four numbers without leading zeros, which some programs would read as octal. */
function readDotted(text: string, start: number): boolean {
  dotted = 0
  let index = start
  for (let part = 0; part < 4; part++) {
    const first = index
    let number = 0
    for (; index < text.length && index - first < 4; index++) {
      const digit = text.charCodeAt(index) - 48
      if (digit < 0 || digit > 9) break
      number = number * 10 + digit
    }
    const digits = index - first
    if (digits === 0 || number > 255 || (digits > 1 && text.charCodeAt(first) === 48)) return false
    dotted = (dotted << 8) | number
    if (part < 3 && text.charCodeAt(index++) !== 46) return false
  }
  return index === text.length
}

/** Eight groups of four hexadecimal digits; `::` stands for at least one group of zeros. */
function readGroups(text: string): boolean {
  let count = 0
  let gap = -1
  let index = 0
  if (text.startsWith('::')) {
    gap = 0
    index = 2
  }
  while (index < text.length) {
    if (count === 8) return false
    const end = groupEnd(text, index)
    if (text.charCodeAt(end) === 46) {
      if (count > 6 || !readDotted(text, index)) return false
      groups[count++] = dotted >>> 16
      groups[count++] = dotted & 0xffff
      break
    }
    if (end === index || end - index > 4) return false
    groups[count++] = Number.parseInt(text.slice(index, end), 16)
    index = end
    if (index === text.length) break
    if (text.charCodeAt(index) !== 58) return false
    index++
    if (text.charCodeAt(index) === 58) {
      if (gap >= 0) return false
      gap = count
      index++
    } else if (index === text.length) return false
  }
  if (gap < 0) return count === 8
  if (count === 8) return false
  groups.copyWithin(8 - count + gap, gap, count)
  groups.fill(0, gap, 8 - count + gap)
  return true
}

function groupEnd(text: string, start: number): number {
  let index = start
  while (index < text.length && isHexadecimal(text.charCodeAt(index))) index++
  return index
}

const isHexadecimal = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 70) || (code >= 97 && code <= 102)
