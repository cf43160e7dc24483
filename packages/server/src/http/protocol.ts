/** A protocol of other people's clients, served under a prefix of its own in that protocol's ways. */
import type { HttpProblem } from './http-problem.ts'

export interface Protocol {
  /** Ends with a slash. */
  readonly prefix: string
  readonly bodyBytesMax?: number
  /** How clients are told that something went wrong. */
  readonly problem: (problem: HttpProblem, requestId: string, path: string) => Response
  /**
   * The key that stands in a path, as pages in browsers send it; null where a path has none. Everybody who uses the
   * page can read it, so only keys of kind sdk-client are taken from there.
   */
  readonly keyInPath?: (path: string) => string | null
  /** The path as the log may have it: without keys and without what is known of users. Left out: as it is. */
  readonly shownPath?: (path: string) => string
  /** Asked so often that a line of the log for each would hide the others. */
  readonly isQuiet?: (path: string) => boolean
}

export type Protocols = readonly Protocol[]

export const protocolOf = (protocols: Protocols, path: string): Protocol | undefined =>
  protocols.find(({ prefix }) => path.startsWith(prefix))
