import type { EvaluationContext } from '@dankai/flags'
import { etagOf } from '../../http/etag.ts'
import type { ServedView } from '../../serving/served-view.ts'
import type { EventTickets } from './event-ticket.ts'
import { type AnswerableFlag, answerTo, type GivenAnswers } from './given-answers.ts'

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

/** Made once for each state of what is served. */
export class AllFlagsAnswers {
  readonly #tickets: EventTickets
  readonly #given: GivenAnswers
  readonly #parts = new WeakMap<ServedView, SharedParts>()

  constructor(tickets: EventTickets, given: GivenAnswers) {
    this.#tickets = tickets
    this.#given = given
  }

  partsOf(view: ServedView): SharedParts {
    const known = this.#parts.get(view)
    if (known?.of === view.etag) return known
    const parts = this.#make(view)
    this.#parts.set(view, parts)
    return parts
  }

  json({ flags, rest }: SharedParts, context: EvaluationContext): string {
    let json = ''
    for (let index = 0; index < flags.length; index++) {
      const answer = answerTo(flags[index]!, context)
      this.#given.countAmongAll(answer)
      json += (index === 0 ? '' : ',') + answer.json
    }
    return `{"flags":[${json}],${rest}`
  }

  /** For whoever was told that nothing changed: all flags were asked for all the same. */
  count({ flags }: SharedParts, context: EvaluationContext): void {
    for (const flag of flags) this.#given.countAmongAll(answerTo(flag, context))
  }

  #make(view: ServedView): SharedParts {
    const { scope, etag, version, flags } = view
    const ticket = this.#tickets.ticketFor(view)
    const stream = { type: 'sse', endpoint: { requestUri: `/ofrep/v1/events/${ticket}` }, inactivityDelaySec }
    const rest = JSON.stringify({ metadata: { version }, eventStreams: [stream] }).slice(1)
    const answerable = flags.all().map(flag => this.#given.flagOf(scope, flag))
    return { of: etag, flags: answerable, rest, tagged: `${etag}\n${ticket}\n` }
  }
}

/** Of what is served and the context together. */
export const tagOf = ({ tagged }: SharedParts, body: string): string => etagOf(tagged + body)
