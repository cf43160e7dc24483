// What a user would pick instead, each with the three flags of the benchmark in its own words. This file is no
// TypeScript because these packages are not installed where the rest is checked.
//
// A contender has `contextOf(user)`, made before the clock starts, and one function a workload that gives what was
// served, with the details of the decision where the client has such a call.
import { EventEmitter } from 'node:events'
import * as configCat from '@configcat/sdk'
import { createInstance } from '@featurevisor/sdk'
import { GrowthBookClient } from '@growthbook/growthbook'
import * as launchDarkly from '@launchdarkly/node-server-sdk'
import { FlagdCore } from '@openfeature/flagd-core'
import { BaseOfflineHandler, Flagsmith } from 'flagsmith-nodejs'
import { Unleash } from 'unleash-client'
import { buildEnvironmentModel } from './node_modules/flagsmith-nodejs/build/esm/flagsmith-engine/environments/util.js'

const silent = { error() {}, warn() {}, info() {}, debug() {} }
const parts = ['a', 'b', 'c', 'd']

/** @param {{ countries: string[], plan: string, emailEnd: string, version: string }} rules */
export async function createContenders(rules) {
  return [
    growthBook(rules),
    unleashClient(rules),
    await launchDarklyServer(rules),
    flagdCore(rules),
    flagsmith(rules),
    featurevisor(rules),
    await configCatClient(rules),
  ]
}

function growthBook({ countries, plan, emailEnd, version }) {
  const on = condition => ({ condition, force: true })
  const quarter = { force: true, coverage: 0.25, hashAttribute: 'id' }
  const client = new GrowthBookClient()
  client.initSync({
    payload: {
      features: {
        share: { defaultValue: false, rules: [quarter] },
        rules: {
          defaultValue: false,
          rules: [
            on({ country: { $in: countries } }),
            on({ plan }),
            on({ email: { $regex: `${emailEnd.replaceAll('.', '\\.')}$` } }),
            on({ appVersion: { $vgte: version } }),
            on({ betaTester: true }),
            quarter,
          ],
        },
        split: {
          defaultValue: 'a',
          rules: [{ key: 'split', variations: parts, weights: [0.25, 0.25, 0.25, 0.25], hashAttribute: 'id' }],
        },
      },
    },
  })
  return {
    name: 'growthbook',
    contextOf: user => ({ attributes: user }),
    share: context => client.evalFeature('share', context).value,
    rules: context => client.evalFeature('rules', context).value,
    split: context => client.evalFeature('split', context).value,
    close: () => client.destroy(),
  }
}

function unleashClient({ countries, plan, emailEnd, version }) {
  const rollout = (percent, more = {}) => ({
    name: 'flexibleRollout',
    parameters: { groupId: 'group', rollout: String(percent), stickiness: 'userId' },
    constraints: [],
    ...more,
  })
  const when = (contextName, operator, values, more = {}) =>
    rollout(100, { constraints: [{ contextName, operator, values, inverted: false, ...more }] })
  const variants = parts.map(name => ({ name, weight: 250, stickiness: 'userId' }))
  const toggle = (name, strategies) => ({ name, enabled: true, strategies })
  const toggles = {
    share: toggle('share', [rollout(25)]),
    rules: toggle('rules', [
      when('country', 'IN', countries),
      when('plan', 'IN', [plan]),
      when('email', 'STR_ENDS_WITH', [emailEnd]),
      when('appVersion', 'SEMVER_LT', [], { value: version, inverted: true }),
      when('betaTester', 'IN', ['true']),
      rollout(25),
    ]),
    split: toggle('split', [rollout(100, { variants })]),
  }
  const repository = Object.assign(new EventEmitter(), {
    getToggle: name => toggles[name],
    getSegment: () => undefined,
    start: async () => {},
    stop: () => {},
  })
  const client = new Unleash({
    appName: 'bench',
    url: 'http://127.0.0.1:9/api/',
    repository,
    disableMetrics: true,
    skipInstanceCountWarning: true,
  })
  repository.emit('ready')
  return {
    name: 'unleash-client',
    contextOf: ({ id, betaTester, ...rest }) => ({
      userId: id,
      properties: { ...rest, betaTester: String(betaTester) },
    }),
    share: context => client.isEnabled('share', context),
    rules: context => client.isEnabled('rules', context),
    split: context => client.getVariant('split', context).name,
    close: () => client.destroy(),
  }
}

