import type { EvaluationContext } from '@dankai/flags'
import type { Caller } from '../../http/caller.ts'
import { etagOf } from '../../http/etag.ts'
import type { ServedView } from '../../serving/served-view.ts'
import type { EventTickets } from './event-ticket.ts'
import { type AnswerableFlag, answerTo, type GivenAnswers } from './given-answers.ts'

/** How long a hidden page keeps its stream. */
const inactivityDelaySec = 120

/** Everything of an answer for all flags that is the same whoever asks with a key. */
export interface SharedParts {
  readonly flags: readonly AnswerableFlag[]
  /** What comes after the flags. */
  readonly rest: string
  /** What a tag is made of, beside the context. */
  readonly tagged: string
}

interface ViewParts {
  readonly of: string
  readonly flags: readonly AnswerableFlag[]
  /** Each key has its own ticket. */
  readonly byKey: Map<Caller['keyId'], SharedParts>
}

/** An environment has a few; beyond, they are made again. */
const keysMax = 1_000

/** Made once for each state of what is served and each key. */
export class AllFlagsAnswers {
  readonly #tickets: EventTickets
  readonly #given: GivenAnswers
  readonly #parts = new WeakMap<ServedView, ViewParts>()

  constructor(tickets: EventTickets, given: GivenAnswers) {
    this.#tickets = tickets
    this.#given = given
  }

  partsOf(view: ServedView, keyId: Caller['keyId']): SharedParts {
    const { flags, byKey } = this.#partsOfView(view)
    const known = byKey.get(keyId)
    if (known !== undefined) return known
    const parts = this.#make(view, flags, keyId)
    if (byKey.size >= keysMax) byKey.clear()
    byKey.set(keyId, parts)
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

  #partsOfView(view: ServedView): ViewParts {
    const known = this.#parts.get(view)
    if (known?.of === view.etag) return known
    const flags = view.flags.all().map(flag => this.#given.flagOf(view.scope, flag))
    const parts = { of: view.etag, flags, byKey: new Map() }
    this.#parts.set(view, parts)
    return parts
  }

  #make(view: ServedView, flags: readonly AnswerableFlag[], keyId: Caller['keyId']): SharedParts {
    const { scope, audience, etag, version } = view
    const ticket = this.#tickets.ticketFor({ scope, audience, keyId })
    const stream = { type: 'sse', endpoint: { requestUri: `/ofrep/v1/events/${ticket}` }, inactivityDelaySec }
    const rest = JSON.stringify({ metadata: { version }, eventStreams: [stream] }).slice(1)
    return { flags, rest, tagged: `${etag}\n${ticket}\n` }
  }
}

/** Of what is served and the context together. */
export const tagOf = ({ tagged }: SharedParts, body: string): string => etagOf(tagged + body)
