/**
 * What the OpenFeature Remote Evaluation Protocol has beside evaluations: `/ofrep/v1/events/{ticket}`, which says that a
 * client should ask again, and the answers to pages that ask whether they may ask.
 */
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Application } from '../../application.ts'
import { allowAsking } from '../../http/allow-pages.ts'
import type { Api } from '../../http/api.ts'
import { eventIdOf } from '../../http/etag.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { ChangeBroadcast } from '../../serving/change-broadcast.ts'
import type { ServedView } from '../../serving/served-view.ts'
import { eventFrame } from '../../streaming/event-frame.ts'
import type { EventTickets } from './event-ticket.ts'

/** Mounted apart from the API: the ticket is its key. */
export function useOfrep(api: Api, app: Application, tickets: EventTickets): void {
  const broadcast = new ChangeBroadcast<ServedView>(app, 'ofrep', {
    first: (view, lastEventId) => (lastEventId === eventIdOf(view) ? null : refetchFrame(view)),
    // What another audience alone reads is no reason to ask again.
    change: (view, { kind }) => (kind === 'passed' ? null : refetchFrame(view)),
  })

  api.options('/ofrep/v1/*', () => allowAsking('GET, POST, OPTIONS'))

  api.get('/ofrep/v1/events/:ticket', async c => {
    const followed = tickets.followedWith(c.req.param('ticket'))
    if (followed === null)
      throw new HttpProblem(
        'unauthorized',
        'Cannot follow changes: found a ticket that was not given out here, expected one of an answer for all flags. Ask for all flags again.',
      )
    const { scope, audience, keyId } = followed
    if (keyId !== null && !(await app.streams.isValidKey(keyId)))
      throw new HttpProblem('unauthorized', 'Cannot follow changes: found a ticket of a key that is no longer valid.')
    const view = await app.environments.viewFor(audience, scope)
    const stream = { kind: 'client', keyId, headers: { 'access-control-allow-origin': '*' } } as const
    broadcast.join(view, c.env.outgoing, stream, c.req.header('last-event-id') ?? null)
    return RESPONSE_ALREADY_SENT as never
  })
}

/** Whoever hears it asks again. */
function refetchFrame(view: ServedView): Buffer {
  const id = eventIdOf(view)
  return eventFrame({ name: 'message', id, data: JSON.stringify({ type: 'refetchEvaluation', etag: id }) })
}