async function launchDarklyServer({ countries, plan, emailEnd, version }) {
  const data = new launchDarkly.integrations.TestData()
  const client = launchDarkly.init('sdk-key', {
    updateProcessor: data.getFactory(),
    sendEvents: false,
    diagnosticOptOut: true,
    logger: silent,
  })
  await client.waitForInitialization({ timeout: 10 })
  const flag = {
    version: 1,
    on: true,
    salt: 'salt',
    offVariation: 1,
    variations: [true, false],
    targets: [],
    rules: [],
    prerequisites: [],
  }
  const rollout = weights => ({
    rollout: { contextKind: 'user', variations: weights.map((weight, variation) => ({ variation, weight })) },
  })
  const rule = (attribute, op, values, negate = false) => ({
    id: attribute,
    variation: 0,
    clauses: [{ contextKind: 'user', attribute, op, values, negate }],
  })
  const quarter = rollout([25_000, 75_000])
  await data.usePreconfiguredFlag({ ...flag, key: 'share', fallthrough: quarter })
  await data.usePreconfiguredFlag({
    ...flag,
    key: 'rules',
    rules: [
      rule('country', 'in', countries),
      rule('plan', 'in', [plan]),
      rule('email', 'endsWith', [emailEnd]),
      rule('appVersion', 'semVerLessThan', [version], true),
      rule('betaTester', 'in', [true]),
    ],
    fallthrough: quarter,
  })
  await data.usePreconfiguredFlag({
    ...flag,
    key: 'split',
    variations: parts,
    fallthrough: rollout([25_000, 25_000, 25_000, 25_000]),
  })
  return {
    name: 'launchdarkly-server-sdk',
    contextOf: ({ id, ...rest }) => ({ kind: 'user', key: id, ...rest }),
    share: async context => (await client.variationDetail('share', context, false)).value,
    rules: async context => (await client.variationDetail('rules', context, false)).value,
    split: async context => (await client.variationDetail('split', context, 'a')).value,
    close: () => client.close(),
  }
}

