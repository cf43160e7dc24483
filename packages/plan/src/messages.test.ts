import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Problem } from './problem.ts'
import { renderProblem } from './problem.ts'
import { checkText, parseText, writePlan } from './testing/plan-texts.ts'

function onlyProblem(text: string): Problem {
  const { problems } = checkText(text)
  assert.equal(problems.length, 1, problems.map(problem => renderProblem(problem, 'en')).join('\n'))
  return problems[0]!
}

interface MessageCase {
  readonly plan: string
  readonly place: string
  readonly en: string
  readonly ja: string
}

/** The ten messages of the language, word for word. */
const cases: Readonly<Record<string, MessageCase>> = {
  'a ratio compared with a number without a unit': {
    plan: writePlan({ rollbackWhen: '[error_rate > 5]' }),
    place: 'plan.yaml:16:16',
    en: 'Cannot read condition "error_rate > 5" in rollbackWhen[0]: found 5 without a unit, expected a percentage because "error_rate" is a ratio. Write error_rate > 5%',
    ja: 'rollbackWhen[0] の条件 "error_rate > 5" を読めません: 単位のない 5 がありますが、"error_rate" は比率なので百分率が必要です。error_rate > 5% と書いてください',
  },
  'percent added to a baseline in percent': {
    plan: writePlan({ evidence: 'not harmful with 100 samples', promoteWhen: '[error_rate <= baseline + 0.5%]' }),
    place: 'plan.yaml:17:15',
    en: 'Cannot read condition "error_rate <= baseline + 0.5%" in promoteWhen[0]: found "%" added to a metric in percent, expected points or a multiple. Write baseline + 0.5pt, or 1.005x baseline',
    ja: 'promoteWhen[0] の条件 "error_rate <= baseline + 0.5%" を読めません: 百分率の指標に足す "%" がありますが、ポイントか倍数が必要です。baseline + 0.5pt か 1.005x baseline と書いてください',
  },
  'a metric that is not there': {
    plan: writePlan({
      phases:
        'phases:\n  - { name: early, expose: 50%, hold: 10m }\n  - { name: all, expose: 100%, hold: 10m, promoteWhen: [eror_rate < 1%] }',
    }),
    place: 'plan.yaml:15:57',
    en: 'Cannot use metric "eror_rate" in phases[1].promoteWhen[0]: found no such name, expected one of metrics, signals or checks. Did you mean "error_rate"?',
    ja: 'phases[1].promoteWhen[0] で指標 "eror_rate" を使えません: その名前はありませんが、metrics・signals・checks のどれかの名前が必要です。"error_rate" のことですか?',
  },
  'a level that YAML takes for a block': {
    plan: writePlan({ metrics: 'metrics:\n  cpu: { last: cpu_use, unit: "%", warn: > 80% }' }),
    place: 'plan.yaml:5:42',
    en: 'Cannot read level "warn" of metric "cpu": found the YAML block marker ">", expected a comparison. Put it in quotes: warn: "> 80%"',
    ja: '指標 "cpu" の水準 "warn" を読めません: YAML のブロック記号 ">" がありますが、比較が必要です。引用符で囲んでください: warn: "> 80%"',
  },
  'a trigger that points at the good side': {
    plan: writePlan({ rollbackWhen: '[delivery_success > 90%]' }),
    place: 'plan.yaml:16:16',
    en: 'Cannot accept trigger "delivery_success > 90%" in rollbackWhen[0]: found ">" on a metric whose better is "higher", expected "<" or "<=". Turn the comparison round, or set better: lower',
    ja: 'rollbackWhen[0] の引き金 "delivery_success > 90%" は受け付けられません: better が "higher" の指標に ">" がありますが、"<" か "<=" が必要です。比較の向きを逆にするか、better: lower としてください',
  },
  'a decision without an answer to silence': {
    plan: writePlan({
      rollbackWhen:
        'rollbackWhen:\n  - error_rate > 10%\n  - error_rate > 11%\n  - error_rate > 12%\n  - error_rate > 13%\n  - { name: 手動ロールバック判断, if: data_loss reported, then: decide within 1m }',
    }),
    place: 'plan.yaml:21:5',
    en: 'Cannot accept rule "手動ロールバック判断" in rollbackWhen[4]: found "decide within 1m" without "otherwise", expected the answer to silence. Add otherwise: rollback, or otherwise: continue',
    ja: 'rollbackWhen[4] の規則 "手動ロールバック判断" は受け付けられません: "otherwise" のない "decide within 1m" がありますが、返事がないときの扱いが必要です。otherwise: rollback か otherwise: continue を加えてください',
  },
  'a phase that exposes less than the one before': {
    plan: writePlan({
      phases: 'phases:\n  - { name: early, expose: 50%, hold: 10m }\n  - { name: half, expose: 20%, hold: 10m }',
    }),
    place: 'plan.yaml:15:5',
    en: 'Cannot order phase "half": found expose 20% after phase "early" with 50%, expected 50% or more. Raise it; going down is what rollback is for',
    ja: '段階 "half" の順序が成り立ちません: 50% の段階 "early" の後に expose 20% がありますが、50% 以上が必要です。値を上げてください。下げるのはロールバックの役目です',
  },
  'a second hand that splits the users': {
    plan: writePlan({ exposure: '[{ argo: sample }, { flag: new-booking-flow }]' }),
    place: 'plan.yaml:3:30',
    en: 'Cannot combine exposure[1] "flag new-booking-flow": found a second hand that splits users (5% of 5% is 0.25%), expected one. Add as: gate',
    ja: 'exposure[1] "flag new-booking-flow" を組み合わせられません: 利用者を分ける手 (5% の 5% は 0.25%) がもう 1 つありますが、1 つだけが必要です。as: gate を加えてください',
  },
  'a step that cannot be undone and names no way back': {
    plan: writePlan({
      phases: [
        'phases:',
        ...[10, 20, 30, 40].map(share => `  - { name: p${share}, expose: ${share}%, hold: 1h }`),
        '  - name: retirement',
        '    expose: 100%',
        '    hold: open',
        '    before:',
        '      - { run: pm2 stop property-sync-old }',
        '      - { confirm: 旧システムのコードを削除, by: tech-lead, irreversible: true }',
      ].join('\n'),
    }),
    place: 'plan.yaml:23:9',
    en: 'Cannot accept step "旧システムのコードを削除" in phases[4].before[1]: found irreversible without a way back, expected the name of a runbook. Add runbooks.afterRetirement and write irreversible: afterRetirement',
    ja: 'phases[4].before[1] の手順 "旧システムのコードを削除" は受け付けられません: 戻り道のない irreversible がありますが、ランブックの名前が必要です。runbooks.afterRetirement を加え、irreversible: afterRetirement と書いてください',
  },
  'a key that cannot add in two places': {
    plan: writePlan({ strategies: '{ major: { default: true, exposure: [{ flag: other }] } }' }),
    place: 'plan.yaml:16:49',
    en: 'Cannot add exposure in strategy "major": found it also at the plan\'s top level, expected one place. Move the plan\'s exposure into each strategy',
    ja: '戦略 "major" に exposure を加えられません: 計画の最上位にもありますが、1 か所だけの記述が必要です。計画の exposure を各戦略に移してください',
  },
}

