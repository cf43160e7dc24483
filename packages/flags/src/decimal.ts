const pattern = /^[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,3})?$/

/** Longer texts are not numbers that anybody compares. */
const textLengthMax = 40

/** A finite number, or a text that is one in decimal; NaN for everything else. */
export function readDecimal(found: unknown): number {
  if (typeof found === 'number') return Number.isFinite(found) ? found : Number.NaN
  if (typeof found !== 'string' || found.length > textLengthMax || !pattern.test(found)) return Number.NaN
  return finite(Number(found))
}

const finite = (number: number): number => (Number.isFinite(number) ? number : Number.NaN)