function flagdCore({ countries, plan, emailEnd, version }) {
  const core = new FlagdCore()
  const switched = { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off' }
  const quarter = {
    fractional: [
      ['on', 25],
      ['off', 75],
    ],
  }
  const rules = {
    if: [
      { in: [{ var: 'country' }, countries] },
      'on',
      { '==': [{ var: 'plan' }, plan] },
      'on',
      { ends_with: [{ var: 'email' }, emailEnd] },
      'on',
      { sem_ver: [{ var: 'appVersion' }, '>=', version] },
      'on',
      { var: 'betaTester' },
      'on',
      quarter,
    ],
  }
  const split = {
    state: 'ENABLED',
    variants: Object.fromEntries(parts.map(name => [name, name])),
    defaultVariant: 'a',
    targeting: { fractional: parts.map(name => [name, 25]) },
  }
  const flags = { share: { ...switched, targeting: quarter }, rules: { ...switched, targeting: rules }, split }
  core.setConfigurations(JSON.stringify({ flags }))
  return {
    name: 'flagd-core',
    contextOf: ({ id, ...rest }) => ({ targetingKey: id, ...rest }),
    share: context => core.resolveBooleanEvaluation('share', false, context, silent).value,
    rules: context => core.resolveBooleanEvaluation('rules', false, context, silent).value,
    split: context => core.resolveStringEvaluation('split', 'a', context, silent).value,
    close: () => {},
  }
}

/** All flags of an environment are evaluated at once, so each workload has an environment of its own. */
function flagsmith({ countries, plan, emailEnd, version }) {
  const state = (name, enabled, more = {}) => ({
    id: 1,
    enabled,
    feature: { id: 1, name, type: 'STANDARD' },
    feature_state_value: 'a',
    featurestate_uuid: '40eb539d-3713-4720-bbd4-829dbef10d51',
    feature_segment: null,
    multivariate_feature_state_values: [],
    ...more,
  })
  const segment = (name, property_, operator, value) => id => ({
    id,
    name: `${name}-${id}`,
    feature_states: [state(name, true, { feature_segment: { priority: id } })],
    rules: [
      {
        type: 'ALL',
        conditions: [],
        rules: [{ type: 'ANY', conditions: [{ property_, operator, value }], rules: [] }],
      },
    ],
  })
  const quarter = name => segment(name, '', 'PERCENTAGE_SPLIT', '25')
  const environment = (feature_state, segments) => ({
    id: 1,
    api_key: 'bench',
    name: 'bench',
    project: {
      id: 1,
      name: 'bench',
      organisation: {
        id: 1,
        name: 'bench',
        feature_analytics: false,
        persist_trait_data: true,
        stop_serving_flags: false,
      },
      hide_disabled_flags: false,
      segments: segments.map((create, index) => create(index + 1)),
    },
    segment_overrides: [],
    identity_overrides: [],
    feature_states: [feature_state],
  })
  const clientOf = document => {
    class Handler extends BaseOfflineHandler {
      #environment = buildEnvironmentModel(document)
      getEnvironment() {
        return this.#environment
      }
    }
    return new Flagsmith({ offlineMode: true, offlineHandler: new Handler(), logger: silent })
  }
  const multivariate = parts.map((value, index) => ({
    id: index + 1,
    percentage_allocation: 25,
    multivariate_feature_option: { id: index + 1, value },
    mv_fs_value_uuid: `42d5cdf9-8ec9-4b8d-a3ca-fd43c64d5f0${index}`,
  }))
  const share = clientOf(environment(state('share', false), [quarter('share')]))
  const rules = clientOf(
    environment(state('rules', false), [
      segment('rules', 'country', 'IN', countries.join(',')),
      segment('rules', 'plan', 'EQUAL', plan),
      segment('rules', 'email', 'REGEX', `.*${emailEnd.replaceAll('.', '\\.')}$`),
      segment('rules', 'appVersion', 'GREATER_THAN_INCLUSIVE', `${version}:semver`),
      segment('rules', 'betaTester', 'EQUAL', 'true'),
      quarter('rules'),
    ]),
  )
  const split = clientOf(environment(state('split', true, { multivariate_feature_state_values: multivariate }), []))
  return {
    name: 'flagsmith',
    contextOf: ({ id, ...traits }) => ({ id, traits }),
    share: async ({ id, traits }) => (await share.getIdentityFlags(id, traits)).isFeatureEnabled('share'),
    rules: async ({ id, traits }) => (await rules.getIdentityFlags(id, traits)).isFeatureEnabled('rules'),
    split: async ({ id, traits }) => (await split.getIdentityFlags(id, traits)).getFeatureValue('split'),
    close: () => {},
  }
}

function featurevisor({ countries, plan, emailEnd, version }) {
  const traffic = (key, segments, percentage, allocation = []) => ({ key, segments, percentage, allocation })
  const segment = (attribute, operator, value) => ({ conditions: [{ attribute, operator, value }] })
  const quarters = parts.map((variation, index) => ({ variation, range: [index * 25_000, (index + 1) * 25_000] }))
  const client = createInstance({
    logLevel: 'fatal',
    datafile: {
      schemaVersion: '2',
      revision: '1',
      segments: {
        country: segment('country', 'in', countries),
        plan: segment('plan', 'equals', plan),
        email: segment('email', 'endsWith', emailEnd),
        version: segment('appVersion', 'semverGreaterThanOrEquals', version),
        beta: segment('betaTester', 'equals', true),
      },
      features: {
        share: { key: 'share', bucketBy: 'id', traffic: [traffic('all', '*', 25_000)] },
        rules: {
          key: 'rules',
          bucketBy: 'id',
          traffic: [
            ...['country', 'plan', 'email', 'version', 'beta'].map(name => traffic(name, name, 100_000)),
            traffic('all', '*', 25_000),
          ],
        },
        split: {
          key: 'split',
          bucketBy: 'id',
          variations: parts.map(value => ({ value })),
          traffic: [traffic('all', '*', 100_000, quarters)],
        },
      },
    },
  })
  return {
    name: 'featurevisor',
    contextOf: user => user,
    share: context => client.isEnabled('share', context),
    rules: context => client.isEnabled('rules', context),
    split: context => client.getVariation('split', context),
    close: () => {},
  }
}

async function configCatClient({ countries, plan, emailEnd, version }) {
  const when = (a, c, value) => ({ c: [{ u: { a, c, ...value } }], s: { v: { b: true }, i: `${a}-on` } })
  const quarter = [
    { p: 25, v: { b: true }, i: 'in' },
    { p: 75, v: { b: false }, i: 'out' },
  ]
  const config = {
    p: { u: 'http://127.0.0.1:9', r: 0, s: 'salt' },
    f: {
      share: { t: 0, v: { b: false }, i: 'off', p: quarter },
      rules: {
        t: 0,
        v: { b: false },
        i: 'off',
        r: [
          when('Country', 0, { l: countries }),
          when('plan', 28, { s: plan }),
          when('Email', 32, { l: [emailEnd] }),
          when('appVersion', 9, { s: version }),
          when('betaTester', 28, { s: 'true' }),
        ],
        p: quarter,
      },
      split: { t: 1, v: { s: 'a' }, i: 'a', p: parts.map(s => ({ p: 25, v: { s }, i: s })) },
    },
  }
  const stored = `${Date.now()}\n"etag"\n${JSON.stringify(config)}`
  const client = configCat.getClient(
    'configcat-sdk-1/1234567890123456789012/1234567890123456789012',
    configCat.PollingMode.ManualPoll,
    {
      cache: { get: () => stored, set: () => {} },
      logger: configCat.createConsoleLogger(configCat.LogLevel.Off),
      offline: true,
    },
  )
  await client.waitForReady()
  const snapshot = client.snapshot()
  return {
    name: 'configcat',
    contextOf: ({ id, email, country, ...rest }) =>
      new configCat.User(id, email, country, { ...rest, betaTester: String(rest.betaTester) }),
    share: user => snapshot.getValueDetails('share', false, user).value,
    rules: user => snapshot.getValueDetails('rules', false, user).value,
    split: user => snapshot.getValueDetails('split', 'a', user).value,
    close: () => client.dispose(),
  }
}
