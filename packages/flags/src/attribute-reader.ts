/**
 * Reads an attribute of a context by its name.
 *
 * JavaScript engines note for each place in the source what they have read there. One place that reads all attributes
 * has seen too many names to be quick: 13 ns an attribute, where one that always reads the same name takes 3. So the
 * first names that flags ask for get a place each, which is why the lines below are all the same, and the names after
 * those share the last. A `switch` becomes part of its caller; a function for each name took 2 ns more for its call.
 */
import type { EvaluationContext } from './evaluation.ts'

/** More places than the attributes of most products; each costs a line. */
const ownPlaces = 16

/** Bounded by the places, so it does not grow with names. */
const places = new Map<string, number>()

/** Where `readPlace` reads this name. */
export function attributePlace(name: string): number {
  const known = places.get(name)
  if (known !== undefined) return known
  const place = places.size
  if (place < ownPlaces) places.set(name, place)
  return place
}

export function readPlace(context: EvaluationContext, name: string, place: number): unknown {
  switch (place) {
    case 0:
      return context[name]
    case 1:
      return context[name]
    case 2:
      return context[name]
    case 3:
      return context[name]
    case 4:
      return context[name]
    case 5:
      return context[name]
    case 6:
      return context[name]
    case 7:
      return context[name]
    case 8:
      return context[name]
    case 9:
      return context[name]
    case 10:
      return context[name]
    case 11:
      return context[name]
    case 12:
      return context[name]
    case 13:
      return context[name]
    case 14:
      return context[name]
    case 15:
      return context[name]
    default:
      return context[name]
  }
}
