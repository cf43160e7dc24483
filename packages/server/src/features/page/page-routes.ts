/** `GET /`: what Dankai is doing, waiting for and why, as one plain page in the reader's language. */
import type { ReleaseStatus } from '@dankai/core'
import { type Language, renderEvent, renderStatus, renderTime, type Wording, wordingOf } from '@dankai/insight'
import { everywhere, type ReleaseQuery, type ReleaseSummary } from '@dankai/store'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { type Caller, requireKind } from '../../http/caller.ts'
import { summaryView } from '../releases/release-view.ts'
import { type PageRelease, renderPage } from './page-html.ts'

const liveShownMax = 20
const endedShownMax = 5
const eventsShownMax = 6

export function usePage(api: Api, app: Application): void {
  api.get('/', async c => {
    const caller = c.get('caller')
    requireKind(caller, ['admin', 'ci'])
    const language = languageOf(c.req.header('accept-language'))
    const place = placeOf(caller)
    const [live, ended] = await Promise.all([
      app.store.reader.list({ ...place, live: true, limit: liveShownMax }),
      app.store.reader.list({ ...place, live: false, limit: endedShownMax }),
    ])
    const releases = await Promise.all(
      [...live.items, ...ended.items].map(release => pageRelease(app, release, language)),
    )
    const stops = app.stops.active.map(({ stops, by, why }) => `${stops.kind} · ${by} · ${why ?? ''}`)
    const html = renderPage({ releases, stops, sdks: app.hub.clientCount }, language)
    return c.html(html, 200, {
      'cache-control': 'no-store',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    })
  })
}

/** The first of the reader's languages that there is; English when there is none. */
export function languageOf(header: string | undefined): Language {
  const wanted = (header ?? '')
    .split(',')
    .map(part => {
      const [tag = '', ...parameters] = part.trim().toLowerCase().split(';')
      const quality = parameters
        .map(parameter => /^\s*q=([\d.]+)$/.exec(parameter)?.[1])
        .find(value => value !== undefined)
      return { language: tag.split('-')[0], quality: quality === undefined ? 1 : Number(quality) }
    })
    .sort((one, other) => other.quality - one.quality)
  const found = wanted.find(({ language, quality }) => quality > 0 && (language === 'ja' || language === 'en'))
  return found?.language === 'ja' ? 'ja' : 'en'
}

function placeOf({ project, environment }: Caller): Pick<ReleaseQuery, 'project' | 'environment'> {
  return { ...(project === everywhere ? {} : { project }), ...(environment === everywhere ? {} : { environment }) }
}

async function pageRelease(app: Application, release: ReleaseSummary, language: Language): Promise<PageRelease> {
  const detail = await app.store.reader.get(release.id)
  const plan = detail?.compiledPlan ?? null
  const wording: Wording = wordingOf(plan, language)
  const { seq, status } = summaryView(app.engine, release)
  const events = await app.store.reader.events(release.id, Math.max(0, seq - eventsShownMax), eventsShownMax)
  const reached = status.stage === 'completed' ? Number.POSITIVE_INFINITY : (status.phase?.index ?? -1)
  return {
    id: release.id,
    name: release.planTitle ?? release.plan,
    version: release.version,
    place: `${release.project}/${release.environment}`,
    live: release.endedAt === null,
    stage: status.stage,
    startedAt: renderTime(release.startedAt, wording),
    exposure: status.exposure,
    phases: (plan?.phases ?? []).map(({ index, name, title, exposeText }) => ({
      name: title ?? name,
      expose: exposeText,
      state: index < reached ? ('done' as const) : index === reached ? ('now' as const) : ('next' as const),
    })),
    status: renderStatus(status as unknown as ReleaseStatus, wording),
    events: events
      .toReversed()
      .map(event => ({ at: renderTime(event.at, wording), text: renderEvent(event, wording) })),
  }
}
