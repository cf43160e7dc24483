import type { IncomingMessage } from 'node:http'
import type { EvaluationContext } from '@dankai/flags'
import type { AskedScope } from '../../http/caller.ts'
import { isFields } from '../../http/fields.ts'
import { isTooDeep } from '../../http/json-body.ts'
import { contextTooDeep, noContext, noRequest, type OfrepRefusal } from './ofrep-refusal.ts'

export const allFlagsPath = '/ofrep/v1/evaluate/flags'

/** What is asked for. */
export interface Target {
  /** Null: all flags. */
  readonly key: string | null
  readonly query: URLSearchParams | null
}

/** Null when the request asks for no evaluation. */
export function targetOf({ method, url = '' }: IncomingMessage): Target | null {
  if (method !== 'POST' || !url.startsWith(allFlagsPath)) return null
  const mark = url.indexOf('?', allFlagsPath.length)
  const query = mark < 0 ? null : new URLSearchParams(url.slice(mark))
  const rest = url.slice(allFlagsPath.length, mark < 0 ? url.length : mark)
  if (rest === '') return { key: null, query }
  if (rest.length === 1 || rest[0] !== '/' || rest.includes('/', 1)) return null
  return { key: decoded(rest.slice(1)), query }
}

function decoded(part: string): string {
  if (!part.includes('%')) return part
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** As everywhere: in the query or in headers. */
export function askedIn({ headers }: IncomingMessage, query: URLSearchParams | null): AskedScope {
  return {
    project: query?.get('project') ?? oneOf(headers['dankai-project']),
    environment: query?.get('environment') ?? oneOf(headers['dankai-environment']),
  }
}

/** Node joins what comes more than once; its types do not say so. */
const oneOf = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'object' ? header.join(', ') : header

/** The context, or what is wrong with the body. */
export function contextIn(body: string): EvaluationContext | OfrepRefusal {
  if (isTooDeep(body)) return contextTooDeep
  let request: unknown
  try {
    request = JSON.parse(body)
  } catch {
    return noRequest
  }
  if (!isFields(request)) return noRequest
  const { context = {} } = request
  return isFields(context) ? context : noContext
}

const refusals = new Set<unknown>([contextTooDeep, noRequest, noContext])

/** By what it is, as a context may have any fields. */
export const isRefused = (found: EvaluationContext | OfrepRefusal): found is OfrepRefusal => refusals.has(found)
