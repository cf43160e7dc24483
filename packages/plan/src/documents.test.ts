import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readFlagDocuments } from './flag-document.ts'
import { readServiceDocuments } from './service-document.ts'
import { readTemplateDocuments } from './template-document.ts'
import { checkText, parseDrafts, parseText } from './testing/plan-texts.ts'

const messageOf = (text: string) => checkText(text).problems[0]?.message.en ?? 'no problem'

describe('flag documents', () => {
  it('of an experiment have variants and shares (P-029 P-031)', () => {
    const [timing] = readFlagDocuments(parseDrafts().documents)
    assert.deepEqual(
      timing && {
        name: timing.name,
        type: timing.type,
        variants: timing.variants,
        allocation: timing.allocation,
        defaultVariant: timing.defaultVariant,
      },
      {
        name: 'notification_timing',
        type: 'experiment',
        variants: { A: { quietHoursDefault: '22:00-07:00' }, B: { quietHoursDefault: '23:00-06:00' } },
        allocation: { A: 0.5, B: 0.5 },
        defaultVariant: 'A',
      },
    )
  })

  it('without variants are switches that are off (F-031 F-032)', () => {
    const text =
      'kind: Flag\nname: new-booking-flow\ntype: release\ninclude: { team: qa }\nremoveAfter: 30d\nclient: true'
    const [flag] = readFlagDocuments(parseText(text).documents)
    assert.deepEqual([flag?.variants, flag?.defaultVariant, flag?.allocation], [{ on: true, off: false }, 'off', null])
    assert.deepEqual([flag?.include, flag?.removeAfterMs, flag?.isForClients], [{ team: ['qa'] }, 2_592_000_000, true])
    assert.equal(messageOf(text), 'no problem')
  })

  it('are refused for shares that are not the whole, and for unknown types, variants and segments', () => {
    const flag = (rest: string) => messageOf(`kind: Flag\nname: f\n${rest}`)
    assert.match(flag('type: release\nallocation: { "on": 10%, "off": 80% }'), /found a sum of 90%, expected 100%/)
    assert.match(flag('type: relase'), /Did you mean "release"/)
    assert.match(flag('type: release\ndefault: onn'), /variant "onn" .* Known: on, off|Did you mean "on"/)
    assert.match(flag('type: release\nallocation: { red: 100% }'), /Cannot use variant "red" in allocation\.red/)
    assert.match(flag('type: release\nsegments: [testers]'), /Cannot use segment "testers"/)
  })
})

describe('template documents', () => {
  it('list the placeholders that whoever sends them must fill (N-001 N-010)', () => {
    const templates = readTemplateDocuments(parseDrafts().documents)
    const rollingBack = templates.find(({ name }) => name === 'triptrip-rolling-back')
    assert.deepEqual(rollingBack?.placeholders, ['plan', 'reason'])
    const recovered = templates.find(({ name }) => name === 'service-recovered')
    assert.deepEqual(
      [recovered?.channel, recovered?.priority, recovered?.ja?.title, recovered?.en],
      ['in-app', 'high', 'サービス復旧のお知らせ', null],
    )
  })

  it('may be a text alone', () => {
    const [template] = readTemplateDocuments(
      parseText('kind: Template\nname: t\nen: "{{ plan }} to {{ plan }}: {{ exposure }}"').documents,
    )
    assert.deepEqual(
      [template?.en, template?.placeholders],
      [{ title: null, body: '{{ plan }} to {{ plan }}: {{ exposure }}' }, ['plan', 'exposure']],
    )
  })

  it('are refused without a language and with a broken placeholder', () => {
    assert.match(messageOf('kind: Template\nname: t'), /found neither "ja" nor "en"/)
    assert.match(
      messageOf('kind: Template\nname: t\nen: "{{plan}} started"'),
      /found "\{\{plan\}\} started", expected placeholders/,
    )
  })
})

describe('service documents', () => {
  it('say how many requests come in a second', () => {
    const read = (traffic: string) =>
      readServiceDocuments(parseText(`kind: Service\nname: s\ntraffic: ${traffic}`).documents)[0]
    assert.deepEqual(
      [read('100/s')?.requestsPerSecond, read('1200/m')?.requestsPerSecond, read('86400/d')?.requestsPerSecond],
      [100, 20, 1],
    )
    assert.deepEqual(read('1/s')?.tracks, ['stable', 'canary'])
    assert.match(messageOf('kind: Service\nname: s\ntraffic: many'), /expected requests per second/)
  })
})

describe('calendar documents', () => {
  it('are refused for days and windows there are not (C-018 C-025 C-032)', () => {
    const calendar = (rest: string) => messageOf(`kind: Calendar\nname: c\ntimezone: Asia/Tokyo\n${rest}`)
    assert.equal(calendar('blocked: [{ from: 12-28, to: 01-04 }]'), 'no problem')
    assert.match(
      calendar('blocked: [{ from: 02-30, to: 03-01 }]'),
      /found "02-30", expected a day of the year as MM-DD/,
    )
    assert.match(calendar('blocked: [{ name: x }]'), /found neither "from" and "to" nor "every"/)
    assert.match(
      calendar('maintenance: [{ every: Sun 06:00-02:00 }]'),
      /found "Sun 06:00-02:00", expected a weekday and two times/,
    )
    assert.match(calendar('startOn: train'), /found no train, expected one/)
    assert.match(
      calendar('train: { freeze: Wed, staging: Thu, release: Tuesday 10:00 }'),
      /expected a weekday and a time/,
    )
    assert.match(messageOf('kind: Calendar\nname: c\ntimezone: Asia/Tokio'), /expected a time zone of the IANA list/)
  })
})

describe('checklist documents', () => {
  it('have their conditions read before any plan names them', () => {
    const text = 'kind: Checklist\nname: c\nitems: [{ group: g, items: [{ check: coverage more than 80% }] }]'
    assert.match(
      messageOf(text),
      /^Cannot read condition "coverage more than 80%" in items\[0\]\.items\[0\]\.check: found "more"/,
    )
    assert.equal(messageOf(text.replace('more than', '>=')), 'no problem')
  })
})
