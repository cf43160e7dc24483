import type { Problem, ProblemCode } from '@dankai/contract'

/** An answer that is not the one asked for. Thrown by features, rendered as problem+json in one place. */
export class HttpProblem extends Error {
  readonly status: number
  readonly code: ProblemCode
  readonly extra: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: ProblemCode,
    detail: string,
    extra: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail)
    this.name = 'HttpProblem'
    this.status = statusOf[code]
    this.code = code
    this.extra = extra
    this.headers = headers
  }
}

const statusOf: Readonly<Record<ProblemCode, number>> = {
  invalid: 422,
  malformed: 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  stale: 409,
  'not-possible': 409,
  'not-live': 409,
  held: 409,
  claimed: 409,
  'too-large': 413,
  'unsupported-media-type': 415,
  'too-many-requests': 429,
  unavailable: 503,
  internal: 500,
}

const titleOf: Readonly<Record<ProblemCode, string>> = {
  invalid: 'The request is not valid',
  malformed: 'The request cannot be read',
  unauthorized: 'A valid key is needed',
  forbidden: 'This key may not do that',
  'not-found': 'There is no such thing',
  conflict: 'Somebody else changed it meanwhile',
  stale: 'The release has moved on',
  'not-possible': 'Not possible now',
  'not-live': 'The plan needs something that is not there',
  held: 'Another release holds a hand of this plan',
  claimed: 'A live release moves this flag',
  'too-large': 'The request is too large',
  'unsupported-media-type': 'The request has a type that is not understood',
  'too-many-requests': 'Too much at once',
  unavailable: 'Not available at the moment',
  internal: 'Something broke inside Dankai',
}

export function problemBody(problem: HttpProblem, requestId: string): Problem {
  return {
    type: `urn:dankai:problem:${problem.code}`,
    title: titleOf[problem.code],
    status: problem.status,
    code: problem.code,
    detail: problem.message,
    instance: requestId,
    ...problem.extra,
  }
}

export function problemResponse(problem: HttpProblem, requestId: string): Response {
  return new Response(JSON.stringify(problemBody(problem, requestId)), {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json; charset=utf-8', ...problem.headers },
  })
}
