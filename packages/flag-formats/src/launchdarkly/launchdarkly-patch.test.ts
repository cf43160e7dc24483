import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkFlag, defineFlag, type FlagDefinition } from '@dankai/flags'
import fc from 'fast-check'
import { launchDarklyRestFlag } from './flag-representation.ts'
import { importLaunchDarkly } from './import-launchdarkly.ts'
import { applyJsonPatch, applyMergePatch } from './json-patch.ts'
import { type LaunchDarklyPatch, patchLaunchDarklyFlag } from './patch-flag.ts'
import { readLaunchDarklyContext } from './read-context.ts'

const seed = Number(process.env['DANKAI_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const about = {
  project: 'triptrip',
  environment: 'production',
  changedAt: 0,
  description: '',
  variationOf: (_flag: string, variant: string) => ['on', 'off'].indexOf(variant),
  variantOf: (_flag: string, place: number) => ['on', 'off'][place],
}

const colour = defineFlag({
  key: 'colour',
  version: 7,
  variants: { red: 'red', green: 'green', blue: 'blue' },
  offVariant: 'red',
  onVariant: 'green',
  prerequisites: [{ flag: 'gate', variants: ['on'] }],
  targets: [{ variant: 'blue', keys: ['aki', 'ben'] }],
  rules: [
    {
      id: 'inside',
      when: [
        { attribute: 'ip', operator: 'cidr', values: ['10.0.0.0/8'], negated: false },
        { attribute: 'plan', operator: 'is', values: ['pro'], negated: false },
      ],
      share: 0.5,
      by: null,
      seed: null,
      serve: { variant: 'green' },
    },
    { id: 'all', when: [], share: 1, by: null, seed: null, serve: { variant: 'blue' } },
  ],
  segments: { staff: { include: {}, keys: ['mei'] } },
  exposure: { share: 0.25, shadow: false, cohorts: [{ segment: 'staff', share: 0.5, mix: null }] },
})

function patched(patch: LaunchDarklyPatch, flag: FlagDefinition = colour): FlagDefinition {
  const result = patchLaunchDarklyFlag(flag, patch, about)
  assert.ok(result.ok, JSON.stringify(result))
  return result.value
}

const semantic = (...instructions: object[]): LaunchDarklyPatch => ({ kind: 'semantic', value: instructions })
const json = (...value: object[]): LaunchDarklyPatch => ({ kind: 'json', value })
const at = '/environments/production'

describe(`patches of a flag in LaunchDarkly's forms (seed ${seed})`, () => {
  it('change what they name and nothing else, also where LaunchDarkly has no word for the rest', () => {
    const rest = launchDarklyRestFlag(colour, about)
    assert.deepEqual(
      rest.environments['production']?.rules.map(({ _id }) => _id),
      ['inside', 'all', 'cohort:staff'],
    )
    const cases: readonly (readonly [LaunchDarklyPatch, Partial<FlagDefinition>])[] = [
      [json(), {}],
      [{ kind: 'merge', value: {} }, {}],
      [json({ op: 'replace', path: `${at}/on`, value: false }), { on: false }],
      [{ kind: 'merge', value: { environments: { production: { on: false } } } }, { on: false }],
      [json({ op: 'remove', path: `${at}/targets/0` }), { targets: [] }],
      [json({ op: 'remove', path: `${at}/prerequisites/0` }), { prerequisites: [] }],
      [json({ op: 'remove', path: `${at}/rules/1` }), { rules: colour.rules.slice(0, 1) }],
      [json({ op: 'move', from: `${at}/rules/0`, path: `${at}/rules/1` }), { rules: colour.rules.toReversed() }],
      [
        json({ op: 'replace', path: `${at}/offVariation`, value: 2 }),
        { offVariant: 'blue', otherwise: { variant: 'blue' } },
      ],
      [
        json({ op: 'replace', path: `${at}/prerequisites/0/variation`, value: 1 }),
        { prerequisites: [{ flag: 'gate', variants: ['off'] }] },
      ],
      [
        json({ op: 'replace', path: '/variations/1/value', value: 'lime' }),
        { variants: { red: 'red', green: 'lime', blue: 'blue' } },
      ],
      [semantic({ kind: 'turnFlagOn' }), {}],
      [semantic({ kind: 'turnFlagOff' }), { on: false }],
      [
        semantic({ kind: 'removeTargets', values: ['aki'], variationId: 'blue' }),
        { targets: [{ variant: 'blue', keys: ['ben'] }] },
      ],
      [semantic({ kind: 'clearUserTargets', variationId: 'blue' }), { targets: [] }],
      [
        semantic({ kind: 'addTargets', values: ['ben', 'mei'], variationId: 'green' }),
        {
          targets: [
            { variant: 'blue', keys: ['aki'] },
            { variant: 'green', keys: ['ben', 'mei'] },
          ],
        },
      ],
      [
        semantic({ kind: 'replaceTargets', targets: [{ variationId: 'red', values: ['x'] }] }),
        { targets: [{ variant: 'red', keys: ['x'] }] },
      ],
      [semantic({ kind: 'removePrerequisite', key: 'gate' }), { prerequisites: [] }],
      [
        semantic({ kind: 'updatePrerequisite', key: 'gate', variationId: 'off' }),
        { prerequisites: [{ flag: 'gate', variants: ['off'] }] },
      ],
      [semantic({ kind: 'reorderRules', ruleIds: ['all', 'inside'] }), { rules: colour.rules.toReversed() }],
      [semantic({ kind: 'removeRule', ruleId: 'inside' }), { rules: colour.rules.slice(1) }],
      [
        semantic({ kind: 'removeClauses', ruleId: 'inside', clauseIds: ['inside:0'] }),
        { rules: ruleWith({ when: colour.rules[0]!.when.slice(1) }) },
      ],
      [
        semantic({ kind: 'addValuesToClause', ruleId: 'inside', clauseId: 'inside:1', values: ['vip', 'pro'] }),
        {
          rules: ruleWith({
            when: [colour.rules[0]!.when[0]!, { ...colour.rules[0]!.when[1]!, values: ['pro', 'vip'] }],
          }),
        },
      ],
      [
        semantic({ kind: 'updateRuleVariationOrRollout', ruleId: 'inside', variationId: 'red' }),
        { rules: ruleWith({ share: 1, serve: { variant: 'red' } }) },
      ],
      [
        semantic({ kind: 'updateFallthroughVariationOrRollout', variationId: 'blue' }),
        { onVariant: 'blue', exposure: { ...colour.exposure, share: 1 } },
      ],
      [
        semantic({ kind: 'updateFallthroughVariationOrRollout', variationId: 'red' }),
        { exposure: { ...colour.exposure, share: 0 } },
      ],
      [
        semantic({ kind: 'updateFallthroughVariationOrRollout', rolloutWeights: { red: 60_000, green: 40_000 } }),
        { exposure: { ...colour.exposure, share: 0.4 } },
      ],
      [
        semantic({ kind: 'addVariation', name: 'pink', value: 'pink' }),
        { variants: { ...colour.variants, pink: 'pink' } },
      ],
    ]
    for (const [patch, change] of cases)
      assert.deepEqual(patched(patch), { ...colour, ...change }, JSON.stringify(patch))
  })

  it('of a flag that LaunchDarkly deals keep its order of variations, which decides who has which', () => {
    const dealt = { ...colour, algorithm: 'launchdarkly' as const }
    const weights = { kind: 'updateFallthroughVariationOrRollout', rolloutWeights: { red: 60_000, green: 40_000 } }
    const { otherwise, exposure } = patched(semantic(weights), dealt)
    assert.equal(exposure.share, 0)
    assert.deepEqual('split' in otherwise && otherwise.split, [
      { variant: 'red', weight: 60_000 },
      { variant: 'green', weight: 40_000 },
    ])
  })

  it('add rules as clauses, where asked, and turn clauses round as LaunchDarkly means it', () => {
    const clauses = [{ attribute: 'plan', op: 'in', values: ['free'], negate: true, contextKind: 'user' }]
    const { rules } = patched(semantic({ kind: 'addRule', clauses, variationId: 'red', beforeRuleId: 'all' }))
    assert.deepEqual(
      rules.map(({ id }) => id),
      ['inside', 'rule-3', 'all'],
    )
    assert.deepEqual(
      rules[1]?.when.map(({ operator, negated }) => [operator, negated]),
      [
        ['exists', false],
        ['is', true],
      ],
    )
    const inStaff = { attribute: '', op: 'segmentMatch', values: ['staff'], negate: false }
    const added = patched(json({ op: 'add', path: `${at}/rules/-`, value: { clauses: [inStaff], variation: 1 } }))
    assert.deepEqual(added.rules.at(-1)?.when[0]?.values, ['staff'])
  })

  it('are refused by name when they cannot be carried out', () => {
    const cases: readonly (readonly [LaunchDarklyPatch, number, RegExp])[] = [
      [semantic({ kind: 'removeRule', ruleId: 'cohort:staff' }), 422, /moved by releases/],
      [json({ op: 'remove', path: `${at}/rules/2` }), 422, /moved by releases/],
      [semantic({ kind: 'reorderRules', ruleIds: ['all', 'all'] }), 400, /each of the 2 once/],
      [semantic({ kind: 'addPrerequisite', key: 'gate', variationId: 'on' }), 400, /already/],
      [semantic({ kind: 'removePrerequisite', key: 'other' }), 404, /no prerequisite/],
      [
        semantic({
          kind: 'addRule',
          clauses: [{ attribute: 'a', op: 'rhymesWith', values: ['b'] }],
          variationId: 'red',
        }),
        422,
        /"rhymesWith"/,
      ],
      [
        semantic({
          kind: 'addRule',
          clauses: [{ attribute: '', op: 'segmentMatch', values: ['who'] }],
          variationId: 'red',
        }),
        422,
        /no segment "who"/,
      ],
      [semantic({ kind: 'updateFallthroughVariationOrRollout', rolloutWeights: { red: 0.5 } }), 400, /weight 0.5/],
      [
        semantic({
          kind: 'updateFallthroughVariationOrRollout',
          rolloutWeights: { red: 100_000 },
          rolloutContextKind: 'device',
        }),
        422,
        /"device"/,
      ],
      [semantic({ kind: 'toString' }), 400, /not known/],
      [json({ op: 'replace', path: `${at}/rules/0/clauses/1/op`, value: 'matches' }), 422, /cidr/],
      [json({ op: 'add', path: '/tags/-', value: 'x' }), 422, /"\/tags" cannot/],
      [json({ op: 'add', path: '/environments/staging', value: {} }), 422, /staging" cannot/],
      [json({ op: 'add', path: '/__proto__/on', value: true }), 400, /nothing at/],
      [{ kind: 'json', value: 7 }, 400, /JSON Patch/],
      [{ kind: 'merge', value: 7 }, 400, /no object/],
      [json({ op: 'add', path: `${at}/targets`, value: nested(100_000) }), 400, /another shape/],
    ]
    for (const [patch, status, message] of cases) {
      const result = patchLaunchDarklyFlag(colour, patch, about)
      assert.ok(!result.ok, String(message))
      assert.equal(result.status, status, result.message)
      assert.match(result.message, message)
    }
    const killed = patchLaunchDarklyFlag(
      { ...colour, on: false, killed: true },
      semantic({ kind: 'turnFlagOn' }),
      about,
    )
    assert.deepEqual([killed.ok, !killed.ok && killed.status], [false, 409], 'a stop is not lifted by turning on')
  })

  it('never throw and never make an unsound flag, whatever is sent', () => {
    const kinds = [
      'addRule',
      'addTargets',
      'updateClause',
      'replaceRules',
      'addVariation',
      'updateFallthroughVariationOrRollout',
    ]
    const some = fc.oneof(fc.jsonValue(), fc.constantFrom('red', 'inside', 'inside:0', ['aki'], { red: 100_000 }))
    const instruction = fc.record(
      {
        kind: fc.constantFrom(...kinds),
        variationId: some,
        values: some,
        clauses: some,
        ruleId: some,
        clauseId: some,
        clause: some,
        rules: some,
        value: some,
        rolloutWeights: some,
      },
      { requiredKeys: ['kind'] },
    )
    const paths = fc.constantFrom(
      '',
      at,
      `${at}/rules`,
      `${at}/rules/0`,
      `${at}/fallthrough`,
      `${at}/targets`,
      '/variations',
      `${at}/prerequisites`,
    )
    const operation = fc.record({
      op: fc.constantFrom('add', 'replace', 'remove', 'move', 'copy'),
      path: paths,
      from: paths,
      value: some,
    })
    const patch: fc.Arbitrary<LaunchDarklyPatch> = fc.oneof(
      fc.array(instruction, { maxLength: 3 }).map((value): LaunchDarklyPatch => ({ kind: 'semantic', value })),
      fc.array(operation, { maxLength: 3 }).map((value): LaunchDarklyPatch => ({ kind: 'json', value })),
      some.map((value): LaunchDarklyPatch => ({ kind: 'merge', value: { environments: { production: value } } })),
    )
    fc.assert(
      fc.property(patch, one => {
        const result = patchLaunchDarklyFlag(colour, one, about)
        if (result.ok) assert.deepEqual(checkFlag(result.value), [])
        else assert.ok([400, 404, 409, 422].includes(result.status))
      }),
      { numRuns: 3_000, seed },
    )
    fc.assert(
      fc.property(fc.jsonValue(), some, (flag, more) => {
        const given = {
          flags: { one: flag, two: { variations: [true, false], rules: more, targets: more, fallthrough: more } },
          segments: more,
        }
        for (const imported of importLaunchDarkly(given).flags) assert.deepEqual(checkFlag(imported), [])
        assert.equal(typeof readLaunchDarklyContext(flag).ok, 'boolean')
      }),
      { numRuns: 1_000, seed },
    )
  })

  it('follow the standards of JSON Patch and merge patch, and leave the document they are applied to', () => {
    const document = { a: [1, 2], 'b/c~d': { e: null } }
    const kept = structuredClone(document)
    const cases: readonly (readonly [object[], unknown])[] = [
      [[{ op: 'add', path: '/a/1', value: 9 }], { ...document, a: [1, 9, 2] }],
      [[{ op: 'add', path: '/a/-', value: 9 }], { ...document, a: [1, 2, 9] }],
      [[{ op: 'replace', path: '/b~1c~0d/e', value: 1 }], { ...document, 'b/c~d': { e: 1 } }],
      [
        [
          { op: 'copy', from: '/a', path: '/f' },
          { op: 'remove', path: '/f/0' },
        ],
        { ...document, f: [2] },
      ],
      [[{ op: 'move', from: '/a', path: '/g' }], { 'b/c~d': { e: null }, g: [1, 2] }],
      [[{ op: 'test', path: '/a', value: [1, 2] }], document],
      [[{ op: 'replace', path: '', value: 5 }], 5],
    ]
    for (const [patch, expected] of cases)
      assert.deepEqual(applyJsonPatch(document, patch), expected, JSON.stringify(patch))
    assert.deepEqual(document, kept)
    // The examples of RFC 7396 that differ in kind.
    for (const [target, patch, expected] of [
      [{ a: 'b' }, { a: null }, {}],
      [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
      [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
      [[1, 2], { a: 'b', c: null }, { a: 'b' }],
      [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    ] as const)
      assert.deepEqual(applyMergePatch(target as never, patch as never), expected)
  })

  it('are refused when copies of copies would fill the memory, or make what is too deep to walk through', () => {
    const times = (length: number, operation: (index: number) => object) =>
      Array.from({ length }, (_, at) => operation(at))
    const doubling = times(30, index => ({ op: 'copy', from: '/a', path: `/a/${index}` }))
    assert.throws(() => applyJsonPatch({ a: {} }, doubling), /found copies of more than 1000000 characters/)
    const deepening = times(200, () => ({ op: 'copy', from: '/a', path: '/a/b' }))
    assert.throws(() => applyJsonPatch({ a: {} }, deepening), /found a value nested deeper than 120 levels/)
    const downwards = times(200, index => ({ op: 'add', path: `/a${'/b'.repeat(index)}/b`, value: {} }))
    assert.throws(() => applyJsonPatch({ a: {} }, downwards), /found a value nested deeper than 120 levels/)
    assert.ok(applyJsonPatch({ a: {} }, deepening.slice(0, 100)))
  })
})

/** As deep as a body of some hundred kilobytes can make it. */
function nested(depth: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = [value]
  return value
}

function ruleWith(change: Partial<FlagDefinition['rules'][number]>): FlagDefinition['rules'] {
  return colour.rules.with(0, { ...colour.rules[0]!, ...change })
}
