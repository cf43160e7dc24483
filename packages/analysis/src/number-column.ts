/**
 * Numbers that stand for objects while nobody uses these: written one after the other, and read in the same order.
 *
 *  1. Who writes n numbers reads n: there are no names and no places, only the order.
 *  2. A number comes back to the bit, also NaN, an infinity and -0.
 *  3. An object that several share is written once; those who read it share one again.
 *
 * Collecting garbage walks every object, and a number that is a field of one is an object too. A column is a single one,
 * whatever is in it.
 */
export type NumberColumn = Float64Array

const nothing = -1
const smallestColumn = 256

export class ColumnWriter {
  #numbers = new Float64Array(smallestColumn)
  #end = 0
  /** A few dozen at most: looking through them takes less than keeping them in a map. */
  readonly #shared: object[] = []

  put(number: number): void {
    if (this.#end === this.#numbers.length) this.#grow()
    this.#numbers[this.#end++] = number
  }

  putAll(numbers: readonly number[]): void {
    while (this.#end + numbers.length > this.#numbers.length) this.#grow()
    const column = this.#numbers
    const from = this.#end
    for (let index = 0; index < numbers.length; index++) column[from + index] = numbers[index]!
    this.#end += numbers.length
  }

  putFlag(flag: boolean): void {
    this.put(flag ? 1 : 0)
  }

  /** A number that may be missing; it is never NaN. */
  putOptional(number: number | null): void {
    this.put(number ?? Number.NaN)
  }

  putOneOf<Word>(words: readonly Word[], word: Word): void {
    this.put(words.indexOf(word))
  }

  putShared<Thing extends object>(thing: Thing | null, write: (thing: Thing, column: ColumnWriter) => void): void {
    if (thing === null) return this.put(nothing)
    const known = this.#shared.lastIndexOf(thing)
    this.put(known < 0 ? this.#shared.length : known)
    if (known >= 0) return
    this.#shared.push(thing)
    write(thing, this)
  }

  /** What was written, in the column of before where it fits, so that whoever writes again and again leaves no garbage. */
  finish(before: NumberColumn | null): NumberColumn {
    const size = this.#end
    const fits = before !== null && before.length >= size && before.length <= 2 * size
    const column = fits ? before : new Float64Array(Math.ceil(size * 1.125))
    column.set(this.#numbers.subarray(0, size))
    this.#end = 0
    this.#shared.length = 0
    return column
  }

  #grow(): void {
    const larger = new Float64Array(this.#numbers.length * 2)
    larger.set(this.#numbers)
    this.#numbers = larger
  }
}

export class ColumnReader {
  readonly #numbers: NumberColumn
  readonly #shared: object[] = []
  #at = 0

  constructor(column: NumberColumn) {
    this.#numbers = column
  }

  number(): number {
    return this.#numbers[this.#at++]!
  }

  /** In place of the numbers of an array, as many as were put. */
  all(numbers: number[], count: number): void {
    const column = this.#numbers
    const from = this.#at
    numbers.length = count
    for (let index = 0; index < count; index++) numbers[index] = inSmallestForm(column[from + index]!)
    this.#at += count
  }

  /** A number that was put as a count or an index below 2³¹. */
  index(): number {
    return this.#numbers[this.#at++]! | 0
  }

  flag(): boolean {
    return this.index() === 1
  }

  optional(): number | null {
    const number = this.number()
    return Number.isNaN(number) ? null : number
  }

  oneOf<Word>(words: readonly Word[]): Word {
    return words[this.index()]!
  }

  shared<Thing extends object>(read: (column: ColumnReader) => Thing): Thing | null {
    const place = this.index()
    if (place === nothing) return null
    if (place === this.#shared.length) this.#shared.push(read(this))
    return this.#shared[place] as Thing
  }
}

/** Whole numbers out of an array of floating-point numbers would make it one of those. */
function inSmallestForm(number: number): number {
  const whole = number | 0
  return whole === number && (whole !== 0 || 1 / number > 0) ? whole : number
}
