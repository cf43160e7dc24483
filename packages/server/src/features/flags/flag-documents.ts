/**
 * `kind: Flag` documents become flags when they are applied.
 *
 * 1. A document owns what it can say: kind, variants, who is always in, the split, and the care. Whether the flag is on,
 *    its exposure, its targets and the rules of people stay as they are.
 * 2. A flag that a live release moves is not changed by a document: nothing is applied then.
 * 3. A document that says the same again changes nothing; one whose flag was removed makes it again.
 * 4. A segment that is applied alone reaches the flags whose applied documents name it, and changes nothing else of them.
 */
import { type Condition, defineFlag, type FlagDefinition, type FlagRule, type Serve, weightTotal } from '@dankai/flags'
import { type FlagDocument, parsePlanDocuments, readFlagDocuments } from '@dankai/plan'
import { completeCare, type FlagCare, type Scope, type StoredFlag } from '@dankai/store'
import type { Application } from '../../application.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import type { DocumentText } from '../plans/document-text.ts'
import { changeFlag, isAsWanted, type WantedFlag } from './change-flag.ts'
import { definitionsByKey } from './prerequisite-refusals.ts'
import { flagsNamingSegments, readSegments, type Segments } from './segment-documents.ts'
import { requireSound } from './write-flag.ts'

export interface FlagWrites {
  /** Keys of the flags made or changed. */
  carryOut(by: string, why: string | null): Promise<readonly string[]>
}

/** What documents would do to flags; throws when one cannot be done. */
export async function prepareFlagDocuments(
  app: Application,
  scope: Scope,
  texts: readonly DocumentText[],
): Promise<FlagWrites> {
  const documents = texts.filter(({ kind }) => kind === 'Flag').flatMap(readDocument)
  const segments = await readSegments(
    app.store.documents,
    scope,
    texts,
    documents.flatMap(({ segments: names }) => names),
  )
  const ofDocuments = documents.map((document): DocumentedFlag => {
    const wanted = (present: StoredFlag | null) => ({
      definition: definitionOf(document, present?.definition ?? null, segments),
      care: careOf(document, present?.care ?? null),
    })
    return { key: document.name, wanted }
  })
  const written = new Set(documents.map(({ name }) => name))
  const ofSegments = (await flagsNamingSegments(app.store.documents, scope, texts))
    .filter(({ key }) => !written.has(key))
    .map(({ key, segments: named }): DocumentedFlag => ({ key, wanted: present => withSegments(present, named) }))
  const flags = [...ofDocuments, ...ofSegments]
  for (const { key, wanted } of flags) refuseMoved(key, await app.store.flags.get(scope, key), wanted)
  return {
    async carryOut(by, why) {
      const changed: string[] = []
      const others = await definitionsByKey(app, scope)
      const about = { by, why: why ?? 'applied document', others, breaksGlass: sameButCare }
      for (const { key, wanted } of flags) {
        const result = await changeFlag(app, scope, key, wanted, about)
        if (result.kind === 'changed') changed.push(key)
        else if (result.kind !== 'unchanged') throw notApplied(key, result.why)
      }
      if (changed.length > 0) await app.environments.refresh(scope)
      return changed
    },
  }
}

interface DocumentedFlag {
  readonly key: string
  /** The flag as it shall be; null: it stays as it is. */
  readonly wanted: (present: StoredFlag | null) => WantedFlag | null
}

/** Only where the flag still has the segment: people may have taken it out. */
function withSegments(present: StoredFlag | null, named: Segments): WantedFlag | null {
  if (present === null) return null
  const { definition, care } = present
  const kept = Object.entries(named).filter(([name]) => Object.hasOwn(definition.segments, name))
  return { definition: { ...definition, segments: { ...definition.segments, ...Object.fromEntries(kept) } }, care }
}

function refuseMoved(key: string, present: StoredFlag | null, wanted: DocumentedFlag['wanted']): void {
  const definition = wanted(present)?.definition
  if (definition === undefined) return
  requireSound(definition)
  if (present?.heldBy == null || isAsWanted(present, { definition })) return
  throw new HttpProblem(
    'claimed',
    `Cannot apply flag "${key}": found it moved by live release ${present.heldBy}, expected it free. Wait for that release to end, or leave the flag as it is.`,
    { release: present.heldBy },
  )
}

/** A title does not move a flag. */
const sameButCare = ({ definition }: WantedFlag, present: StoredFlag | null): boolean =>
  isAsWanted(present, { definition })

const notApplied = (key: string, why: string): HttpProblem =>
  new HttpProblem('conflict', `Cannot apply flag "${key}": ${why}, expected one free moment. Apply again.`)

function readDocument({ kind, name, text }: DocumentText): readonly FlagDocument[] {
  return readFlagDocuments(parsePlanDocuments([{ path: `${kind}/${name}.yaml`, text }]).documents)
}

function definitionOf(document: FlagDocument, present: FlagDefinition | null, segments: Segments): FlagDefinition {
  const { name: key, type: kind, variants, defaultVariant, allocation } = document
  const others = Object.keys(variants).filter(variant => variant !== defaultVariant)
  const onVariant = others[0] ?? defaultVariant
  const named = Object.fromEntries(document.segments.map(name => [name, segments[name] ?? { include: {} }]))
  const owned = {
    kind,
    variants: variants as FlagDefinition['variants'],
    offVariant: defaultVariant,
    onVariant,
    rules: [...documentRules(document, onVariant), ...(present?.rules ?? []).filter(({ id }) => !isOfDocument(id))],
    otherwise: allocation === null ? { variant: defaultVariant } : serveOf(allocation, kind === 'experiment'),
    segments: { ...present?.segments, ...named },
  }
  return present === null ? defineFlag({ key, ...owned }) : { ...present, ...owned }
}

const includeRule = 'document:include'
const segmentRulePrefix = 'document:segment:'
const isOfDocument = (id: string): boolean => id === includeRule || id.startsWith(segmentRulePrefix)

/** All attributes of `include` must match; any one segment suffices. */
function documentRules({ include, segments }: FlagDocument, variant: string): readonly FlagRule[] {
  const rule = (id: string, when: readonly Condition[]): FlagRule => {
    return { id, when, share: 1, by: null, seed: null, serve: { variant } }
  }
  const matches = Object.entries(include).map(([attribute, values]) => condition(attribute, 'is', values))
  return [
    ...(matches.length === 0 ? [] : [rule(includeRule, matches)]),
    ...segments.map(name => rule(`${segmentRulePrefix}${name}`, [condition('', 'inSegment', [name])])),
  ]
}

function condition(attribute: string, operator: Condition['operator'], values: readonly string[]): Condition {
  return { attribute, operator, values, negated: false }
}

/** Rounded at the borders, so that the parts are the whole. */
function serveOf(allocation: Readonly<Record<string, number>>, experiment: boolean): Serve {
  let sum = 0
  let before = 0
  const split = Object.entries(allocation).map(([variant, share]) => {
    sum += share
    const until = Math.round(sum * weightTotal)
    const weight = until - before
    before = until
    return { variant, weight }
  })
  return { split, by: null, seed: null, experiment }
}

function careOf({ title, description, owner, removeAfterMs, isForClients }: FlagDocument, present: FlagCare | null) {
  return { ...(present ?? completeCare(null)), title, description, owner, removeAfterMs, client: isForClients }
}
