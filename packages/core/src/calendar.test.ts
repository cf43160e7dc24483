import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Calendar, CalendarEntry } from '@dankai/plan'
import { askCalendar, localTime } from './calendar.ts'

const hour = 3_600_000
const entry = (name: string, when: CalendarEntry['when'], options: Partial<CalendarEntry> = {}): CalendarEntry => ({
  name,
  when,
  reason: null,
  policy: null,
  needs: null,
  except: [],
  reasons: [],
  ...options,
})

const triptrip: Calendar = {
  name: 'triptrip',
  timezone: 'Asia/Tokyo',
  train: { freeze: 'Wed', staging: 'Thu', release: 'Tue', atMs: 10 * hour },
  startOn: 'train',
  open: {},
  blocked: [
    entry('年末年始', { kind: 'yearly', from: '12-28', to: '01-04' }),
    entry('ゴールデンウィーク', { kind: 'yearly', from: '04-29', to: '05-05' }),
    entry('お盆', { kind: 'yearly', from: '08-13', to: '08-16' }),
  ],
  caution: [entry('旅行シーズン', { kind: 'yearly', from: '03-15', to: '04-10' }, { needs: 'important' })],
  maintenance: [entry('定期メンテナンス', { kind: 'weekly', weekday: 'Sun', fromMs: 2 * hour, toMs: 6 * hour })],
  exempt: { types: ['hotfix', 'security'], needs: 'reason' },
}

const bookmarks: Calendar = {
  ...triptrip,
  name: 'bookmarks',
  train: null,
  startOn: 'any open day',
  open: { minor: { weekday: 'Fri', fromMs: 20 * hour, toMs: 24 * hour }, major: 'any', patch: 'any' },
  blocked: [
    entry(
      '金曜夜リリース禁止',
      { kind: 'weekly', weekday: 'Fri', fromMs: 18 * hour, toMs: 24 * hour },
      { except: ['minor'], reasons: ['cve'] },
    ),
  ],
  caution: [],
  exempt: null,
}

const at = (text: string): number => Date.parse(text)
const ask = (
  calendar: Calendar,
  when: string,
  options: { labels?: string[]; exempt?: boolean; first?: boolean; phases?: number } = {},
) => {
  const answer = askCalendar(calendar, {
    now: at(when),
    labels: options.labels ?? [],
    hasExemption: options.exempt ?? false,
    isFirstRaise: options.first ?? false,
    phases: options.phases ?? 4,
  })
  return answer.open
    ? 'open'
    : `${answer.entry} until ${answer.until === null ? '?' : new Date(answer.until).toISOString()}`
}

