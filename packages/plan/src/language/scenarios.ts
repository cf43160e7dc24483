import { isoTimePattern, readIsoTimeMs } from '../iso-time.ts'
import { readMoment } from '../moment.ts'
import * as format from './formats.ts'
import type { Declaration, TextFormat } from './shape.ts'
import { anyData, key, listOf, mapOf, named, oneOrMore, text } from './shape.ts'

/** A moment: `start`, `rollback`, a phase, `half + 2m30s`, or an ISO time with its offset. */
export const momentFormat: TextFormat = {
  expected: {
    en: 'start, rollback, a phase, any of them + a duration, or a time such as 2026-04-28T10:00+09:00',
    ja: 'start、rollback、段階、それに時間を足したもの、または 2026-04-28T10:00+09:00 のような時刻',
  },
  example: 'early + 1m',
  pattern: `^[A-Za-z0-9][A-Za-z0-9_-]*( \\+ (\\d{1,12}(ms|s|m|h|d|w))+)?$|${isoTimePattern}`,
  accepts: written => readMoment(written) !== null,
  json: 'string',
}

/** How often something goes wrong. */
const repetition: TextFormat = {
  expected: { en: 'always, once or N times', ja: 'always、once、N times のどれか' },
  example: 'always',
  pattern: '^(always|once|[1-9]\\d{0,5} times)$',
  json: 'string',
}

/** What a person can do; the object follows the verb. */
export const personVerbs = [
  'approve',
  'confirm',
  'reject',
  'report',
  'withdraw',
  'promote',
  'pause',
  'resume',
  'rollback',
  'abort',
  'answer',
  'continue',
  'cancel',
  'retry',
  'skip',
  'start',
  'close',
] as const

const deed: TextFormat = {
  expected: {
    en: `one of ${personVerbs.join(', ')}, and what it is about`,
    ja: `${personVerbs.join('、')} のどれかと、その対象`,
  },
  example: 'report data_loss',
  pattern: `^(${personVerbs.join('|')})( .{1,200})?$`,
  json: 'string',
}

const isoTime: TextFormat = {
  expected: { en: 'a time with its offset', ja: '時差付きの時刻' },
  example: '"2026-04-28T10:00+09:00"',
  pattern: isoTimePattern,
  accepts: written => readIsoTimeMs(written) !== null,
  json: 'string',
}

/** Beside these keys, any metric of the plan may be set: `error_rate: 5%`, `error_rate stable: 1%`, `cpu: no data`. */
export const scriptEntry: Declaration = {
  name: 'ScriptEntry',
  description: { en: 'a script entry', ja: '台本の行' },
  unknownKeys: 'pass',
  keys: {
    at: key(text(momentFormat), 'When it happens', '起こる時', { required: true }),
    for: key(text(format.duration), 'How long it lasts', '続く時間'),
    late: key(text(format.duration), 'Samples arrive so much later', '標本が遅れて届く時間'),
    absent: key(oneOrMore(text(format.freeName), 20), 'Roles that do not answer', '答えない役割'),
    present: key(oneOrMore(text(format.freeName), 20), 'Roles that answer again', '再び答える役割'),
    person: key(text(format.freeName), 'Who does something', '行う人'),
    does: key(text(deed), 'What they do', '行うこと'),
    why: key(text(format.anyText), 'The reason given', '挙げた理由'),
    step: key(text(format.anyText), 'A step, by name, command or sentence', '手順。名前・コマンド・文で指す'),
    hand: key(text(format.freeName), 'A hand, by its id', '手。id で指す'),
    fails: key(text(repetition), 'It fails', '失敗する'),
    succeeds: key(text(repetition), 'It succeeds', '成功する'),
    ambiguous: key(text(repetition), 'Whether it ran is unknown', '実行されたか分からない'),
    hangs: key(text(repetition), 'It does not come back', '戻ってこない'),
    unreadable: key(text(repetition), 'It cannot be read back', '読み返せない'),
    drifts: key(text(format.percent), 'Somebody else sets it to this', '他の誰かがこの値にする'),
    takes: key(text(format.duration), 'How long each try takes', '1 回にかかる時間'),
    answers: key(named(format.freeName, anyData, 20), 'Fields of its output', '出力の値'),
    crash: key(text(format.anyText), 'Where the engine is killed', '機関が落とされる所'),
    restart: key(text(format.duration), 'How long it stays down', '止まっている時間'),
    suspended: key(text(format.duration), 'Nobody decides for so long', '判断が止まる時間'),
    labels: key(oneOrMore(text(format.machineName), 20), 'Labels set now', '今つけるラベル'),
  },
}

const never: TextFormat = {
  expected: {
    en: 'an event, exposure and a limit, or waitingOn and what for',
    ja: '出来事、exposure と限度、または waitingOn とその対象',
  },
  example: 'RollbackStarted',
  pattern: '^[A-Z][A-Za-z]{2,60}$|^exposure (<|<=|>|>=|=) \\d{1,3}(\\.\\d{1,10})?%$|^waitingOn .{1,200}$',
  json: 'string',
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
    never: key(text(never), 'An event or exposure that must not come', '起こってはならない出来事や公開率'),
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
