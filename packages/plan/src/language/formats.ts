/** The forms of single values. Each says what it expects in words and by example, for messages and for editors. */
import { durationPattern, percentPattern, readDurationMs, readShare } from '../quantity.ts'
import type { TextFormat } from './shape.ts'

export const anyText: TextFormat = { expected: { en: 'text', ja: '文字列' }, example: 'text', json: 'scalar' }

export const machineName: TextFormat = {
  expected: { en: 'a name of letters, digits, - and _', ja: '英数字と - _ の名前' },
  example: 'early-access',
  pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$',
  json: 'scalar',
}

export const conditionName: TextFormat = {
  expected: { en: 'a name of letters, digits and _ that begins with a letter', ja: '英字で始まる、英数字と _ の名前' },
  example: 'error_rate',
  pattern: '^[A-Za-z][A-Za-z0-9_]{0,63}$',
  json: 'string',
}

export const freeName: TextFormat = { expected: { en: 'a name', ja: '名前' }, example: 'name', json: 'scalar' }

export const condition: TextFormat = {
  expected: { en: 'a condition', ja: '条件' },
  example: 'error_rate > 5% for 2m',
  json: 'string',
}

export const level: TextFormat = {
  expected: { en: 'a comparison in quotes', ja: '引用符で囲んだ比較' },
  example: '"> 80%"',
  json: 'string',
}

export const sameAs: TextFormat = {
  expected: { en: '"same as" and the name of an earlier phase', ja: '"same as" と前の段階の名前' },
  example: 'same as canary',
  pattern: '^same as [A-Za-z0-9][A-Za-z0-9_-]*$',
  json: 'string',
}

const durationWords = { en: 'a duration such as 90s, 5m, 2h or 7d', ja: '90s、5m、2h、7d のような時間' }

export const duration: TextFormat = {
  expected: durationWords,
  example: '5m',
  pattern: durationPattern,
  accepts: text => readDurationMs(text) !== null,
  json: 'string',
}

export const hold: TextFormat = {
  expected: { en: `${durationWords.en}, or open`, ja: `${durationWords.ja}、または open` },
  example: '5m',
  pattern: `^open$|${durationPattern}`,
  accepts: text => text === 'open' || readDurationMs(text) !== null,
  json: 'string',
}

export const every: TextFormat = {
  expected: { en: `${durationWords.en}, or sample`, ja: `${durationWords.ja}、または sample` },
  example: '10s',
  pattern: `^sample$|${durationPattern}`,
  accepts: text => text === 'sample' || (readDurationMs(text) ?? 0) > 0,
  json: 'string',
}

/** Something that is repeated: an interval of nothing would be repeated without end. */
export const interval: TextFormat = {
  ...duration,
  expected: { en: `${durationWords.en}, above zero`, ja: `0 より長い、${durationWords.ja}` },
  example: '1d',
  accepts: text => (readDurationMs(text) ?? 0) > 0,
}

export const percent: TextFormat = {
  expected: { en: 'a percentage from 0% to 100%', ja: '0% から 100% までの百分率' },
  example: '50%',
  pattern: percentPattern,
  accepts: text => readShare(text) !== null,
  json: 'string',
}

export const expose: TextFormat = {
  expected: {
    en: 'a percentage, SEGMENT, 15% of SEGMENT, or shadow',
    ja: '百分率、SEGMENT、15% of SEGMENT、shadow のどれか',
  },
  example: '5%',
  pattern: `${percentPattern}|^(\\d{1,3}(\\.\\d{1,10})?% of )?[A-Za-z][A-Za-z0-9_-]*$`,
  accepts: text => !text.includes('%') || readShare(text.split(' ')[0] ?? '') !== null,
  json: 'string',
}

export const evidence: TextFormat = {
  expected: {
    en: '"shown safe", or "not harmful with N samples", or "not harmful after 2h with N samples"',
    ja: '"shown safe"、"not harmful with N samples"、"not harmful after 2h with N samples" のどれか',
  },
  example: 'not harmful with 100 samples',
  pattern: '^shown safe$|^not harmful( after \\d+(ms|s|m|h|d|w))? with [1-9]\\d{0,8} samples$',
  json: 'string',
}

export const baseline: TextFormat = {
  expected: {
    en: 'stable, previous version, same hour 1w ago, or mean of 4w',
    ja: 'stable、previous version、same hour 1w ago、mean of 4w のどれか',
  },
  example: 'stable',
  pattern: '^stable$|^previous version$|^same hour [1-9]\\d{0,3}(h|d|w) ago$|^mean of [1-9]\\d{0,3}(h|d|w)$',
  json: 'string',
}

export const consequence: TextFormat = {
  expected: {
    en: 'rollback now, rollback within 1h, decide within 24h, halt or hold',
    ja: 'rollback now、rollback within 1h、decide within 24h、halt、hold のどれか',
  },
  example: 'rollback now',
  pattern: '^rollback now$|^(rollback|decide) within [1-9]\\d{0,5}(s|m|h|d|w)$|^halt$|^hold$',
  json: 'string',
}

export const ifNotMet: TextFormat = {
  expected: {
    en: 'wait, rollback, rollback after 2h, or decide within 24h otherwise rollback|continue',
    ja: 'wait、rollback、rollback after 2h、decide within 24h otherwise rollback|continue のどれか',
  },
  example: 'rollback after 2h',
  pattern:
    '^wait$|^rollback( after [1-9]\\d{0,5}(s|m|h|d|w))?$|^decide within [1-9]\\d{0,5}(s|m|h|d|w)( otherwise (rollback|continue))?$',
  json: 'string',
}

