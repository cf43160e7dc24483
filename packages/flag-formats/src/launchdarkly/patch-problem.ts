/** Why a change of a flag is refused, as LaunchDarkly's REST API says it. */
export class PatchProblem extends Error {
  /** 400: cannot be read. 404: names what is not there. 409: is not as was said. 422: means nothing here. */
  readonly status: PatchStatus

  constructor(status: PatchStatus, message: string) {
    super(message)
    this.status = status
  }
}

export type PatchStatus = 400 | 404 | 409 | 422

export type PatchResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly status: PatchStatus; readonly message: string }

export function patchResult<Value>(make: () => Value): PatchResult<Value> {
  try {
    return { ok: true, value: make() }
  } catch (error) {
    if (error instanceof PatchProblem) return { ok: false, status: error.status, message: error.message }
    // A part of the patch has a shape or a depth that no patch has; what is checked is what people get wrong.
    if (error instanceof TypeError || error instanceof RangeError)
      return { ok: false, status: 400, message: 'found a patch of another shape' }
    throw error
  }
}
