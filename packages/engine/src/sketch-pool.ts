import { Quantiles } from '@dankai/analysis'

/** A sketch in the pool is its kind, its size, and so many pairs of key and count. */
const headSize = 2
const sketchedMark = 1
const smallestPool = 64

/**
 * Many sketches in one column of numbers. As objects they would be six each, and collecting garbage walks them all.
 *
 *  1. A sketch is written once and never changed: what replaces it is written behind the others.
 *  2. What nobody names any more is left where it is, until it is half of the column; then the others move together.
 */
export class SketchPool {
  #numbers = new Float64Array(0)
  #end = 0
  #released = 0

  get bytes(): number {
    return this.#numbers.byteLength
  }

  /** Where the sketch is now. Makes no room: see `hasRoomFor`. */
  write(sketch: Quantiles): number {
    const { counts } = sketch
    const place = this.#end
    const numbers = this.#numbers
    numbers[place] = sketch.sketched ? sketchedMark : 0
    numbers[place + 1] = counts.size
    let at = place + headSize
    for (let index = 0; index < counts.size; index++) {
      numbers[at++] = counts.keyAt(index)
      numbers[at++] = counts.countAt(index)
    }
    this.#end = at
    return place
  }

  read(place: number): Quantiles {
    const from = place + headSize
    const pairs = this.#numbers.subarray(from, from + 2 * this.#numbers[place + 1]!)
    return Quantiles.ofPairs(this.#numbers[place] === sketchedMark, pairs)
  }

  /** Nobody names it any more. */
  release(place: number): void {
    this.#released += this.#sizeAt(place)
  }

  hasRoomFor(sketch: Quantiles): boolean {
    return this.#end + sizeOf(sketch) <= this.#numbers.length
  }

  /**
   * Moves what is named together, with room for one more and for as much again as is needed soon. `places` names every
   * sketch, negative where there is none, and is changed to where they are then.
   */
  makeRoom(sketch: Quantiles | null, places: SketchPlaces): void {
    const held = this.#end - this.#released + (sketch === null ? 0 : sizeOf(sketch))
    const numbers = new Float64Array(Math.max(smallestPool, Math.ceil(held * 1.5)))
    let end = 0
    for (let index = 0; index < places.length; index++) {
      const place = places.at(index)
      if (place < 0) continue
      const size = this.#sizeAt(place)
      numbers.set(this.#numbers.subarray(place, place + size), end)
      places.move(index, end)
      end += size
    }
    this.#numbers = numbers
    this.#end = end
    this.#released = 0
  }

  /** True when it takes far more room than what is in it. */
  get isSparse(): boolean {
    return this.#numbers.length > smallestPool && (this.#end - this.#released) * 4 < this.#numbers.length
  }

  #sizeAt(place: number): number {
    return headSize + 2 * this.#numbers[place + 1]!
  }
}

/** Whoever names sketches of a pool. */
export interface SketchPlaces {
  readonly length: number
  at(index: number): number
  move(index: number, place: number): void
}

function sizeOf(sketch: Quantiles): number {
  return headSize + 2 * sketch.counts.size
}
