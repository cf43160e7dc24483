/** The one page of the server as HTML: every text escaped, no script, refreshed by the browser itself. */
import type { Language, RenderedStatus } from '@dankai/insight'

export interface PageRelease {
  readonly id: string
  readonly name: string
  readonly version: string
  readonly place: string
  readonly live: boolean
  readonly stage: string
  readonly startedAt: string
  readonly phases: readonly {
    readonly name: string
    readonly expose: string
    readonly state: 'done' | 'now' | 'next'
  }[]
  readonly exposure: number
  readonly status: RenderedStatus
  readonly events: readonly { readonly at: string; readonly text: string }[]
}

export interface PageData {
  readonly releases: readonly PageRelease[]
  readonly stops: readonly string[]
  readonly sdks: number
}

const refreshEverySeconds = 3

const words = {
  en: {
    title: 'Releases',
    none: 'No release yet. Start one:',
    waits: 'waits for',
    because: 'because',
    next: 'next',
    events: 'last events',
    stop: 'EMERGENCY STOP',
    sdks: 'SDKs connected here',
    since: 'since',
  },
  ja: {
    title: 'リリース',
    none: 'リリースはまだありません。始めるには:',
    waits: '待っているもの',
    because: '理由',
    next: '次',
    events: '最近の出来事',
    stop: '緊急停止中',
    sdks: '接続中の SDK',
    since: '開始',
  },
} as const

export function renderPage({ releases, stops, sdks }: PageData, language: Language): string {
  const word = words[language]
  const body =
    releases.length === 0
      ? `<p>${word.none} <code>dankai start PLAN --version V</code></p>`
      : releases.map(release => renderRelease(release, language)).join('')
  const stopped = stops.map(text => `<p class="stop">${word.stop}: ${escapeHtml(text)}</p>`).join('')
  return `<!doctype html><html lang="${language}"><head><meta charset="utf-8"><meta http-equiv="refresh" content="${refreshEverySeconds}"><meta name="viewport" content="width=device-width"><title>Dankai ${word.title}</title><style>${style}</style></head><body><header><h1>Dankai <small>段階</small></h1><span>${sdks} ${word.sdks}</span></header>${stopped}<main>${body}</main></body></html>`
}

function renderRelease(release: PageRelease, language: Language): string {
  const word = words[language]
  const phases = release.phases
    .map(
      ({ name, expose, state }) =>
        `<li class="${state}"${state === 'now' ? ' aria-current="step"' : ''}><b>${escapeHtml(name)}</b> ${escapeHtml(expose)}</li>`,
    )
    .join('')
  const percent = Math.round(release.exposure * 1_000) / 10
  const events = release.events
    .map(({ at, text }) => `<tr><td>${escapeHtml(at)}</td><td>${escapeHtml(text)}</td></tr>`)
    .join('')
  return `<article class="${escapeHtml(release.stage)}"><h2>${escapeHtml(release.name)} <small>${escapeHtml(release.version)} · ${escapeHtml(release.place)} · ${word.since} ${escapeHtml(release.startedAt)}</small></h2><p class="headline">${escapeHtml(release.status.headline)}</p><div class="bar" role="meter" aria-valuenow="${percent}" aria-valuemin="0" aria-valuemax="100"><i style="width:${percent}%"></i><span>${percent} %</span></div><ol>${phases}</ol>${renderList(word.because, release.status.reasons)}${renderList(word.waits, release.status.waitingOn)}${renderList('', release.status.criteria)}${release.status.next === null ? '' : `<p>${word.next}: ${escapeHtml(release.status.next)}</p>`}<table><caption>${word.events}</caption>${events}</table><p class="id"><code>${escapeHtml(release.id)}</code></p></article>`
}

function renderList(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return ''
  return `<section>${title === '' ? '' : `<h3>${title}</h3>`}<ul>${lines
    .slice(0, 20)
    .map(line => `<li>${escapeHtml(line)}</li>`)
    .join('')}</ul></section>`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, sign => `&#${sign.charCodeAt(0)};`)
}

const style = `
:root{color-scheme:light dark;font:15px/1.5 system-ui,"Hiragino Sans","Noto Sans JP",sans-serif}
body{margin:0 auto;max-width:60rem;padding:1rem}
header{display:flex;justify-content:space-between;align-items:baseline}
h1{font-size:1.3rem;margin:0}h2{font-size:1.1rem;margin:0}h3{font-size:.85rem;margin:.6rem 0 0}small{font-weight:400;opacity:.7}
article{border:1px solid #8886;border-left:6px solid #888;border-radius:8px;padding:1rem;margin:1rem 0}
article.running{border-left-color:#2a7de1}article.completed{border-left-color:#2a9d4b}
article.rollingBack,article.rolledBack,article.contained{border-left-color:#d33}
.bar{position:relative;height:1.4rem;background:#8883;border-radius:4px;overflow:hidden}
.bar i{position:absolute;inset:0 auto 0 0;background:#2a7de1aa}.bar span{position:relative;padding:0 .5rem}
ol{display:flex;flex-wrap:wrap;gap:.3rem;list-style:none;padding:0}ol li{padding:.1rem .6rem;border-radius:1rem;background:#8882}
ol li.done{background:#2a9d4b44}ol li.now{background:#2a7de144;outline:1px solid #2a7de1}
ul{margin:.1rem 0;padding-left:1.2rem}table{font-size:.85rem;border-collapse:collapse}caption{text-align:left;font-weight:600;margin-top:.6rem}
td{padding:.05rem .8rem .05rem 0;vertical-align:top}td:first-child{white-space:nowrap;opacity:.7}.id{margin:.4rem 0 0;opacity:.6;font-size:.8rem}
.stop{background:#d33;color:#fff;padding:.6rem 1rem;border-radius:6px;font-weight:700}
`
