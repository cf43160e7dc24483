import { hash } from 'node:crypto'
import type { EvaluationContext } from '@dankai/flags'
import type { ServedEnvironment } from '../../serving/served-environment.ts'
import type { EventTickets } from './event-ticket.ts'
import { type AnswerableFlag, answerableFlag, ofrepAnswer } from './ofrep-answer.ts'

/** How long a hidden page keeps its stream. */
const inactivityDelaySec = 120

/** Everything of an answer for all flags that is the same whoever asks. */
export interface SharedParts {
  readonly of: string
  readonly flags: readonly AnswerableFlag[]
  /** What comes after the flags. */
  readonly rest: string
  /** What a tag is made of, beside the context. */
  readonly tagged: string
}

/** Made once for each state of an environment. */
export class AllFlagsAnswers {
  readonly #tickets: EventTickets
  readonly #parts = new WeakMap<ServedEnvironment, SharedParts>()

  constructor(tickets: EventTickets) {
    this.#tickets = tickets
  }

  partsOf(environment: ServedEnvironment): SharedParts {
    const known = this.#parts.get(environment)
    if (known?.of === environment.etag) return known
    const parts = this.#make(environment)
    this.#parts.set(environment, parts)
    return parts
  }

  #make({ scope, etag, version, flags }: ServedEnvironment): SharedParts {
    const ticket = this.#tickets.ticketFor(scope)
    const stream = { type: 'sse', endpoint: { requestUri: `/ofrep/v1/events/${ticket}` }, inactivityDelaySec }
    const rest = JSON.stringify({ metadata: { version }, eventStreams: [stream] }).slice(1)
    return { of: etag, flags: flags.all().map(answerableFlag), rest, tagged: `${etag}\n${ticket}\n` }
  }
}

/** Of what is served and the context together. */
export const tagOf = ({ tagged }: SharedParts, body: string): string => `"${hash('sha1', tagged + body, 'base64url')}"`

export function allFlagsJson({ flags, rest }: SharedParts, context: EvaluationContext): string {
  let json = ''
  for (let index = 0; index < flags.length; index++)
    json += (index === 0 ? '' : ',') + ofrepAnswer(flags[index]!, context).json
  return `{"flags":[${json}],${rest}`
}
