/**
 * One request to one server, with a time-out, and everything that can go wrong as one kind of failure.
 *
 *  1. No redirect is followed: the key belongs to the address it was given for.
 *  2. An answer is read to a bound.
 *  3. What cannot be reached ends with exit code 3, what is refused with 1.
 */
import type { Problem } from '@dankai/contract'
import { CommandEnd, exitCode, unreachable } from './command-end.ts'
import { asSaid, refuse } from './localized.ts'

export interface Exchange {
  readonly method: string
  /** Without the path; shown in messages. */
  readonly url: string
  readonly path: string
  readonly key: string | null
  readonly body: unknown
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** The largest answer is a page of events, about 8 MB; an endless one is not Dankai's. */
const answerLengthMax = 32 * 1024 * 1024

export async function exchange(request: Exchange): Promise<Response> {
  const response = await send(request)
  if (response.ok) return response
  throw await refusalIn(response, request)
}

export async function readJson(response: Response, { url }: Pick<Exchange, 'url'>): Promise<unknown> {
  if (response.status === 204) return null
  const text = await readText(response, url)
  try {
    return JSON.parse(text)
  } catch {
    throw foreign(url, 'an answer that is no JSON')
  }
}

async function send({ method, url, path, key, body, headers, signal }: Exchange): Promise<Response> {
  try {
    return await fetch(url + path, {
      method,
      signal,
      redirect: 'manual',
      headers: {
        accept: 'application/json',
        ...headers,
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === null ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === null ? {} : { body: JSON.stringify(body) }),
    })
  } catch (cause) {
    throw unreachableServer(url, cause)
  }
}

async function readText(response: Response, url: string): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true })
      if (text.length > answerLengthMax) throw foreign(url, 'an answer without an end')
    }
    return text + decoder.decode()
  } catch (cause) {
    throw cause instanceof CommandEnd ? cause : unreachableServer(url, cause)
  }
}

/** A problem document says all; anything else is not Dankai, or something that stands in front of it. */
async function refusalIn(response: Response, request: Exchange): Promise<CommandEnd> {
  const { status } = response
  const isProblem = response.headers.get('content-type')?.includes('json') ?? false
  const answer = isProblem ? await readJson(response, request) : null
  const isBusy = status >= 500 || status === 429
  if (isProblemDocument(answer)) {
    return new CommandEnd(isBusy ? exitCode.unreachable : exitCode.no, {
      code: answer.code,
      message: asSaid(answer.detail),
      more: moreOf(answer),
      problem: answer,
    })
  }
  return foreign(request.url, `status ${status} for ${request.method} ${request.path.split('?')[0]}`)
}

function isProblemDocument(answer: unknown): answer is Problem {
  return (
    typeof answer === 'object' &&
    answer !== null &&
    'detail' in answer &&
    typeof answer.detail === 'string' &&
    'code' in answer &&
    typeof answer.code === 'string'
  )
}

/** What the detail has no room for: every missing part, every place of a mistake. */
function moreOf({ detail, ...problem }: Problem): readonly string[] {
  const missing = listOf(problem['missing']).filter(line => typeof line === 'string')
  // A mistake that the detail has, word for word, is not said twice.
  const errors = listOf(problem.errors)
    .filter(({ message }) => !detail.includes(message))
    .map(({ path, message }) => `${path}: ${message}`)
  const problems = listOf(problem['problems']).map(
    ({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`,
  )
  const changes = listOf(problem['changes']).map(({ direction, message }) => `${direction}: ${message}`)
  const difference = linesOfDifference(problem['difference'])
  return [...missing, ...errors, ...problems, ...changes, ...difference].filter(line => !detail.endsWith(line))
}

/** What others changed since, and what this command was about to change. */
function linesOfDifference(difference: unknown): readonly string[] {
  if (typeof difference !== 'object' || difference === null) return []
  const { theirs, yours } = difference as Readonly<Record<string, unknown>>
  return [...listOf(theirs).map(line => `theirs: ${line}`), ...listOf(yours).map(line => `yours: ${line}`)]
}

// biome-ignore lint/suspicious/noExplicitAny: the server's extra fields are printed, never relied on.
function listOf(value: unknown): readonly any[] {
  return Array.isArray(value) ? value.filter(item => item !== null && item !== undefined) : []
}

function foreign(url: string, found: string): CommandEnd {
  return unreachable(
    refuse(
      { cannot: `talk to "${url}"`, found, expected: 'a Dankai server', next: 'Check DANKAI_URL.' },
      {
        cannot: `"${url}" と話せません`,
        found: `${found} がありました`,
        expected: 'Dankai のサーバー',
        next: 'DANKAI_URL を確かめてください。',
      },
    ),
  )
}

export function unreachableServer(url: string, cause: unknown): CommandEnd {
  const found = whyUnreachable(cause)
  return unreachable(
    refuse(
      {
        cannot: `reach "${url}"`,
        found,
        expected: 'a Dankai server',
        next: 'Start one with "dankai serve", or set DANKAI_URL.',
      },
      {
        cannot: `"${url}" に届きません`,
        found: `${found} になりました`,
        expected: 'Dankai のサーバー',
        next: '"dankai serve" で始めるか、DANKAI_URL を設定してください。',
      },
    ),
  )
}

/** ECONNREFUSED, ENOTFOUND, CERT_HAS_EXPIRED … say more than "fetch failed". */
function whyUnreachable(error: unknown): string {
  if (!(error instanceof Error)) return 'an error'
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer in time'
  const { cause } = error
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code
  return cause instanceof Error ? cause.message : error.message
}

/** The request surely never arrived, so that it may be sent to another instance. */
export function neverArrived(end: unknown): boolean {
  return end instanceof CommandEnd && /ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN/.test(end.message)
}
