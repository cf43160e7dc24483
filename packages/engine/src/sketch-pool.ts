import { Quantiles } from '@dankai/analysis'

/** A sketch in the pool is its kind, its size, and so many pairs of key and count. */
const headSize = 2
const sketchedMark = 1
const smallestPool = 64

/**
 * Many sketches in one column of numbers. As objects they would be six each, and collecting garbage walks them all.
 *
 *  1. A sketch keeps its place only while it takes as much; a larger one is written behind the others.
 *  2. What nobody names any more is left where it is until there is no more room; then the others move together, in the
 *     same column when that gives room enough.
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
    const place = this.#end
    this.#put(sketch, place)
    this.#end += sizeOf(sketch)
    return place
  }

  /** In the place of one that was merged into it, when it takes as much: the values of a service are mostly the same. */
  rewrite(place: number, sketch: Quantiles): boolean {
    if (sizeOf(sketch) !== this.#sizeAt(place)) return false
    this.#put(sketch, place)
    return true
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
   * Moves what is named together, with room for one more and for half as much again as there is. `places` names every
   * sketch, negative where there is none, and is changed to where they are then.
   */
  makeRoom(sketch: Quantiles | null, places: SketchPlaces): void {
    const held = this.#end - this.#released + (sketch === null ? 0 : sizeOf(sketch))
    const wanted = Math.max(smallestPool, Math.ceil(held * 1.5))
    const from = this.#numbers
    if (wanted > from.length || this.isSparse) this.#numbers = new Float64Array(wanted)
    let end = 0
    for (const index of inOrderOfPlace(places)) {
      const place = places.at(index)
      const size = headSize + 2 * from[place + 1]!
      if (from === this.#numbers) from.copyWithin(end, place, place + size)
      else this.#numbers.set(from.subarray(place, place + size), end)
      places.move(index, end)
      end += size
    }
    this.#end = end
    this.#released = 0
  }

  /** True when it takes far more room than what is in it. */
  get isSparse(): boolean {
    return this.#numbers.length > smallestPool && (this.#end - this.#released) * 4 < this.#numbers.length
  }

  #put(sketch: Quantiles, place: number): void {
    const { counts } = sketch
    const numbers = this.#numbers
    numbers[place] = sketch.sketched ? sketchedMark : 0
    numbers[place + 1] = counts.size
    for (let index = 0, at = place + headSize; index < counts.size; index++) {
      numbers[at++] = counts.keyAt(index)
      numbers[at++] = counts.countAt(index)
    }
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

/** So that nothing is moved over what has not moved yet. */
function inOrderOfPlace(places: SketchPlaces): readonly number[] {
  const named: number[] = []
  for (let index = 0; index < places.length; index++) if (places.at(index) >= 0) named.push(index)
  return named.sort((one, other) => places.at(one) - places.at(other))
}

function sizeOf(sketch: Quantiles): number {
  return headSize + 2 * sketch.counts.size
}
