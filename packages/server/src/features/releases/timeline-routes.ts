/**
 * `GET /v1/releases/{id}/timeline`: a release live, as server-sent events.
 *
 *  event: event    id: SEQ   data: {"seq","at","body"}     every event once, in order, from the one after Last-Event-ID
 *  event: status             data: {"seq","status"}        whenever what it is doing or waiting for has changed
 *  event: ping               data: {}                      every 15 s
 */
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requireKind } from '../../http/caller.ts'
import { eventFrame, pingFrame } from '../../streaming/event-frame.ts'
import type { StreamClient } from '../../streaming/stream-client.ts'
import { readRelease } from './release-routes.ts'
import { summaryView } from './release-view.ts'

const pingEveryMs = 15_000
/** Numbers move every second; people do not read faster. */
const statusEveryMs = 1_000
const eventsPerRead = 500

export function useTimeline(api: Api, app: Application): void {
  const streams = app.streams.protocol('timeline', { isBeaten: false })

  api.get('/v1/releases/:id/timeline', async c => {
    const { keyId } = c.get('caller')
    requireKind(c.get('caller'), ['admin', 'ci'])
    const id = c.req.param('id')
    await readRelease(app, c, id)
    const lastEventId = c.req.header('last-event-id') ?? c.req.query('since') ?? '0'
    const after = /^\d{1,9}$/.test(lastEventId) ? Number(lastEventId) : 0
    followRelease(app, id, after, onEnd =>
      streams.open(c.env.outgoing, { kind: 'server', keyId, name: 'timeline' }, onEnd),
    )
    return RESPONSE_ALREADY_SENT
  })
}

function followRelease(app: Application, id: string, after: number, open: (onEnd: () => void) => StreamClient): void {
  let seq = after
  let shown = ''
  let again = false
  let _running: Promise<void> | null = null

  async function read(): Promise<void> {
    for (let more = true; more; ) {
      const events = await app.store.reader.events(id, seq, eventsPerRead)
      const frames = events.map(event => eventFrame({ name: 'event', id: event.seq, data: JSON.stringify(event) }))
      if (!client.write(Buffer.concat(frames))) return
      seq = events.at(-1)?.seq ?? seq
      more = events.length === eventsPerRead
    }
    const release = await app.store.reader.get(id)
    if (release === null) return
    const summary = summaryView(app.engine, release)
    const text = JSON.stringify({ seq: summary.seq, status: summary.status })
    if (text !== shown) client.write(eventFrame({ name: 'status', data: text }))
    shown = text
  }

  async function readUntilQuiet(): Promise<void> {
    while (again) {
      again = false
      await read()
    }
  }

  const look = (): void => {
    again = true
    _running ??= readUntilQuiet()
      .catch(error => app.log.warn({ err: error, releaseId: id }, 'cannot read a timeline'))
      .finally(() => {
        _running = null
      })
  }

  // Opened before anything is begun for it, as it may be refused.
  const client = open(() => {
    for (const stop of stops) stop()
  })
  const unsubscribe = app.store.hints.subscribe(hint => {
    if (hint.kind === 'reconnected' || (hint.kind === 'events' && hint.releaseId === id)) look()
  })
  const statusTimer = setInterval(look, statusEveryMs)
  const pingTimer = setInterval(() => client.write(pingFrame()), pingEveryMs)
  const stops = [unsubscribe, () => clearInterval(statusTimer), () => clearInterval(pingTimer)]
  look()
}
