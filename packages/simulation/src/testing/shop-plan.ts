import { type CompiledPlan, compilePlan, type PlanFile, parsePlanDocuments, renderProblem } from '@dankai/plan'

/** A plan that has one of everything and takes an hour: small enough for hundreds of worlds in a test. */
export const shopPlan = `kind: ReleasePlan
name: shop
title: Shop 段階的リリース
service: shop
labels: [hotfix]

exposure:
  - nginx: { file: /etc/nginx/shop, upstream: shop, stable: localhost:1, canary: localhost:2 }
  - flag: { name: new-basket, as: gate }

metrics:
  error_rate:  { ratio: errors / requests }
  p99:         { p99: duration, unit: ms }
  restarts:    { count: restarts, every: 1m }
  cpu:         { last: cpu, unit: "%", every: 1m, warn: "> 80%" }
  rating:      { last: rating, better: higher, every: sample }

signals:
  data_loss: データ損失

before:
  - { run: npm test }
  - { approve: release-managers, count: 2 }

evidence: not harmful with 100 samples
promoteWhen:
  - error_rate < 1%
  - p99 <= baseline + 10%

phases:
  - { name: canary, expose: 5%,  hold: 5m }
  - name: half
    expose: 50%
    hold: 20m
    before: [{ confirm: capacity is ready, by: sre }]
    promoteWhen: [rating >= 4]
  - { name: all, expose: 100%, hold: 30m }

rollbackWhen:
  - { name: Error spike, if: error_rate > 5% for 2m, then: rollback now }
  - { name: Crash loop, if: restarts > 5 in 5m, then: rollback now }
  - { name: Slow, if: p99 > 2s for 1m, then: rollback within 30m }
  - { name: Elevated, if: error_rate > 2%, then: decide within 10m, otherwise: rollback }
  - { name: Busy, if: cpu > 90%, then: hold }
  - { name: Reported, if: data_loss reported, then: rollback now }

rollback:
  - { name: back, within: 5m, do: [{ expose: 0% }, { run: ./restore.sh }] }
  - { name: verify, within: 15m, do: [{ check: [error_rate < 1%] }, { confirm: users can buy, by: on-call }] }
followUp:
  - { confirm: root cause, within: 24h, by: tech-lead }

channels: { team: "slack:#team" }
notify:
  completed: [{ send: done, to: team }]
`

export const shopTemplates = `kind: Template
name: done
en: { body: "{{ plan }} is out" }
`

export const shopFiles: readonly PlanFile[] = [
  { path: 'shop.yaml', text: shopPlan },
  { path: 'shop.templates.yaml', text: shopTemplates },
]

export function compileShop(text: string = shopPlan): CompiledPlan {
  const documents = parsePlanDocuments([{ path: 'shop.yaml', text }, shopFiles[1]!])
  const compiled = compilePlan(documents, { plan: 'shop' })
  if (compiled.ok) return compiled.plan
  throw new Error(compiled.problems.map(problem => renderProblem(problem, 'en')).join('\n'))
}

/** Files of the shop with one scenario document: the scenarios are given as YAML list items. */
export function shopScenarios(scenarios: string): readonly PlanFile[] {
  return [...shopFiles, { path: 'shop.scenarios.yaml', text: `kind: Scenarios\nplan: shop\nscenarios:\n${scenarios}` }]
}
