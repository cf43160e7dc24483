import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { PlanCheck, PlanChoice, PlanResult, PlanSettings } from '../check-plan.ts'
import { checkPlan, compilePlan } from '../check-plan.ts'
import type { CompiledPlan } from '../compiled-plan.ts'
import type { PlanDocuments } from '../plan-documents.ts'
import { parsePlanDocuments } from '../plan-documents.ts'

const folder = fileURLToPath(new URL('../fixtures/', import.meta.url))

/** The five plans of the documents with their helpers and scenarios, as drafted. */
export const draftFiles = readdirSync(folder).map(path => ({ path, text: readFileSync(`${folder}${path}`, 'utf8') }))

const drafts = parsePlanDocuments(draftFiles)

/** Read once: documents are data that nobody changes. */
export function parseDrafts(): PlanDocuments {
  return drafts
}

export function parseText(...texts: readonly string[]): PlanDocuments {
  return parsePlanDocuments(
    texts.map((text, index) => ({ path: index === 0 ? 'plan.yaml' : `other-${index}.yaml`, text })),
  )
}

export function checkText(text: string, settings: PlanSettings = {}): PlanCheck {
  return checkPlan(parseText(text), settings)
}

/** The parts of a plan that a test does not care about; a part given again takes the place of its default. */
const defaults: Readonly<Record<string, string>> = {
  kind: 'kind: ReleasePlan',
  name: 'name: sample',
  exposure: 'exposure: [{ flag: new-flow }]',
  metrics: [
    'metrics:',
    '  error_rate: { ratio: errors / requests }',
    '  p99: { p99: duration, unit: ms }',
    '  restarts: { count: restarts }',
    '  delivery_success: { ratio: sent / all, better: higher }',
    '  cost: { count: cost_usd, unit: USD }',
    '  rating: { last: rating, better: higher }',
  ].join('\n'),
  signals: 'signals: { data_loss: データ損失が発生 }',
  checks: 'checks: { smoke: [{ run: npm run smoke }] }',
  phases: 'phases:\n  - { name: early, expose: 50%, hold: 10m }\n  - { name: all, expose: 100%, hold: 10m }',
}

export function writePlan(parts: Readonly<Record<string, string>> = {}, ...documents: readonly string[]): string {
  const all = { ...defaults, ...parts }
  const keys = Object.entries(all).map(([key, text]) =>
    text === '' || text.startsWith(`${key}:`) ? text : `${key}: ${text}`,
  )
  return [keys.filter(text => text !== '').join('\n'), ...documents].join('\n---\n')
}

export function compileText(text: string, choice: Omit<PlanChoice, 'plan'> = {}): PlanResult {
  return compilePlan(parseText(text), { plan: 'sample', ...choice })
}

/** The compiled plan of a text that must have no problems. */
export function compileGood(text: string, choice: Omit<PlanChoice, 'plan'> = {}): CompiledPlan {
  const result = compileText(text, choice)
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message.en).join('\n'))
  return result.plan
}

/** The compiled plan of one of the five drafts. */
export function compileDraft(plan: string, strategy?: string): CompiledPlan {
  const result = compilePlan(parseDrafts(), { plan, ...(strategy === undefined ? {} : { strategy }) })
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message.en).join('\n'))
  return result.plan
}