describe('messages', () => {
  for (const [what, { plan, place, en, ja }] of Object.entries(cases)) {
    it(`says in both languages what is wrong with ${what}`, () => {
      const problem = onlyProblem(plan)
      assert.equal(renderProblem(problem, 'en'), `${place}: ${en}`)
      assert.equal(renderProblem(problem, 'ja'), `${place}: ${ja}`)
    })
  }

  const refused: readonly (readonly [string, Readonly<Record<string, string>>, string, string])[] = [
    [
      'an unknown key',
      { promoteWhn: '[error_rate < 1%]' },
      'unknown-key',
      'Cannot use key "promoteWhn" in this document: found no such key, expected a key of a release plan. Did you mean "promoteWhen"?',
    ],
    [
      'an unknown key of a phase',
      { phases: '[{ name: all, expose: 100%, hold: 1h, holdd: 1h }]' },
      'unknown-key',
      'Cannot use key "holdd" in "phases[0]": found no such key, expected a key of a phase. Known keys: title, before, during, promoteWhen, rollbackWhen, alerts, flags, experiments, mix, show, ifNotMet',
    ],
    [
      'a missing key',
      { phases: '[{ name: all, expose: 100% }]' },
      'missing-key',
      'Cannot read "phases[0]": found no "hold", expected one. Add hold: 5m',
    ],
    [
      'no phases',
      { phases: '' },
      'missing-key',
      'Cannot compile plan: found no phases, expected the phases in order. Add phases to the plan, or to each strategy',
    ],
    [
      'a list where one text belongs',
      { title: '[a, b]' },
      'value',
      'Cannot read "title": found a list, expected text. Write for example title: text',
    ],
    [
      'a duration without a unit',
      { phases: '[{ name: all, expose: 100%, hold: 30 }]' },
      'value',
      'Cannot read "phases[0].hold": found "30", expected a duration such as 90s, 5m, 2h or 7d, or open. Write for example hold: 5m',
    ],
    [
      'more than all users',
      { phases: '[{ name: all, expose: 120%, hold: 1h }]' },
      'value',
      'Cannot read "phases[0].expose": found "120%", expected a percentage, SEGMENT, 15% of SEGMENT, or shadow. Write for example expose: 5%',
    ],
    [
      'two verbs',
      { before: '[{ confirm: 単体テスト完了, run: npm test }]' },
      'exactly-one',
      'Cannot read "before[0]": found 2 verbs, "confirm" and "run", expected exactly one. Keep one, or split it in two',
    ],
    [
      'no verb',
      { before: '[{ by: qa }]' },
      'exactly-one',
      'Cannot read "before[0]": found no verb, expected exactly one. Add one of run, sql, http, expose, flags, notify, confirm, check, approve, checklist, needs, halt, wait, do',
    ],
    [
      'two measures',
      { metrics: '{ a: { count: a, last: a } }' },
      'exactly-one',
      'Cannot read "metrics.a": found 2 measures, "count" and "last", expected exactly one. Keep one, or split it in two',
    ],
    [
      'an unknown integration',
      { exposure: '[{ nginxx: { file: a } }]' },
      'unknown-key',
      'Cannot use key "nginxx" in "exposure[0]": found no such key, expected a key of a hand: one integration and its options. Did you mean "nginx"?',
    ],
    [
      'a slip in an option of a hand',
      { exposure: '[{ argo: { rolout: a } }]' },
      'unknown-key',
      'Cannot use key "rolout" in "exposure[0].argo": found no such key, expected a key of an Argo Rollout. Did you mean "rollout"?',
    ],
    [
      'an unknown signal',
      { rollbackWhen: '[data_los reported]' },
      'unknown-signal',
      'Cannot use signal "data_los" in rollbackWhen[0]: found no such name, expected one of metrics, signals or checks. Did you mean "data_loss"?',
    ],
    [
      'an unknown check',
      { rollbackWhen: '[smok failed]' },
      'unknown-check',
      'Cannot use check "smok" in rollbackWhen[0]: found no such name, expected one of metrics, signals or checks. Did you mean "smoke"?',
    ],
    [
      'a signal compared like a metric',
      { rollbackWhen: '[data_loss > 5]' },
      'condition',
      'Cannot read condition "data_loss > 5" in rollbackWhen[0]: found the signal "data_loss", expected the form of a signal. Write data_loss reported',
    ],
    [
      'a time without a unit',
      { rollbackWhen: '[p99 > 500]' },
      'condition-unit',
      'Cannot read condition "p99 > 500" in rollbackWhen[0]: found 500 without a unit, expected a time because "p99" is a time. Write p99 > 500ms',
    ],
    [
      'a count with a unit',
      { rollbackWhen: '[restarts > 5%]' },
      'condition-unit',
      'Cannot read condition "restarts > 5%" in rollbackWhen[0]: found "%" after 5, expected a number without a unit because "restarts" is a plain number. Write restarts > 5',
    ],
    [
      'money without a currency',
      { rollbackWhen: '[cost > 10]' },
      'condition-unit',
      'Cannot read condition "cost > 10" in rollbackWhen[0]: found 10 without a unit, expected an amount in USD because "cost" is money. Write cost > 10USD',
    ],
    [
      'a relative change of a percentage',
      { rollbackWhen: '[error_rate differs from previous by >= 20%]' },
      'condition-unit',
      'Cannot read condition "error_rate differs from previous by >= 20%" in rollbackWhen[0]: found "20%", expected points, because the metric is in percent. Write error_rate differs from previous by >= 20pt',
    ],
    [
      '"in" on a metric that is no count',
      { rollbackWhen: '[error_rate > 5% in 5m]' },
      'condition-span',
      'Cannot read condition "error_rate > 5% in 5m" in rollbackWhen[0]: found "in" on a metric that is no count, expected "over" or "for". Write error_rate over DURATION …, or … for DURATION',
    ],
    [
      '"over" on a count',
      { rollbackWhen: '[restarts over 5m > 5]' },
      'condition-span',
      'Cannot read condition "restarts over 5m > 5" in rollbackWhen[0]: found "over" on a count, expected "in" and a window. Write restarts … in DURATION',
    ],
    [
      'a criterion that waits for harm',
      { promoteWhen: '[error_rate > 5%]' },
      'condition-direction',
      'Cannot accept criterion "error_rate > 5%" in promoteWhen[0]: found ">" on a metric whose better is "lower", expected "<" or "<=". Turn the comparison round, or set better: higher',
    ],
    [
      'a target on the bad side',
      { metrics: '{ cpu: { last: cpu, unit: "%", target: "> 80%" } }' },
      'level-direction',
      'Cannot accept level "target" of metric "cpu": found ">" on a metric whose better is "lower", expected "<" or "<=". Turn the comparison round, or set better: higher',
    ],
    [
      'a metric named like a word of the grammar',
      { metrics: '{ baseline: { count: a } }' },
      'reserved-name',
      'Cannot use the name "baseline" in metrics.baseline: found a word of the condition grammar, expected another name. Rename it, for example baseline_value',
    ],
    [
      'one name for two things',
      { signals: '{ restarts: Pods restarted }' },
      'duplicate-name',
      'Cannot use the name "restarts" in signals: found it also in metrics, expected one thing of a name in conditions. Rename one of them',
    ],
    [
      '"otherwise" where nobody is asked',
      { rollbackWhen: '[{ if: restarts > 5, then: halt, otherwise: rollback }]' },
      'otherwise',
      'Cannot accept rule "restarts > 5" in rollbackWhen[0]: found "otherwise" beside "halt", expected it with "decide within" only. Delete otherwise',
    ],
    [
      'a decision about criteria without an answer to silence',
      { phases: '[{ name: all, expose: 100%, hold: 1h, ifNotMet: decide within 24h }]' },
      'otherwise',
      'Cannot accept ifNotMet in phases[0].ifNotMet: found "decide within 24h" without "otherwise", expected the answer to silence. Write decide within 24h otherwise rollback, or decide within 24h otherwise continue',
    ],
    [
      'an unknown channel',
      { channels: '{ ops: slack:#ops }', alerts: '[{ severity: high, if: restarts > 5, to: opps }]' },
      'unknown-channel',
      'Cannot use channel "opps" in alerts[0].to: found no such name, expected the name of a channel. Did you mean "ops"?',
    ],
    [
      'an alert nobody hears',
      { alerts: '[{ severity: high, if: restarts > 5 }]' },
      'no-recipient',
      'Cannot raise alert "restarts > 5": found neither "to" nor an escalation of the plan, expected somebody who hears it. Add to: CHANNEL',
    ],
    [
      'a channel of an unknown kind',
      { channels: '{ ops: slak:#ops }' },
      'value',
      'Cannot read "channels.ops": found "slak:#ops", expected one of slack, email, sms, pagerduty, statuspage, webhook, in-app, a colon and the address. Write for example ops: slack:#releases',
    ],
    [
      'an unknown checklist',
      { before: '[{ checklist: release }]' },
      'unknown-checklist',
      'Cannot use checklist "release" in before[0].checklist: found no such name, expected the name of a checklist. Add checklist "release" first',
    ],
    [
      'an unknown segment',
      { phases: '[{ name: all, expose: testers, hold: 1h }]' },
      'unknown-segment',
      'Cannot use segment "testers" in phases[0].expose: found no such name, expected the name of a segment. Known: all-users',
    ],
    [
      'an unknown template',
      { notify: '{ started: [{ send: hello }] }' },
      'unknown-template',
      'Cannot use template "hello" in notify.started[0].send: found no such name, expected the name of a template. Add template "hello" first',
    ],
    [
      'an unknown plan',
      { before: '[{ needs: sampel }]' },
      'unknown-releaseplan',
      'Cannot use plan "sampel" in before[0].needs: found no such name, expected the name of a plan. Did you mean "sample"?',
    ],
    [
      'an unknown calendar',
      { calendar: 'tokyo' },
      'unknown-calendar',
      'Cannot use calendar "tokyo" in calendar: found no such name, expected the name of a calendar. Add calendar "tokyo" first',
    ],
    [
      'an unknown runbook',
      { runbooks: '{ repair: [{ run: make repair }] }', before: '[{ run: x, irreversible: repare }]' },
      'unknown-runbook',
      'Cannot use runbook "repare" in before[0].irreversible: found no such name, expected the name of a runbook. Did you mean "repair"?',
    ],
    [
      'an unknown flag set',
      { flags: '{ alpha: { A: true } }', before: '[{ flags: alfa }]' },
      'unknown-flag-set',
      'Cannot use flag set "alfa" in before[0].flags: found no such name, expected the name of a flag set. Did you mean "alpha"?',
    ],
    [
      'an unknown label',
      { before: '[{ run: x, when: not hotfx }]' },
      'unknown-label',
      'Cannot use label "hotfx" in before[0].when: found no such name, expected the name of a label. Did you mean "hotfix"?',
    ],
    [
      'a flag set inside a flag set',
      { flags: '{ alpha: { A: [true] } }' },
      'flag-value',
      'Cannot set flag "A" in flags.alpha.A: found no single value, expected true, false, a number or text. Write A: true',
    ],
    [
      'a copy of a later phase',
      {
        phases:
          '[{ name: a, expose: 5%, hold: 1h, promoteWhen: same as b }, { name: b, expose: 50%, hold: 1h, promoteWhen: [restarts < 1] }]',
      },
      'same-as',
      'Cannot copy "same as b" in phases[0].promoteWhen: found phase "b", which comes later, expected an earlier phase that has promoteWhen. Write the items out',
    ],
    [
      'a copy of a phase that has none',
      { phases: '[{ name: a, expose: 5%, hold: 1h }, { name: b, expose: 50%, hold: 1h, promoteWhen: same as a }]' },
      'same-as',
      'Cannot copy "same as a" in phases[1].promoteWhen: found no promoteWhen in phase "a", expected an earlier phase that has promoteWhen. Earlier phases: a',
    ],
    [
      'two phases of one name',
      { phases: '[{ name: a, expose: 5%, hold: 1h }, { name: a, expose: 50%, hold: 1h }]' },
      'duplicate-name',
      'Cannot name a second phase "a": found the name twice, expected each name once. Rename one of them',
    ],
    [
      'two rules of one name',
      {
        rollbackWhen:
          'rollbackWhen:\n  - { name: Slow, if: p99 > 1s, then: rollback now }\n  - { name: Slow, if: p99 > 2s, then: halt }',
      },
      'duplicate-name',
      'Cannot accept rule "Slow": found the same name in line 17, expected a name for each rule, because the record says which one fired. Give it a name of its own',
    ],
    [
      'an open phase in the middle',
      { phases: '[{ name: a, expose: 5%, hold: open }, { name: b, expose: 50%, hold: 1h }]' },
      'hold-open',
      'Cannot hold phase "a" open: found phases after it, expected open in the last phase only. Write how long it holds, for example hold: 7d',
    ],
    [
      'quotas that are not the whole',
      { phases: '[{ name: a, expose: 15% of all-users, mix: { region: { 東京: 50%, 大阪: 20% } }, hold: 1h }]' },
      'mix',
      'Cannot read quotas in phases[0].mix.region: found a sum of 70%, expected 100%. Correct the shares',
    ],
    [
      'a step of "during" elsewhere',
      { before: '[{ confirm: ok, every: 1d }]' },
      'unknown-key',
      'Cannot use key "every" in "before[0]": found no such key, expected a key of a step: one verb and its options. Move the step to during of a phase',
    ],
    [
      'a step of "during" that is repeated after no time at all',
      { phases: '[{ name: a, expose: 5%, hold: 1h, during: [{ every: 0s, run: verify }] }]' },
      'value',
      'Cannot read "phases[0].during[0].every": found "0s", expected a duration such as 90s, 5m, 2h or 7d, above zero. Write for example every: 1d',
    ],
    [
      '"shown safe", which would wait for ever',
      { promoteWhen: '[p99 <= baseline + 10%]' },
      'evidence',
      'Cannot compare "p99 <= baseline + 10%" with the baseline: found no evidence policy, which means "shown safe", expected a policy that is available: "shown safe" is not available until sequential tests exist. Write evidence: not harmful with 100 samples',
    ],
    [
      'going back by a hand that only rises',
      { exposure: '[{ googlePlay: { track: production } }]', rollbackWhen: '[restarts > 5]' },
      'cannot-lower',
      'Cannot accept rule "restarts > 5" in rollbackWhen[0]: found "rollback now" on the hand "googlePlay:production", which can only rise, expected a consequence it can carry out. Write then: halt',
    ],
    [
      'silence that would lower a hand that only rises',
      {
        exposure: '[{ appStore: tt }]',
        rollbackWhen: '[{ if: restarts > 5, then: decide within 1h, otherwise: rollback }]',
      },
      'cannot-lower',
      'Cannot accept rule "restarts > 5" in rollbackWhen[0]: found "otherwise: rollback" on the hand "appStore:tt", which can only rise, expected a consequence it can carry out. Write otherwise: continue',
    ],
    [
      'a segment behind a hand that knows no users',
      { exposure: '[{ nginx: { upstream: api } }]', phases: '[{ name: a, expose: 15% of all-users, hold: 1h }]' },
      'cannot-select',
      'Cannot expose "15% of all-users" in phases[0].expose: found the hand "nginx:api", which splits by share alone, expected a hand that knows who a user is. Put a flag first, or expose a percentage',
    ],
    [
      'metrics inside themselves',
      { metrics: '{ a: { highest: [b] }, b: { highest: [a] } }' },
      'cycle',
      'Cannot read "metrics.b.highest": found a metric inside itself (a → b → a), expected no circle. Take one of them out',
    ],
    [
      'the highest of unlike metrics',
      { metrics: '{ a: { count: a }, b: { ratio: a / b }, c: { highest: [a, b] } }' },
      'highest',
      'Cannot read "metrics.c.highest": found metrics of different units or directions, expected one unit and one better. Make two metrics of it',
    ],
    [
      'a plan that needs itself',
      { before: '[{ needs: sample }]' },
      'cycle',
      'Cannot need plan "sample" in plan "sample": found plans that wait for each other (sample → sample), expected no circle. Take one of the needs out',
    ],
    [
      'a ratio of three',
      { metrics: '{ a: { ratio: x / y / z } }' },
      'series',
      'Cannot read ratio "x / y / z" in metrics.a.ratio: found 2 times " / ", expected two series with " / " between them. Write for example ratio: errors / requests',
    ],
    [
      'label filters that are no filters',
      { metrics: '{ a: { count: "x(status)" } }' },
      'series',
      'Cannot read series "x(status)" in metrics.a.count: found something else, expected a name, or a name with labels in parentheses. Write for example http_requests(status=5xx)',
    ],
    [
      'two default strategies',
      { strategies: '{ a: { default: true }, b: { default: true } }' },
      'ambiguous-strategy',
      'Cannot choose strategy "b" by default: true: found strategy "a" chosen by it too, expected one. Take it out of one of them',
    ],
    [
      'a strategy that renames a metric',
      { strategies: '{ a: { metrics: { restarts: { count: other } } } }' },
      'duplicate-name',
      'Cannot add metrics.restarts in strategy "a": found the same name in the plan, expected a new name, because strategies only add. Rename one of them',
    ],
  ]
  const segment = 'kind: Segment\nname: all-users'
  for (const [what, parts, code, en] of refused) {
    it(`refuses ${what} with what to write instead`, () => {
      const { problems } = checkText(writePlan(parts, segment))
      const problem = problems.find(known => known.code === code)
      assert.ok(problem, `${code}; found ${problems.map(known => `${known.code}: ${known.message.en}`).join('\n')}`)
      assert.equal(problem.message.en, en)
      assert.match(problem.message.ja, /ません: .+が、.+が必要です。.+/u)
    })
  }

  it('sorts problems by place and stops at fifty', () => {
    const rules = Array.from({ length: 80 }, (_, index) => `  - no_such_${index} > 5`)
    const { problems } = checkText(writePlan({ rollbackWhen: `rollbackWhen:\n${rules.join('\n')}` }))
    assert.equal(problems.length, 50)
    const lines = problems.map(({ place }) => place.line)
    assert.deepEqual(
      lines,
      [...lines].sort((a, b) => a - b),
    )
  })

  it('names the roles that are not there when the caller knows them', () => {
    const plan = writePlan({ before: '[{ approve: tech-led }]' })
    const { problems } = checkText(plan, { roles: ['tech-lead', 'qa'] })
    assert.equal(
      problems[0]?.message.en,
      'Cannot use role "tech-led" in before[0].approve: found no such name, expected the name of a role. Did you mean "tech-lead"?',
    )
    assert.ok(checkText(plan).ok)
  })

  it('refuses a second document of one name, an unknown kind and none', () => {
    const codes = (text: string) => checkText(text).problems.map(({ code, message }) => `${code}: ${message.en}`)
    const segmentTwice = `${segment}\n---\n${segment}`
    assert.deepEqual(codes(segmentTwice), [
      'duplicate-name: Cannot read Segment "all-users": found a second document of this name, expected each name once. Rename one of them, or delete it',
    ])
    assert.deepEqual(codes('kind: ReleasPlan\nname: a'), [
      'unknown-kind: Cannot use kind "ReleasPlan" in kind: found no such name, expected the name of a kind. Did you mean "ReleasePlan"?',
    ])
    assert.match(
      codes('name: a')[0] ?? '',
      /^unknown-kind: Cannot read this document: found no "kind", expected one of ReleasePlan/,
    )
  })

  it('keeps the place of a problem in the file of the document it stands in', () => {
    const [problem] = parseText('kind: Checklist\nname: x', 'a: [1').problems
    assert.equal(problem?.place.file, 'other-1.yaml')
  })
})
