/** How the control plane is spoken to, so that each runtime can use what it has. */
export interface Transport {
  /** Asks for an event stream. Rejects when no answer comes. */
  connectEvents(url: string, headers: RequestHeaders, signal: AbortSignal): Promise<EventSourceAnswer>
  /** Sends a body and reads the answer. Rejects when no answer comes. */
  post(url: string, headers: RequestHeaders, body: string, signal: AbortSignal): Promise<PostAnswer>
}

/** Redirects are not followed: the key in the headers is for this address alone. */
export type RequestHeaders = Readonly<Record<string, string>>

export interface EventSourceAnswer {
  readonly status: number
  readonly contentType: string | null
  readonly retryAfter: string | null
  /**
   * Hands over pieces of text as they arrive, characters never cut in two, until the stream ends or `onPiece` says false.
   * Rejects when the connection is cut, and with what `onPiece` throws.
   */
  read(onPiece: (piece: string) => boolean): Promise<void>
  /** Gives the connection up unread. */
  discard(): Promise<void>
}

export interface PostAnswer {
  readonly status: number
  readonly retryAfter: string | null
  readonly text: string
}
