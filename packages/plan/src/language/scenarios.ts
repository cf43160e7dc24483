import { isoTimePattern, readIsoTimeMs } from '../iso-time.ts'
import * as format from './formats.ts'
import type { Declaration } from './shape.ts'
import { key, listOf, mapOf, oneOrMore, text } from './shape.ts'

/** A moment: `start`, `early + 1m`, `half + 2m30s` or an ISO time with its offset. */
export const momentFormat = {
  expected: {
    en: 'start, a phase, either of them + a duration, or a time such as 2026-04-28T10:00+09:00',
    ja: 'start、段階、それに時間を足したもの、または 2026-04-28T10:00+09:00 のような時刻',
  },
  example: 'early + 1m',
  pattern:
    '^[A-Za-z0-9][A-Za-z0-9_-]*( \\+ (\\d{1,12}(ms|s|m|h|d|w))+)?$|^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2})?(Z|[+-]\\d{2}:\\d{2})$',
  json: 'string',
} as const

const isoTime = {
  expected: { en: 'a time with its offset', ja: '時差付きの時刻' },
  example: '"2026-04-28T10:00+09:00"',
  pattern: isoTimePattern,
  accepts: (written: string) => readIsoTimeMs(written) !== null,
  json: 'string',
} as const

export const scriptEntry: Declaration = {
  name: 'ScriptEntry',
  description: { en: 'a script entry', ja: '台本の行' },
  isOpen: true,
  keys: {
    at: key(text(momentFormat), 'When it happens', '起こる時', { required: true }),
    for: key(text(format.duration), 'How long it lasts', '続く時間'),
    absent: key(oneOrMore(text(format.freeName), 20), 'Roles that do not answer', '答えない役割'),
    present: key(oneOrMore(text(format.freeName), 20), 'Roles that answer again', '再び答える役割'),
    person: key(text(format.freeName), 'Who does something', '行う人'),
    does: key(
      text(format.anyText),
      'What they do: approve, pause, report SIGNAL …',
      '行うこと: approve、pause、report SIGNAL …',
    ),
    why: key(text(format.anyText), 'The reason given', '挙げた理由'),
    step: key(text(format.anyText), 'A step, by name, command or sentence', '手順。名前・コマンド・文で指す'),
    hand: key(text(format.freeName), 'A hand, by its id', '手。id で指す'),
    fails: key(text(format.anyText), 'always, or N times', 'always か N times'),
    drifts: key(text(format.percent), 'Somebody else sets it to this', '他の誰かがこの値にする'),
    takes: key(text(format.duration), 'How long each try takes', '1 回にかかる時間'),
    crash: key(text(format.anyText), 'Where the engine is killed', '機関が落とされる所'),
    restart: key(text(format.duration), 'How long it stays down', '止まっている時間'),
    labels: key(oneOrMore(text(format.machineName), 20), 'Labels set now', '今つけるラベル'),
  },
}

export const expectation: Declaration = {
  name: 'ScenarioExpectation',
  description: { en: 'an expectation', ja: '期待' },
  keys: {
    at: key(text(momentFormat), 'Exactly then', 'ちょうどその時'),
    by: key(text(momentFormat), 'Then or earlier', 'その時まで'),
    during: key(listOf(text(momentFormat), 2), 'Between two moments', '2 つの時の間'),
    event: key(text(format.anyText), 'An event of the log', '記録の出来事'),
    because: key(text(format.anyText), 'Its cause: a rule, a metric, a reason', '原因: 規則・指標・理由'),
    exposure: key(text(format.percent), 'The exposure', '公開率'),
    waitingOn: key(text(format.anyText), 'What the release waits for', 'リリースが待つもの'),
    never: key(text(format.anyText), 'An event or exposure that must not come', '起こってはならない出来事や公開率'),
    outcome: key(text(format.anyText), 'How the release ends', 'リリースの終わり方'),
    phase: key(text(format.machineName), 'The phase it is in', '今の段階'),
    count: key(text(format.anyText), 'What is counted', '数えるもの'),
    is: key(text(format.integer(0, 1_000_000)), 'How many', '数'),
  },
}

export const scenario: Declaration = {
  name: 'Scenario',
  description: { en: 'a scenario', ja: '筋書き' },
  keys: {
    name: key(text(format.anyText), 'What it shows, as a sentence', '示すことを文で', { required: true }),
    start: key(text(isoTime), 'When the release starts', 'リリースの開始'),
    strategy: key(text(format.machineName), 'The strategy', '戦略'),
    releaseType: key(text(format.machineName), 'The release type', 'リリース種別'),
    labels: key(oneOrMore(text(format.machineName), 50), 'Labels given at start', '開始時のラベル'),
    lasts: key(text(format.duration), 'How long to run at most', '動かす最長の時間'),
    script: key(
      listOf(
        mapOf(() => scriptEntry),
        200,
      ),
      'What happens',
      '起こること',
    ),
    expect: key(
      listOf(
        mapOf(() => expectation),
        200,
      ),
      'What must be seen',
      '見えるべきこと',
      { required: true },
    ),
  },
}

export const scenarios: Declaration = {
  name: 'Scenarios',
  description: { en: 'scenarios', ja: '筋書きの集まり' },
  keys: {
    kind: key(text(format.choice('Scenarios')), 'Scenarios', 'Scenarios', { required: true }),
    name: key(text(format.machineName), 'The machine name', '機械が使う名前'),
    plan: key(text(format.machineName), 'The plan they test', '試す計画', { required: true }),
    strategy: key(text(format.machineName), 'The strategy of all of them', '全体の戦略'),
    scenarios: key(
      listOf(
        mapOf(() => scenario),
        200,
      ),
      'The scenarios',
      '筋書き',
      { required: true },
    ),
  },
}