describe('the calendar of document 002', () => {
  const rows: [string, Parameters<typeof ask>[2], string][] = [
    // C-018: the train leaves on Tuesday at 10:00 in Tokyo; CB-45: every time is Tokyo time.
    ['2026-06-02T09:59+09:00', { first: true }, 'train Tue until 2026-06-02T01:00:00.000Z'],
    ['2026-06-02T10:00+09:00', { first: true }, 'open'],
    ['2026-06-02T23:59+09:00', { first: true }, 'open'],
    ['2026-06-03T00:00+09:00', { first: true }, 'train Tue until 2026-06-09T01:00:00.000Z'],
    ['2026-06-03T00:00+09:00', { first: false }, 'open'],
    // C-025, over New Year; C-026; C-027: inclusive days.
    ['2026-12-27T23:59+09:00', {}, 'open'],
    ['2026-12-28T00:00+09:00', {}, '年末年始 until 2027-01-04T15:00:00.000Z'],
    ['2027-01-04T23:59+09:00', {}, '年末年始 until 2027-01-04T15:00:00.000Z'],
    ['2027-01-05T00:00+09:00', {}, 'open'],
    ['2026-04-29T10:00+09:00', {}, 'ゴールデンウィーク until 2026-05-05T15:00:00.000Z'],
    ['2026-05-06T00:00+09:00', {}, 'open'],
    ['2026-08-16T12:00+09:00', {}, 'お盆 until 2026-08-16T15:00:00.000Z'],
    // CB-29: a hotfix or security release passes with a reason.
    ['2026-04-29T10:00+09:00', { labels: ['hotfix'] }, 'ゴールデンウィーク until 2026-05-05T15:00:00.000Z'],
    ['2026-04-29T10:00+09:00', { labels: ['hotfix'], exempt: true }, 'open'],
    [
      '2026-04-29T10:00+09:00',
      { labels: ['minor'], exempt: true },
      'ゴールデンウィーク until 2026-05-05T15:00:00.000Z',
    ],
    // C-028 C-031: caution asks for the label and for more than one phase.
    ['2026-03-20T10:00+09:00', {}, '旅行シーズン until 2026-04-10T15:00:00.000Z'],
    ['2026-03-20T10:00+09:00', { labels: ['important'] }, 'open'],
    ['2026-03-20T10:00+09:00', { labels: ['important'], phases: 1 }, '旅行シーズン until 2026-04-10T15:00:00.000Z'],
    // CA-25, CB-29: a hotfix has one phase and cannot wait for the season to end.
    ['2026-03-20T10:00+09:00', { labels: ['hotfix'], phases: 1 }, '旅行シーズン until 2026-04-10T15:00:00.000Z'],
    ['2026-03-20T10:00+09:00', { labels: ['hotfix'], phases: 1, exempt: true }, 'open'],
    // C-032, CB-29: nothing rises during maintenance, except what is exempt.
    ['2026-06-07T01:59+09:00', {}, 'open'],
    ['2026-06-07T02:00+09:00', {}, '定期メンテナンス until 2026-06-06T21:00:00.000Z'],
    ['2026-06-07T02:00+09:00', { labels: ['security'], exempt: true }, 'open'],
    ['2026-06-07T06:00+09:00', {}, 'open'],
  ]
  for (const [when, options, expected] of rows) {
    it(`says "${expected}" at ${when} to ${JSON.stringify(options)}`, () =>
      assert.equal(ask(triptrip, when, options), expected))
  }
})

describe('the calendar of document 004', () => {
  const rows: [string, Parameters<typeof ask>[2], string][] = [
    // C-009: minor releases on Friday evening, which is closed to everything else (C-015, CA-01).
    ['2026-06-05T19:59+09:00', { labels: ['minor'] }, 'open Fri until 2026-06-05T11:00:00.000Z'],
    ['2026-06-05T20:00+09:00', { labels: ['minor'] }, 'open'],
    ['2026-06-06T00:00+09:00', { labels: ['minor'] }, 'open Fri until 2026-06-12T11:00:00.000Z'],
    ['2026-06-05T20:00+09:00', { labels: ['patch'] }, '金曜夜リリース禁止 until 2026-06-05T15:00:00.000Z'],
    ['2026-06-05T20:00+09:00', { labels: ['patch', 'cve'] }, '金曜夜リリース禁止 until 2026-06-05T15:00:00.000Z'],
    ['2026-06-05T20:00+09:00', { labels: ['patch', 'cve'], exempt: true }, 'open'],
    ['2026-06-05T17:59+09:00', { labels: ['patch'] }, 'open'],
  ]
  for (const [when, options, expected] of rows) {
    it(`says "${expected}" at ${when} to ${JSON.stringify(options)}`, () =>
      assert.equal(ask(bookmarks, when, options), expected))
  }
})

describe('local time', () => {
  it('follows the zone through a change of offset', () => {
    assert.equal(localTime('Europe/Berlin', at('2026-03-29T00:59:59Z')).msOfDay, 2 * hour - 1000)
    assert.equal(localTime('Europe/Berlin', at('2026-03-29T01:00:00Z')).msOfDay, 3 * hour)
    assert.equal(localTime('Asia/Tokyo', at('2026-12-31T15:00:00Z')).date, 1)
    assert.equal(localTime('Asia/Tokyo', at('2028-02-28T15:00:00Z')).date, 29)
  })
})
