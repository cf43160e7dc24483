import type { IncomingMessage } from 'node:http'
import type { EvaluationContext } from '@dankai/flags'
import type { OfrepErrorCode } from './ofrep-protocol.ts'

/** A context that names a user and his device is below 2 kB; an object of a whole cart below 100. */
export const contextBytesMax = 262_144

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

/** Where a key of several places wants to act: as everywhere, in the query or in headers. */
export function placesIn(
  { headers }: IncomingMessage,
  query: URLSearchParams | null,
): { readonly project?: string; readonly environment?: string } | null {
  const project = nameIn(query?.get('project') ?? headers['dankai-project'])
  const environment = nameIn(query?.get('environment') ?? headers['dankai-environment'])
  if (project === null && environment === null) return null
  return { ...(project === null ? {} : { project }), ...(environment === null ? {} : { environment }) }
}

const nameIn = (asked: string | readonly string[] | undefined): string | null =>
  typeof asked !== 'string' || asked === '' || asked.length > 100 ? null : asked

/** The context, or what is wrong with the body. */
export function contextIn(body: string | null): EvaluationContext | OfrepErrorCode {
  if (body === null) return 'INVALID_CONTEXT'
  let request: unknown
  try {
    request = JSON.parse(body)
  } catch {
    return 'PARSE_ERROR'
  }
  if (!isObject(request)) return 'PARSE_ERROR'
  const { context = {} } = request
  return isObject(context) ? context : 'INVALID_CONTEXT'
}

const isObject = (found: unknown): found is Readonly<Record<string, unknown>> =>
  typeof found === 'object' && found !== null && !Array.isArray(found)
