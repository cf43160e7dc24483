/**
 * Functions that read an attribute of a context by its name.
 *
 * JavaScript engines note for each place in the source what they have read there. One place that reads all attributes
 * has seen too many names to be quick: 13 ns an attribute, where one that always reads the same name takes 5. So the
 * first names that flags ask for get a place each, which is why the lines below are all the same, and the names after
 * those share the last.
 */
import type { EvaluationContext } from './evaluation.ts'

export type AttributeReader = (context: EvaluationContext) => unknown

type Maker = (name: string) => AttributeReader

/** More places than the attributes of most products; each costs a line. */
const ownPlaces: readonly Maker[] = [
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
  name => context => context[name],
]

const sharedPlace: Maker = name => context => context[name]

/** Bounded by the places, so it does not grow with names. */
const readers = new Map<string, AttributeReader>()

export function attributeReader(name: string): AttributeReader {
  const known = readers.get(name)
  if (known !== undefined) return known
  const maker = ownPlaces[readers.size]
  if (maker === undefined) return sharedPlace(name)
  const reader = maker(name)
  readers.set(name, reader)
  return reader
}
