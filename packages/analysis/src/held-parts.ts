import type { EvidencePlan } from './evidence.ts'
import { buildEvidenceParts, type EvidenceParts, readParts, writeParts } from './evidence-parts.ts'
import { ColumnReader, ColumnWriter, type NumberColumn } from './number-column.ts'
import { collectTerms } from './plan-terms.ts'

/**
 * The parts of one release's evidence: objects while it is worked on, a column of numbers while others are.
 *
 *  1. Parts have the numbers of one release in them, their holder. Before another one takes them over, the holder writes
 *     its numbers down: nothing is lost, and no answer depends on which releases were worked on in between.
 *  2. A release goes on with parts that were built for the same questions, its own or another release's.
 *  3. At most `builtMax` releases hold parts. As objects a thousand releases of 20 metrics are millions, which every
 *     collection of the old generation walks, and nothing else happens then.
 */
export class HeldParts {
  /** The plan of the release, or another one that asks the same. */
  #plan: EvidencePlan
  readonly #questionsHash: number
  #built: BuiltParts | null
  /** The numbers, while it holds no parts; room for them else. */
  #column: NumberColumn | null = null

  /** New parts, as a release begins. */
  constructor(plan: EvidencePlan) {
    this.#questionsHash = hashOf(questionsOf(plan))
    this.#plan = knownPlan(plan, this.#questionsHash)
    this.#built = hold(this, build(this.#plan, this.#questionsHash))
  }

  /** The parts with the numbers of this release in them, until another one asks for its own. */
  get parts(): EvidenceParts {
    this.#built ??= this.#goOn()
    return this.#built.parts
  }

  /** Another release takes the parts over. */
  leave(): void {
    writeParts(this.#built!.parts, writer)
    this.#column = writer.finish(this.#column)
    this.#built = null
  }

  #goOn(): BuiltParts {
    this.#plan = knownPlan(this.#plan, this.#questionsHash)
    const taken = hold(this, findBuilt(this.#plan) ?? build(this.#plan, this.#questionsHash))
    readParts(taken.parts, new ColumnReader(this.#column!))
    return taken
  }
}

interface BuiltParts {
  readonly plan: EvidencePlan
  readonly questionsHash: number
  readonly parts: EvidenceParts
  holder: HeldParts | null
}

/** A small installation never writes; a large one has as much to walk as eight releases had, however many it holds. */
const builtMax = 8
/** Those held longest come first. */
const built: BuiltParts[] = []
const writer = new ColumnWriter()

function build(plan: EvidencePlan, questionsHash: number): BuiltParts {
  return { plan, questionsHash, parts: buildEvidenceParts(plan), holder: null }
}

/** Of the parts that fit those held longest; none while there is room for more. */
function findBuilt(plan: EvidencePlan): BuiltParts | null {
  if (built.length < builtMax) return null
  return built.find(candidate => candidate.plan === plan) ?? null
}

/** The new holder takes parts over from the one before; newly built ones take the place of those held longest. */
function hold(holder: HeldParts, taken: BuiltParts): BuiltParts {
  const known = built.indexOf(taken)
  const [left] = known < 0 && built.length < builtMax ? [] : built.splice(Math.max(known, 0), 1)
  left?.holder?.leave()
  taken.holder = holder
  built.push(taken)
  return taken
}

/** The plan that parts were built of, when it asks the same: plans of many releases have the same questions. */
function knownPlan(plan: EvidencePlan, questionsHash: number): EvidencePlan {
  const known = built.find(candidate => candidate.questionsHash === questionsHash && asksTheSame(candidate.plan, plan))
  return known?.plan ?? plan
}

function asksTheSame(one: EvidencePlan, other: EvidencePlan): boolean {
  return one === other || questionsOf(one) === questionsOf(other)
}

function questionsOf(plan: EvidencePlan): string {
  return JSON.stringify([plan.metrics, collectTerms(plan)])
}

/** Spares comparing plans that ask something else; whole numbers of 30 bits are no objects. */
function hashOf(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0
  return hash >>> 2
}
