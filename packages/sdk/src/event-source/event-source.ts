/** How an event stream is requested and read, so that each runtime can use what it has. */
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

/** Redirects are not followed: the key in the headers is for this address alone. */
export type ConnectEvents = (
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<EventSourceAnswer>