export const onFail: TextFormat = {
  expected: { en: 'stop, go on, or ask ROLE', ja: 'stop、go on、ask ROLE のどれか' },
  example: 'ask tech-lead',
  pattern: '^stop$|^go on$|^ask \\S.{0,63}$',
  json: 'string',
}

export const labelTest: TextFormat = {
  expected: {
    en: 'a label, "not" a label, or several joined by "and"',
    ja: 'ラベル、"not" ラベル、または "and" で結んだもの',
  },
  example: 'not hotfix',
  pattern: '^(not )?[A-Za-z0-9][A-Za-z0-9_-]*( and (not )?[A-Za-z0-9][A-Za-z0-9_-]*){0,9}$',
  json: 'string',
}

export const httpCall: TextFormat = {
  expected: { en: 'a method and an address', ja: 'メソッドと宛先' },
  example: 'GET https://example.com/health',
  pattern: '^(GET|HEAD|POST|PUT|PATCH|DELETE) \\S+$',
  json: 'string',
}

export const days: TextFormat = {
  expected: { en: 'a day of the phase or a range, counted from 1', ja: '1 から数えた段階の日か、その範囲' },
  example: '3-5',
  pattern: '^[1-9]\\d{0,2}(-[1-9]\\d{0,2})?$',
  accepts: text => {
    const [from = '1', to = from] = text.split('-')
    return Number(from) <= Number(to)
  },
  json: 'scalar',
}

/** Kinds of channel there is an integration for. */
export const channelKinds = ['slack', 'email', 'sms', 'pagerduty', 'statuspage', 'webhook', 'in-app'] as const

export const channel: TextFormat = {
  expected: {
    en: `one of ${channelKinds.join(', ')}, a colon and the address`,
    ja: `${channelKinds.join('、')} のどれか、コロン、宛先`,
  },
  example: 'slack:#releases',
  pattern: `^(${channelKinds.join('|')}):\\S.{0,199}$`,
  json: 'string',
}

export const boolean: TextFormat = {
  expected: { en: 'true or false', ja: 'true か false' },
  example: 'true',
  pattern: '^(true|false)$',
  json: 'boolean',
}

export function integer(minimum: number, maximum: number): TextFormat {
  return {
    expected: { en: `a whole number from ${minimum} to ${maximum}`, ja: `${minimum} から ${maximum} までの整数` },
    example: String(minimum),
    pattern: '^(0|[1-9]\\d{0,11})$',
    accepts: text => Number(text) >= minimum && Number(text) <= maximum,
    json: 'integer',
    minimum,
    maximum,
  }
}

export function choice(...choices: readonly string[]): TextFormat {
  return {
    expected: {
      en: choices.length === 1 ? `"${choices[0]}"` : `one of ${choices.join(', ')}`,
      ja: `${choices.join('、')} ${choices.length === 1 ? '' : 'のどれか'}`.trim(),
    },
    example: choices[0] ?? '',
    choices,
    json: 'string',
  }
}

export const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const
const weekdayForm = `(${weekdays.join('|')})`

export const weekday: TextFormat = choice(...weekdays)

export const weekdayTime: TextFormat = {
  expected: { en: 'a weekday and a time', ja: '曜日と時刻' },
  example: 'Tue 10:00',
  pattern: `^${weekdayForm} ([01]\\d|2[0-3]):[0-5]\\d$`,
  json: 'string',
}

export const weeklyWindow: TextFormat = {
  expected: { en: 'a weekday and two times, the first before the second', ja: '曜日と、早い順の 2 つの時刻' },
  example: 'Fri 18:00-24:00',
  pattern: `^${weekdayForm} ([01]\\d|2[0-3]):[0-5]\\d-(([01]\\d|2[0-3]):[0-5]\\d|24:00)$`,
  accepts: text => {
    const [from = '', to = ''] = text.slice(4).split('-')
    return from < to
  },
  json: 'string',
}

export const openWindow: TextFormat = {
  expected: { en: `any, or ${weeklyWindow.expected.en}`, ja: `any、または${weeklyWindow.expected.ja}` },
  example: 'Fri 20:00-23:59',
  pattern: `^any$|${weeklyWindow.pattern}`,
  accepts: text => text === 'any' || (weeklyWindow.accepts?.(text) ?? true),
  json: 'string',
}

const daysInMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

export const monthDay: TextFormat = {
  expected: { en: 'a day of the year as MM-DD', ja: 'MM-DD の形の日付' },
  example: '12-28',
  pattern: '^(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$',
  accepts: text => Number(text.slice(3)) <= (daysInMonth[Number(text.slice(0, 2)) - 1] ?? 0),
  json: 'string',
}

export const timezone: TextFormat = {
  expected: { en: 'a time zone of the IANA list', ja: 'IANA の時間帯名' },
  example: 'Asia/Tokyo',
  accepts: text => {
    try {
      return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== ''
    } catch {
      return false
    }
  },
  json: 'string',
}

export const traffic: TextFormat = {
  expected: { en: 'requests per second, minute, hour or day', ja: '毎秒・毎分・毎時・毎日の要求数' },
  example: '100/s',
  pattern: '^\\d{1,9}(\\.\\d{1,3})?/(s|m|h|d)$',
  json: 'string',
}
